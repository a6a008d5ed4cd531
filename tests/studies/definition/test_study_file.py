"""Study files: what they mean, and one sentence for each mistake."""

from pathlib import Path

import pytest

from search_spaces.space.nodes import Categorical, Float, Group, Node
from search_spaces.space.parameters import find
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import parse_study_file, read_study_file
from studies.errors import StudyFileError
from tests.studies.samples import SPACE

GOOD = """
study: {name: a, metric: val_loss, trials: 8}
trainer: {max_epochs: 9}
model: {class_path: package.Model}
"""


def defined(text: str, *overrides: str) -> StudyDefinition:
    """Define what a study file says, for a module that exposes the sample space."""
    return define(parse_study_file(text, source="a.yaml", overrides=overrides), lambda *_: SPACE)


def node(definition: StudyDefinition, name: str) -> Node:
    """Give one node of a definition's space."""
    return find(definition.space, name).node


def refused(text: str, *overrides: str) -> str:
    """Give the one sentence by which a study file is refused."""
    with pytest.raises(StudyFileError) as refusal:
        defined(text, *overrides)
    message = str(refusal.value)
    assert message.endswith((".", "?"))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.yaml: the study file is empty; write at least"),
        ("- a\n- b", "a.yaml: a study file maps sections to what they hold, but this is a list"),
        ("digits", "but this is a single value"),
        ("stdy: {name: a}", "a.yaml: stdy: is no section of a study file; did you mean study?"),
        ("study: a", "a.yaml: study: must map keys to values, but got 'a'"),
        ("model: package.Model", "a.yaml: model: must map keys to values"),
    ],
)
def test_a_file_that_is_no_study_file(text: str, said: str) -> None:
    """What is no mapping of known sections is refused by file, place and rule."""
    assert said in refused(text)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{metric: a}", "study.name: is missing; write such as `name: digits`"),
        ("{name: a}", "study.metric: is missing; write the name that the module logs"),
        ("", "study.name: is missing"),
        ("{name: a, metric: a, trails: 5}", "study.trails: is not known; did you mean trials?"),
        ("{name: a, metric: a, trials: many}", "study.trials: must be a whole number, but got 'many'"),
        ("{name: a, metric: a, trials: 1.5}", "study.trials: must be a whole number, but got 1.5"),
        ("{name: a, metric: a, trials: 0}", "study.trials: must be at least 1, but got 0"),
        ("{name: a, metric: a, trials: true}", "study.trials: must be a whole number, but got True"),
        ("{name: a, metric: a, seed: -1}", "study.seed: must be at least 0, but got -1"),
        ("{name: a, metric: a, exploration: 2}", "study.exploration: must lie between 0 and 1, but got 2"),
        (
            "{name: a, metric: a, direction: up}",
            "study.direction: must be minimize or maximize, but got 'up'",
        ),
        ("{name: a, metric: a, score: worst}", "study.score: must be best or last, but got 'worst'"),
        ("{name: a, metric: a, diverged_beyond: .inf}", "study.diverged_beyond: must be a finite number"),
        (
            "{name: a, metric: a, diverged_beyond: far}",
            "study.diverged_beyond: must be a number, but got 'far'",
        ),
        ("{name: a/b, metric: a}", "study.name: names a folder"),
        ("{name: .., metric: a}", "study.name: names a folder"),
        ("{name: a, metric: ' '}", "study.metric: must name a metric"),
        ("{name: 5, metric: a}", "study.name: must be a string, but got 5"),
        ("{name: [a], metric: a}", "study.name: must be a string, but got ['a']"),
    ],
)
def test_a_study_section_that_is_wrong(section: str, said: str) -> None:
    """A key of the study section that is missing, unknown or of the wrong kind is named with its rule."""
    assert refused(f"study: {section}\nmodel: {{class_path: package.Model}}").startswith(f"a.yaml: {said}")


