"""What a worker without a name does before a database that a hostile hand has written to."""

import copy
import importlib
import random
import shlex
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from search_spaces.errors import TunerError
from studies.database.identity import LEDGER
from studies.database.open import open_database
from studies.definition.classes import make_sampler
from studies.definition.study import StudyDefinition
from studies.errors import BadClass, UnusableStudy
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from tests.tuner.command_line import CommandLine
from tests.tuner.hostile_hand import Bait, chains, definitions, write
from tests.tuner.hostile_run import GOOD, serve
from tests.tuner.hostile_texts import PATHS
from tuner.errors import NotAllowed
from tuner.terminal.printable import one_line, printable
from tuner.training.configuration.permit import Permit, restrict_parsing
from tuner.training.configuration.permitted import DOORS
from tuner.workers.code.named import configurations, not_allowed
from tuner.workers.places import folder_name

COUNT, SEED, NAMES = 10, 10, 2  # of the definitions and names; tests/benchmarks/hostile_database.py takes 400
CHAINS = 1000  # of some 50,000 chains of attributes
EVERY = 10**6  # more hostile definitions than there are
NAMELESS = (
    "os ",
    "os. ",
    ".os",
    "os..system",
    "os.system  ",
    "\uff4f",
    "sitecustomize",
)  # no import paths here
NOTHING = Permit()


def accepted(permit: Permit, path: str) -> bool:
    """Say whether a configuration may name a class by a path."""
    try:
        permit.judge(permit.check({"model": {"class_path": path}}))
    except NotAllowed:
        return False
    return True


@pytest.mark.timeout(1500)  # a worker that serves a score of studies, twice
def test_a_hostile_definition_reaches_nothing(tmp_path: Path) -> None:
    """Nothing is imported, run, opened or connected to that a good study would not, which is served."""
    seen = serve(tmp_path, count=COUNT, seed=SEED, names=NAMES, timeout=700)
    assert seen.suspicious == []
    assert (seen.code, seen.done) == (0, 4), seen.said


def test_no_hostile_definition_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of hostile definitions only those pass that name nothing; none is imported to judge."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "canary_package").mkdir()
    for name in ("canary_code.py", "canary_package/__init__.py", "canary_package/inner.py", "secret.yaml"):
        (tmp_path / name).write_text("class Module: pass\n")
    (tmp_path / "secret.csv").write_text("x\n1\n")
    passed = set()
    for label, data in definitions(GOOD, Bait(tmp_path / "canary", 1), count=EVERY, seed=SEED):
        if isinstance(data, str):
            continue
        with suppress(TunerError, ValueError, TypeError, KeyError):  # no definition
            definition = StudyDefinition.from_data(data)
            if not_allowed(definition, NOTHING) is None and _trains(definition):
                passed.add(label)
    assert {label for label in passed if not label.startswith(NAMELESS)} == set()
    assert not {"canary_code", "canary_package"} & set(sys.modules)


def _trains(definition: StudyDefinition) -> bool:
    """Say whether the process that trains would go on, whatever is chosen."""
    try:
        for configuration in configurations(definition):
            NOTHING.judge(NOTHING.check(configuration))
    except NotAllowed:
        return False
    return True


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
        {"x": "{class_path: os.system, on: 2024-13-45}"},
        {"x": "{class_path: os.system, x: 1:99:99}"},
        {"x": "-\n os.system"},
        {"dict_kwargs": {"x": {"y": [{"class_path": "builtins.exec"}]}}},
        {"class_path": "__main__.x"},
        {"class_path": "jsonargparse.CLI"},
        {"class_path": "t\u043erch.optim.Adam"},
        {"class_path": "..optim.Adam"},
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


@pytest.mark.parametrize(
    ("kind", "name", "is_open"),
    [
        ("loggers.Logger", "CSVLogger", True),
        ("loggers.Logger", "MLFlowLogger", False),
        ("loggers.Logger", "WandbLogger", False),
        ("loggers.Logger", "pytorch_lightning.loggers.wandb.WandbLogger", False),
        ("callbacks.Callback", "EarlyStopping", True),
        ("callbacks.Callback", "pytorch_lightning.callbacks.model_checkpoint.shutil.rmtree", False),
    ],
)
def test_a_bare_name_is_no_back_door(tuner: CommandLine, kind: str, name: str, *, is_open: bool) -> None:
    """The parser of a restricted process finds by its bare name only what may be named."""
    import pytorch_lightning

    restrict_parsing(NOTHING)
    parser = ArgumentParser(exit_on_error=False)
    module, _, base = kind.partition(".")
    parser.add_argument("--it", type=getattr(getattr(pytorch_lightning, module), base))
    given = {"save_dir": "x"} if module == "loggers" else {"monitor": "x"}
    with nullcontext() if is_open else pytest.raises(ArgumentError):
        parser.parse_object({"it": {"class_path": name, "init_args": given}})


