"""Spaces of plain Optuna studies."""

from collections.abc import Callable

import optuna
import pytest

from search_spaces.space.nodes import Categorical, Float, Int
from search_spaces.space.parameters import find
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.observations.infer import infer_space
from studies.analysis.observations.table import observations
from studies.analysis.shares.importance import measure_importance


def _study(objective: Callable[[optuna.Trial], float], trials: int = 40, seed: int = 0) -> optuna.Study:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    return study


def _nested(trial: optuna.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["sgd", "adam", None])
    if kind == "sgd":
        momentum = trial.suggest_categorical("momentum", [True, False])
        if momentum:
            return trial.suggest_float("beta", 0.0, 1.0)
    if kind is None:
        return 0.0
    return trial.suggest_float("lr", 1e-4, 1e-1, log=True)


def test_nested_conditions_are_read_off_the_trials() -> None:
    """A parameter depends on the choices that tell the trials with it from those without, two levels deep."""
    space = infer_space(_study(_nested).trials)
    assert find(space, "momentum").conditions == {"kind": ("sgd",)}
    assert find(space, "beta").conditions == {"kind": ("sgd",), "momentum": (True,)}
    assert find(space, "kind").node == Categorical(("sgd", "adam", "None"))
    assert find(space, "kind").conditions == {}


def test_a_number_of_layers_decides_which_widths_exist() -> None:
    """A whole number on which parameters depend is a choice among its values."""

    def layered(trial: optuna.Trial) -> float:
        layers = trial.suggest_int("layers", 1, 3)
        return float(sum(trial.suggest_int(f"units{i}", 8, 64) for i in range(layers)))

    space = infer_space(_study(layered).trials)
    assert find(space, "layers").node == Categorical((1, 2, 3))
    assert find(space, "units0").conditions == {}
    assert find(space, "units1").conditions == {"layers": (2, 3)}
    assert find(space, "units2").conditions == {"layers": (3,)}


def test_a_changed_range_becomes_the_union() -> None:
    """A study whose ranges changed is analysed on the smallest range that holds all its trials."""
    study = _study(
        lambda trial: trial.suggest_float("x", 0.1, 1.0, log=True) + trial.suggest_int("k", 1, 4), 10
    )
    study.optimize(
        lambda trial: trial.suggest_float("x", 0.5, 8.0, log=True) + trial.suggest_int("k", 0, 4), 10
    )
    space = infer_space(study.trials)
    assert find(space, "x").node == Float(0.1, 8.0, log=True)
    assert find(space, "k").node == Int(0, 4)


def test_every_parameter_of_a_plain_study_is_in_the_result() -> None:
    """A conditional parameter is listed with the trials it rests on and the branch on which it exists."""
    trials = _study(_nested, 60).trials
    result = measure_importance(observations(trials, infer_space(trials))).to_data()
    by_name = {entry["name"]: entry for entry in result["main"]}
    assert set(by_name) == {"kind", "momentum", "beta", "lr"}
    assert by_name["beta"]["n"] == sum("beta" in trial.params for trial in trials)
    assert by_name["beta"]["when"] == [{"name": "kind", "is": ["sgd"]}, {"name": "momentum", "is": [True]}]


def test_a_study_without_parameters_is_refused() -> None:
    """A study that asked for nothing has nothing to analyse."""
    with pytest.raises(NothingToAnalyse, match="no finished trial"):
        infer_space(_study(lambda _: 1.0, 3).trials)