def test_a_file_without_a_module() -> None:
    """A study needs a module to tune."""
    assert "a.yaml: model.class_path: is missing; name the LightningModule" in refused(
        "study: {name: a, metric: b}"
    )
    assert "a.yaml: model.class_path: is missing" in refused(
        "study: {name: a, metric: b}\nmodel: {init_args: {width: 5}}"
    )


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("{us: model}", "space.us: is not known; did you mean use?"),
        (
            "{use: recipe.quik}",
            "space.use: The catalogue has no space 'recipe.quik'; did you mean recipe.quick?",
        ),
        ("{narrow: [optimizer]}", "space.narrow: must map parameters to what is changed"),
        (
            "{narrow: {optimizer.sgd.lr: {low: 1e-9}}}",
            "space.narrow: optimizer.sgd.lr ranges over 0.001 .. 1",
        ),
        ("{narrow: {optimizer.sgd.lr: {lo: 0.1}}}", "space.narrow: optimizer.sgd.lr is narrowed by {low"),
        (
            "{narrow: {optimizer.sgd.lr: {prior: {centre: 3, width: 0.5}}}}",
            "space.narrow: The centre of optimizer.sgd.lr's prior must lie in 0.001 .. 1, but got 3; move it",
        ),
        (
            "{narrow: {optimizer.sgd.lr: {prior: {centre: 0.1, width: 0}}}}",
            "A prior's width must be positive",
        ),
        (
            "{narrow: {optimizer.sgd.lr: {prior: 0.1}}}",
            "optimizer.sgd.lr.prior must be {centre: number, width",
        ),
        ("{narrow: {optimizer: {prior: {centre: 1, width: 1}}}}", "optimizer is a choice; a prior is for a"),
        ("{narrow: {optimizer.sgd.lr: 0.1}}", "space.narrow: optimizer.sgd.lr is narrowed by {low"),
        ("{fix: {nothing: 5}}", "space.fix: The space holds no parameter 'nothing'"),
        (
            "{use: model, add: {optimizer: {choices: [a, b]}}}",
            "space.add: The space holds 'optimizer' already",
        ),
        (
            "{add: {model.init_args.depth: {type: int, low: 5, high: 1}}}",
            "space.add: model.init_args.depth: `low <= high` must hold",
        ),
        (
            "{add: {depth: {type: int, low: 1, high: 5}}}",
            "space: depth is searched, but its value goes nowhere; give it a `target`",
        ),
        (
            "{use: model, replace: {depth: {type: int, low: 1, high: 5}}}",
            "space.replace: The space holds no parameter 'depth'",
        ),
        ("{use: null}", "space: nothing varies; write `use: recipe.quick`"),
        ("5", "space: must map keys to values, but got 5"),
    ],
)
def test_a_space_section_that_is_wrong(space: str, said: str) -> None:
    """What cannot be done to a space is refused by verb and parameter."""
    assert said in refused(f"{GOOD}\nspace: {space}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "sampler: optuna.samplers.TPESampeler",
            "sampler: Module optuna.samplers has no class 'TPESampeler'; did you mean",
        ),
        ("sampler: nowhere.Sampler", "sampler: nowhere.Sampler cannot be imported"),
        (
            "sampler: TPESampler",
            "sampler: 'TPESampler' must be an import path, such as optuna.samplers.TPESampler",
        ),
        (
            "sampler: optuna.pruners.NopPruner",
            "sampler: optuna.pruners.NopPruner is no subclass of Optuna's BaseSampler",
        ),
        ("sampler: [a]", "sampler: must be {class_path: optuna.samplers.SomeClass"),
        (
            "sampler: {class_path: optuna.samplers.TPESampler, n_startup_trials: 5}",
            "sampler.n_startup_trials: is not known",
        ),
        (
            "sampler: {class_path: optuna.samplers.TPESampler, init_args: [5]}",
            "sampler.init_args: must map arguments",
        ),
        (
            "sampler: {class_path: optuna.samplers.TPESampler, init_args: {n_startup_trails: 5}}",
            "sampler: optuna.samplers.TPESampler takes no argument 'n_startup_trails'; did you mean",
        ),
        (
            "sampler: {class_path: optuna.samplers.TPESampler, init_args: {n_startup_trials: many}}",
            "sampler: optuna.samplers.TPESampler cannot be made: Expected a int. Got value: many",
        ),
        (
            "sampler: {class_path: optuna.samplers.TPESampler, init_args: {seed: 5}}",
            "sampler: optuna.samplers.TPESampler takes its seed from the study",
        ),
        (
            "sampler: optuna.samplers.BruteForceSampler",
            "sampler: optuna.samplers.BruteForceSampler ends a study by itself",
        ),
        (
            "pruner: optuna.samplers.TPESampler",
            "pruner: optuna.samplers.TPESampler is no subclass of Optuna's BasePruner",
        ),
        (
            "pruner: {class_path: optuna.pruners.PercentilePruner}",
            "pruner: optuna.pruners.PercentilePruner cannot be made: the following arguments are",
        ),
    ],
)
def test_a_sampler_or_pruner_that_cannot_be_made(line: str, said: str) -> None:
    """A class that is missing, of another kind or given other arguments is refused at once."""
    assert refused(f"{GOOD}\n{line}").startswith(f"a.yaml: {said}")


