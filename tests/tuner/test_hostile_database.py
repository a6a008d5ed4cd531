"""What a worker without a name does before a database that a hostile hand has written to."""

import importlib
import random
from pathlib import Path

import pytest

from tests.tuner.hostile_hand import PATHS, chains
from tests.tuner.hostile_run import serve
from tuner.places import folder_name
from tuner.printable import printable
from tuner.training.errors import NotAllowed
from tuner.training.permit import DOORS, Permit

COUNT, SEED, NAMES = 16, 10, 2  # of the definitions and names; tests/benchmarks/hostile_database.py takes 400
CHAINS = 1000  # of some 50,000 chains of attributes
NOTHING = Permit()


def accepted(permit: Permit, path: str) -> bool:
    """Say whether a configuration may name a class by a path."""
    try:
        permit.judge(permit.check({"model": {"class_path": path}}))
    except NotAllowed:
        return False
    return True


def test_a_hostile_definition_reaches_nothing(tmp_path: Path) -> None:
    """Nothing is imported, run, opened or connected to that a good study would not, which is served."""
    seen = serve(tmp_path, count=COUNT, seed=SEED, names=NAMES, timeout=280)
    assert seen.suspicious == []
    assert (seen.code, seen.done) == (0, 4), seen.said


def test_what_is_reached_by_attributes_is_judged_by_what_it_is() -> None:
    """Of all that the modules that may be imported lead to, only classes of a training may be made."""
    import lightning.pytorch as lightning
    import optuna
    import pytorch_lightning
    import torch

    kinds: list[type] = [torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]
    kinds += [optuna.samplers.BaseSampler, optuna.pruners.BasePruner]
    kinds += [optuna.samplers.nsgaii.BaseCrossover]
    for package in (pytorch_lightning, lightning):
        kinds += [package.LightningDataModule, package.Callback, package.loggers.Logger]
        kinds += [package.profilers.Profiler, package.strategies.Strategy, package.accelerators.Accelerator]
        kinds += [package.plugins.Precision, package.plugins.LayerSync, package.plugins.CheckpointIO]
        kinds += [package.plugins.ClusterEnvironment]
    modules = [importlib.import_module(door.removesuffix(".*")) for door in DOORS]
    reached = [pair for module in modules for pair in chains(module, length=1)]
    further = [pair for module in modules for pair in chains(module, length=2)]
    reached += random.Random(SEED).sample(further, CHAINS)  # noqa: S311 - the same for everyone
    made = [(path, found) for path, found in reached if accepted(NOTHING, path)]
    assert [path for path, found in made if not isinstance(found, type)] == []
    assert [path for path, found in made if not issubclass(found, tuple(kinds))] == []
    assert {"torch.optim.Adam", "torch.nn.ReLU", "optuna.samplers.TPESampler"} <= {path for path, _ in made}


@pytest.mark.parametrize("path", [path for path in PATHS if "." in path.strip(".")])
def test_no_known_danger_may_be_named(path: str) -> None:
    """What runs commands, unpickles, downloads or deletes is refused, whoever has imported it."""
    assert not accepted(NOTHING, path)


@pytest.mark.parametrize(
    "part",
    [
        {"x": "{class_path: os.system}"},
        {"x": '{"class\\x5fpath": "os.system"}'},
        {"x": "class_path: os.system\ninit_args: {}"},
        {"x": ["[{class_path: os.system}]"]},
        {"x.class_path": "os.system"},
        {"class_path": ["os.system"]},
        {"x": "&a [*a]"},
        {"x": "http://host/a.yaml"},
        {"x": "simplecache::s3://host/a"},
        {"x": "/etc/passwd"},
        {"x": "~/.ssh/id_rsa"},
        {"x": "a/../../b"},
        {"dirpath": "here"},
        {"save_dir": "."},
        {"model_registry": "name"},
        {"x": 10_001 * "x"},
    ],
)
def test_no_text_is_read_as_more_than_a_text(part: dict[str, object]) -> None:
    """YAML within a text, files, folders to write to and addresses are judged like what they stand for."""
    with pytest.raises(NotAllowed):
        NOTHING.check(
            {"trainer": {"callbacks": [{"class_path": "pytorch_lightning.callbacks.Timer", **part}]}}
        )


def test_what_an_owner_allows_may_be_named() -> None:
    """A package allows its classes and not what it imports; a path allows just that; folders and URLs too."""
    package = Permit.of(["tests.tuner.small_modules", " ", "/data", "https://lab.example/"])
    assert accepted(package, "tests.tuner.small_modules.Small")
    assert not accepted(package, "tests.tuner.small_modules.torch.hub.load")
    assert not accepted(package, "tests.tuner.small_modules.DataLoader")
    assert accepted(Permit.of(["torch.hub.load"]), "torch.hub.load")
    assert not accepted(Permit.of(["torch.hub.load"]), "torch.hub.load_state_dict_from_url")
    package.check({"data": {"init_args": {"path": "/data/a.csv", "url": "https://lab.example/x"}}})
    for other in ("/data2/a.csv", "/data/../etc/passwd", "https://lab.example.org/"):
        with pytest.raises(NotAllowed):
            package.check({"data": {"init_args": {"path": other}}})


@pytest.mark.parametrize(
    "name",
    [
        "../precious",
        "/etc",
        "..",
        ".",
        "",
        "-rf",
        "a/b",
        "a\\b",
        "a\nb",
        "a\0b",
        300 * "x",
        "_study-0",
        "\ud800",
        "é",
    ],
)
def test_no_name_of_a_study_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """A study of the database may be called anything, and its folder lies in the output folder."""
    folder = tmp_path / folder_name(name)
    folder.mkdir()
    assert folder.resolve().parent == tmp_path.resolve()
    assert folder_name(name) != name
    assert folder_name("digits-2.confirm") == "digits-2.confirm"


def test_no_text_moves_the_cursor() -> None:
    """What a terminal would obey is shown, and everything else stays as it is."""
    assert printable("a\x1b[2Jb\r\x9b\u202e\ud800") == r"a\x1b[2Jb\r\x9b\u202e\ud800"
    assert printable("é 日本 [bold] \t a\nb") == "é 日本 [bold] \t a\nb"