def test_a_sampler_that_unpickles_is_not_made(tuner: CommandLine) -> None:
    """Optuna's CMA-ES, which loads a pickle from the database, is found by no name."""
    restrict_parsing(NOTHING)
    inner = {"class_path": "CmaEsSampler"}
    arguments = {"base_sampler": inner, "fixed_params": {}}
    with pytest.raises(BadClass, match="not allowed"):
        make_sampler({"class_path": "optuna.samplers.PartialFixedSampler", "init_args": arguments}, seed=1)
    make_sampler({"class_path": "optuna.samplers.TPESampler", "init_args": {"n_ei_candidates": 9}}, seed=1)


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


@pytest.mark.parametrize("word", ["my-package", "a, b", "os.", "jsonargparse.typing", "jsonargparse"])
def test_no_word_is_allowed_that_allows_nothing_or_all(tuner: CommandLine, word: str) -> None:
    """What `--allow` cannot mean is refused by a sentence."""
    answer = tuner(f"worker --no-wait --allow {shlex.quote(word)}")
    assert answer.code == 2
    assert answer.sentence.startswith("--allow: ")


def test_no_library_is_allowed_with_all_it_holds() -> None:
    """Who allows torch or a module of Python gets the classes of a training, and not what runs commands."""
    runner = "torch.distributed.elastic.multiprocessing.subprocess_handler.SubprocessHandler"
    for words in (["torch"], ["subprocess", "torch", "optuna"], [""], []):
        permit = Permit.of(words)
        assert accepted(permit, "torch.optim.Adam")
        assert not accepted(permit, "subprocess.Popen")
        assert not accepted(permit, "torch.package.PackageImporter")
        assert not accepted(permit, runner)
    assert accepted(Permit.of(["torch"]), "torch.ao.nn.quantized.Linear")
    assert accepted(Permit.of([runner]), runner)


@pytest.mark.parametrize("devices", [10**6, "100000", list(range(1000)), "0," * 500])
def test_no_study_starts_a_thousand_processes(devices: object) -> None:
    """Each device is a process, so more than a machine can have are refused before any is started."""
    data = copy.deepcopy(GOOD)
    data["trainer"] = {"max_epochs": 1, "accelerator": "cpu", "devices": devices}
    assert "at most 64" in str(not_allowed(StudyDefinition.from_data(data), NOTHING))


@pytest.mark.parametrize("ledger", ["../../precious", "*", "", 7, None, ["a"], "A" * 32, "0" * 31])
def test_no_name_of_slots_becomes_a_file(tmp_path: Path, ledger: object) -> None:
    """Files are named after the identifier of a study's slots, so another than ours make is refused."""
    database = open_database(f"sqlite:///{tmp_path}/tuner.db")
    study = create(database, StudyDefinition.from_data(GOOD), "").study
    study.set_user_attr(LEDGER, ledger)
    with pytest.raises(UnusableStudy, match="names its slots"):
        open_ledger(database, "good")
    database.engine.dispose()


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


def test_no_name_breaks_a_line(tuner: CommandLine) -> None:
    """Whatever a study is called, each listing and each line of a worker's log says it in one line."""
    assert one_line("a\nb\t\x1b[2J\u2028é") == r"a\nb\t\x1b[2J\u2028é"
    database = open_database("sqlite:///tuner.db")
    name = "quiet\nserving other\x1b[2J\r\u2028"
    data = GOOD | {"model": {"class_path": "os.system", "init_args": {}}}
    write(database, StudyDefinition.from_data(GOOD), name, data)
    database.engine.dispose()
    shown = r"quiet\nserving other\x1b[2J\r\u2028"
    served = tuner("worker --no-wait")
    assert served.err.startswith(f"{shown} is passed over: it names os.system")
    assert served.err.count("\n") == 1
    listed = tuner("list").out.splitlines()
    assert (len(listed), listed[1].startswith(shown)) == (2, True)
    assert tuner(f"status {shlex.quote(name)}").out.startswith(f"{shown}: 0 of 2 slots are spent\n")
