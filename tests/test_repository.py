"""What the repository promises about itself."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("search_spaces", "studies", "tuner")
TOP_LEVEL = {
    ".ci",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "docs",
    "pyproject.toml",
    "tests",
    *PACKAGES,
}
# What a distribution is called where it is imported, if that differs by more than a hyphen.
IMPORTED_AS = {"pyyaml": "yaml", "ruamel.yaml": "ruamel", "scikit-learn": "sklearn"}


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files under version control, relative to the root."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(Path(name) for name in listing.stdout.split("\0") if name and (ROOT / name).exists())


@cache
def project() -> dict[str, Any]:
    """The table `[project]` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def distribution(requirement: str) -> str:
    """The normalized name that a requirement begins with."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def imports(file: Path) -> set[str]:
    """The top-level names that a Python file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module.partition(".")[0])
    return found


def test_the_top_level_holds_only_what_was_agreed() -> None:
    """A newcomer meets three packages, their tests, their docs and the few files that every project has."""
    assert {path.parts[0] for path in tracked_files()} <= TOP_LEVEL


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_ships_its_types(package: str) -> None:
    """A type checker of a user's project sees our annotations."""
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("requirement", project()["dependencies"])
def test_a_dependency_names_a_file_that_imports_it(requirement: str) -> None:
    """The file named beside a dependency in pyproject.toml imports it."""
    line = next(
        line for line in (ROOT / "pyproject.toml").read_text().splitlines() if f'"{requirement}"' in line
    )
    file = re.search(r"# (\S+\.py)\b", line)
    assert file is not None, line
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    assert IMPORTED_AS.get(name[0], name[0].replace("-", "_")) in imports(ROOT / file[1])


def test_constraints_pin_every_dependency_exactly() -> None:
    """What `make` installs is the same tomorrow, whichever extras are asked for."""
    lines = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)] == []
    extras = [requirement for extra in project()["optional-dependencies"].values() for requirement in extra]
    needed = {distribution(requirement) for requirement in [*project()["dependencies"], *extras]}
    assert needed <= {distribution(line) for line in lines}


def test_the_changelog_tells_of_this_version() -> None:
    """The newest numbered entry of the changelog is the version in pyproject.toml."""
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert versions[0] == project()["version"]


def test_no_file_names_a_package_index_or_a_machine() -> None:
    """A clone works anywhere: no file holds an index's address, somebody's home or its own folder."""
    folders = "|".join(re.escape(f"{folder}/") for folder in (ROOT, Path.home()))
    elsewhere = re.compile(rf"index-url|find-links|pypi\.|pythonhosted|{folders}")
    named = {
        str(path): found[0]
        for path in tracked_files()
        if path != Path(__file__).relative_to(ROOT)  # it has to name what it looks for
        and (found := elsewhere.search((ROOT / path).read_text(errors="replace")))
    }
    assert named == {}


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of a Markdown page names a file of the repository."""
    pages = [path for path in tracked_files() if path.suffix == ".md"]
    links = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text())
    ]
    assert [
        pair for pair in links if ":" not in pair[1] and not (ROOT / pair[0].parent / pair[1]).exists()
    ] == []


def test_every_make_target_is_explained() -> None:
    """`make help` lists every target that a person can ask for."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony is not None
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(phony[1].split()) == {
        line.split()[1] for line in listed.splitlines() if line.startswith("  make ")
    }


def test_the_architecture_names_every_module() -> None:
    """The tree of docs/architecture.md holds each folder and each module of the packages, and no other."""
    tree = (ROOT / "docs" / "architecture.md").read_text().rpartition("## Where things are")[2]
    listed, folder = set(), Path()
    for line in tree.splitlines():
        if found := re.match(r"(\S+)/\s", line):
            folder = Path(found[1])
        elif found := re.match(r"    (\w+)", line):
            listed.add(folder / f"{found[1]}.py")
    modules = {path for path in tracked_files() if path.suffix == ".py" and path.parts[0] in PACKAGES}
    assert listed == {path for path in modules if path.stem != "__init__"}


def test_no_file_is_long() -> None:
    """No Python file has more than 300 lines, tests and benchmarks included."""
    lengths = {
        path: len((ROOT / path).read_text().splitlines())
        for path in tracked_files()
        if path.suffix in {".py", ".html"}
    }
    assert {path: lines for path, lines in lengths.items() if lines > 300} == {}


def test_no_floor_is_crowded() -> None:
    """A folder of a package has at most fourteen things and its markers."""
    inside: dict[Path, set[str]] = {}
    markers = ("__init__.py", "py.typed")
    for path in tracked_files():
        if path.parts[0] in PACKAGES and path.suffix != ".yaml" and path.name not in markers:
            for depth in range(1, len(path.parts)):
                inside.setdefault(Path(*path.parts[:depth]), set()).add(path.parts[depth])
    assert {folder: len(things) for folder, things in inside.items() if len(things) > 14} == {}


def test_the_tests_mirror_the_packages() -> None:
    """Below the name of a package, tests stand in folders that the package has."""
    tests = {path.parent for path in tracked_files() if path.parts[0] == "tests" and "test_" in path.stem}
    mirrored = {
        Path(*folder.parts[1:]) for folder in tests if folder.parts[1:2] and folder.parts[1] in PACKAGES
    }
    assert mirrored
    assert {folder for folder in mirrored if not (ROOT / folder).is_dir()} == set()
