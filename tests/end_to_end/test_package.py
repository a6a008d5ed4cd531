"""The distribution: what is built holds what is tracked, and what is installed does what the README says."""

import os
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from shutil import copy2
from zipfile import ZipFile

import pytest
import yaml

from tests.end_to_end.test_readme import blocks, commands
from tests.test_repository import PACKAGES, ROOT, tracked_files


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for file in tracked_files():
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        copy2(ROOT / file, source / file)
    # Without isolation, so that nothing is downloaded.
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), str(source)], ROOT)
    return made


@pytest.fixture(scope="session")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and what it depends on from this environment."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False, symlinks=True)
    programs = place / "bin"
    (wheel,) = built.glob("*.whl")
    _run(
        [
            *(sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet"),
            *("--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)),
        ],
        place,
    )
    (own,) = place.glob("lib/python*/site-packages")
    # A path that stands in a .pth file is searched last, and .pth files in it are not read: of this
    # environment all is seen but our own packages.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_the_wheel_holds_what_is_tracked(built: Path) -> None:
    """Templates, studies and type marks are installed as well, and nothing else is."""
    (wheel,) = built.glob("*.whl")
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert packed == _tracked()


def test_the_source_distribution_holds_what_is_tracked(built: Path) -> None:
    """From the source distribution the same wheel can be made, with its licence and its README."""
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert _tracked() | {"pyproject.toml", "README.md", "LICENSE"} <= packed


@pytest.mark.timeout(1500)  # every command begins by importing torch, and `validate` trains each choice
def test_the_readme_runs_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    """In an empty folder, without the repository, the README's commands do what they are there for."""
    where = _run([str(installed / "python"), "-c", "import tuner; print(tuner.__file__)"], tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    (text,) = blocks("yaml")
    (tmp_path / "my_study.yaml").write_text(_smaller(text))
    for line in commands("tuner"):
        assert _run([str(installed / "tuner"), *shlex.split(line)], tmp_path)
    assert "<svg" in (tmp_path / "runs" / "mine" / "report.html").read_text(encoding="utf-8").lower()
    _run([str(installed / "tuner"), "report", "mine", "--output", "other.html"], tmp_path)
    assert (tmp_path / "other.html").exists()


def _smaller(text: str) -> str:
    """Make a study of few branches and trials: `test_readme.py` runs the whole one."""
    study = yaml.safe_load(text)
    study["study"] |= {"trials": 6}  # an analysis needs five, and of one epoch none is pruned
    study["trainer"] |= {"max_epochs": 1}
    study["space"]["fix"] |= {"optimizer": "adamw", "dropout": "none"}
    return yaml.safe_dump(study)


def _tracked() -> set[str]:
    return {str(file) for file in tracked_files() if file.parts[0] in PACKAGES}


def _run(words: list[str], folder: Path) -> str:
    """Run a program that has to succeed; gives what it printed."""
    ours = ("PYTHON", "TUNER_", "OPTUNA_", "COV")  # variables that change what is imported, or where to
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    ended = subprocess.run(words, cwd=folder, env=inherited, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