@pytest.mark.parametrize("pruner", ["optuna.pruners.MedianPruner", "optuna.pruners.SuccessiveHalvingPruner"])
def test_chance_stops_no_trial_where_no_rung_is_known(pruner: str) -> None:
    """A study that wants its exploring trials stopped has rungs, or is refused."""
    said = refused(f"{GOOD}\npruner: {pruner}", "study.stop_exploring=true")
    assert said.startswith(f"a.yaml: pruner: {pruner} has no rungs that are known beforehand")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study.trials", "--set: study.trials: must look like key=value, such as study.trials=100."),
        ("=5", "--set: =5: must look like key=value"),
        ("study..trials=5", "--set: study..trials=5: must look like key=value"),
        ("study.name.first=5", "--set: study.name.first: name is 'a', not a mapping"),
        ("study.trials={", "--set study.trials: is not YAML"),
        ("sutdy.trials=5", "a.yaml: sutdy: is no section of a study file; did you mean study?"),
    ],
)
def test_an_override_that_is_wrong(override: str, said: str) -> None:
    """A malformed `--set`, or one that makes the file wrong, is refused by its key."""
    assert refused(GOOD, override).startswith(said)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there and a folder are each said to be so."""
    for path, said in {
        tmp_path / "nothing.yaml": "cannot be read: No such file or directory",
        tmp_path: "cannot be read: Is a directory",
    }.items():
        with pytest.raises(StudyFileError, match=said) as refusal:
            read_study_file(path)
        assert str(refusal.value).startswith(f"{path}: the study file")


def test_numbers_and_words_mean_what_they_look_like() -> None:
    """`1e-3` is a number, and `no`, `on`, `off` in a list are names."""
    definition = defined(
        f"{GOOD}\nspace: {{add: {{model.init_args.rate: {{low: 1e-3, high: 1e-1, log: true}},"
        " model.init_args.bias: {choices: [no, on, off, yes]}}}"
    )
    assert node(definition, "model.init_args.rate") == Float(1e-3, 1e-1, log=True)
    assert node(definition, "model.init_args.bias") == Categorical(("no", "on", "off", "yes"))


def test_overrides_reach_whole_parameter_names() -> None:
    """`--set space.narrow.<name>=...` takes a dotted name as one; absent keys are made."""
    definition = defined(
        GOOD,
        "space.narrow.optimizer.sgd.lr={low: 1e-2}",
        "space.fix.optimizer=sgd",
        "model.init_args.width=5",
        "study.trials=3",
    )
    lr = node(definition, "optimizer.sgd.lr")
    assert isinstance(lr, Float)
    assert (lr.low, lr.high) == (1e-2, 1.0)
    assert definition.fixed["model"] == {"class_path": "package.Model", "init_args": {"width": 5}}
    assert definition.settings.trials == 3


def test_a_space_that_is_added_alone_is_the_whole_space() -> None:
    """With `add` and no `use` the module's own space is not asked for."""
    file = parse_study_file(
        f"{GOOD}\nspace: {{add: {{model.init_args.depth: {{type: int, low: 1, high: 5}}}}}}", source="a.yaml"
    )

    def expose(*_: object) -> Group | None:
        raise AssertionError

    assert list(define(file, expose).space.children) == ["model.init_args.depth"]


def test_keys_that_are_no_text_become_text() -> None:
    """A mapping by number is read as JSON would give it back, so that a resumed study is the same one."""
    definition = defined(GOOD, "model.init_args.weights={0: 1.0, true: 2.0}")
    assert definition.fixed["model"]["init_args"]["weights"] == {"0": 1.0, "true": 2.0}


@pytest.mark.parametrize("name", ["my rows.csv", "rows.parquet"])
def test_no_table_is_read_as_a_study_file(name: str) -> None:
    """Who gives a table is told the command that tunes it."""
    with pytest.raises(StudyFileError, match=r"type `tuner validate table --set '?path=.*--set target="):
        read_study_file(Path(name))
