"""Pruning: where the default pruner's rungs stand, and that asking it less often decides the same."""

import numpy as np
import optuna
import pytest
from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner
from scipy.stats import binomtest

from search_spaces.space.nodes import Group
from studies.definition.classes import make_pruner
from studies.definition.length import TrialLength
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.proposing.optuna_pruner import ByPruner, default_pruner, rungs_of
from studies.proposing.proposer import History
from studies.proposing.stop_rule import Action
from studies.trials.record import TrialRecord

HALVING = "optuna.pruners.SuccessiveHalvingPruner"


def stopped(rule: ByPruner, trial: optuna.trial.FrozenTrial) -> bool:
    """Ask a rule."""
    record = TrialRecord.of(trial)
    history = History(StudyDefinition(StudySettings("x", "value"), {}, Group()), list)
    return rule.decide(history, record).verdict is Action.STOP


def first_stop(pruner: optuna.pruners.BasePruner, epochs: int) -> int | None:
    """Give the validation at which a trial that is worse than twenty others is stopped."""
    study = optuna.create_study(pruner=pruner)
    for rank in range(21):
        trial = study.ask()
        for step in range(1, epochs + 1):
            trial.report(float(rank), step)
            if trial.should_prune():
                break
    return step if step < epochs else None


@pytest.mark.parametrize(
    ("trainer", "rungs"),
    [
        ({"max_epochs": 9}, [2, 6]),
        ({"max_epochs": 18}, [2, 6]),
        ({"max_epochs": 27}, [3, 9]),
        ({"max_epochs": 30}, [4, 12]),
        ({"max_epochs": 300}, [34, 102]),
        ({"max_epochs": 60, "check_val_every_n_epoch": 2}, [4, 12]),
    ],
)
def test_the_default_rungs(trainer: dict[str, int], rungs: list[int]) -> None:
    """The default pruner decides after a ninth and a third of the validations, never after the first."""
    config = default_pruner(TrialLength.of({"trainer": trainer}))
    found = rungs_of(config)
    assert found is not None
    assert [found.after(0), found.after(found.after(0))] == rungs
    pruner = make_pruner(config)
    assert isinstance(pruner, SuccessiveHalvingPruner)
    assert first_stop(pruner, trainer["max_epochs"]) == rungs[0]


@pytest.mark.parametrize(
    "fixed",
    [
        {"trainer": {"max_time": "00:01:00:00"}},
        {"trainer": {"max_epochs": -1}},
        {"trainer": {"max_epochs": 1}},
    ],
)
def test_without_a_length_nothing_is_pruned(fixed: dict[str, dict[str, int]]) -> None:
    """Where the study does not say how long a trial is, no trial is stopped."""
    pruner = make_pruner(default_pruner(TrialLength.of(fixed)))
    assert isinstance(pruner, NopPruner)
    assert first_stop(pruner, 50) is None


@pytest.mark.parametrize(
    "config",
    [
        {"class_path": HALVING, "init_args": {"min_resource": 1}},
        {"class_path": HALVING, "init_args": {"min_resource": 2, "reduction_factor": 2}},
        {
            "class_path": HALVING,
            "init_args": {"min_resource": 3, "reduction_factor": 3, "min_early_stopping_rate": 1},
        },
        {
            "class_path": HALVING,
            "init_args": {"min_resource": 2, "reduction_factor": 3, "bootstrap_count": 4},
        },
        {"class_path": HALVING, "init_args": {}},
        {"class_path": "optuna.pruners.MedianPruner", "init_args": {"n_startup_trials": 2}},
        {"class_path": "optuna.pruners.NopPruner", "init_args": {}},
    ],
)
@pytest.mark.parametrize("stride", [1, 2, 5])
def test_decisions_are_those_of_asking_every_time(config: dict[str, object], stride: int) -> None:
    """Asked where it is due or at every validation, a pruner gives the same answers, NaN and gaps included.

    Every third trial goes on although it was to be stopped.
    """
    random = np.random.default_rng(0)
    nan_share = 0.02 if config["class_path"] == HALVING else 0.0  # others warn of curves that are NaN alone
    always = optuna.create_study(pruner=make_pruner(config))
    seldom = optuna.create_study(pruner=make_pruner(config))
    answers = []
    for number in range(40):
        one, other = always.ask(), seldom.ask()
        rule = ByPruner(config, seldom, lambda number=number: seldom.trials[number])
        for step in range(1, 31, stride):
            score = float("nan") if random.random() < nan_share else float(random.random() + 1 / step)
            one.report(score, step)
            other.report(score, step)
            answer = one.should_prune()
            asked = rule.is_due(step, step - stride) and stopped(rule, seldom.trials[number])
            assert asked == answer
            answers.append(answer)
            if answer and number % 3:
                break
        for study, trial in ((always, one), (seldom, other)):
            study.tell(trial, float(number))
    assert any(answers) == (config["class_path"] != "optuna.pruners.NopPruner")


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({"class_path": HALVING, "init_args": {"min_resource": 4, "reduction_factor": 3}}, 2),
        ({"class_path": f"{MedianPruner.__module__}.MedianPruner", "init_args": {}}, 30),
    ],
)
def test_between_rungs_the_pruner_is_not_asked(config: dict[str, object], count: int) -> None:
    """Successive halving is asked at its rungs alone, and another pruner at every validation."""
    study, asked = optuna.create_study(pruner=NopPruner()), []
    trial = study.ask()
    rule = ByPruner(config, study, lambda: study.trials[trial.number])
    for step in range(1, 31):
        if rule.is_due(step, step - 1):
            asked.append(step)
            trial.report(0.5, step)
            assert not stopped(rule, study.trials[trial.number])
    assert len(asked) == count


def exploring(slot: int, config: dict[str, object], curve: dict[int, float], *, stops: bool = True) -> bool:
    """Say whether a trial that explores is stopped at its last validation."""
    settings = StudySettings("x", "value", seed=1)
    history = History(StudyDefinition(settings, {}, Group()), list)
    study = optuna.create_study(pruner=make_pruner(config))
    for _ in range(9):  # that are better, so halving would stop it
        other = study.ask()
        other.report(0.0, 2)
        other.should_prune()
    trial = study.ask()
    for step, score in curve.items():
        trial.report(score, step)
    record = TrialRecord(0, slot, 1, {}, None, None, curve, explores=True)
    rule = ByPruner(config, study, lambda: study.trials[-1], stops_exploring=stops)
    decision = rule.decide(history, record)
    is_noted = any(key.startswith("completed_rung") for key in study.trials[-1].system_attrs)
    assert is_noted is (not stops and config["class_path"] == HALVING)
    return decision.verdict is Action.STOP


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_no_score_decides_which_exploring_trials_end(factor: int) -> None:
    """At each rung one in `factor` goes on, and always the same ones, whatever they have scored."""
    config = {"class_path": HALVING, "init_args": {"min_resource": 2, "reduction_factor": factor}}
    slots = range(1, 201)
    good, bad = ([exploring(slot, config, {1: 9.0, 2: score}) for slot in slots] for score in (0.0, 9.0))
    assert good == bad
    assert binomtest(200 - sum(good), 200, 1 / factor).pvalue > 0.01
    later = {1: 1.0, 2: 1.0, 2 * factor: 1.0}  # as where a database was away at the first rung
    ended = [exploring(slot, config, later) for slot in slots]
    assert all(late for early, late in zip(good, ended, strict=True) if early)
    assert binomtest(200 - sum(ended), 200, 1 / factor**2).pvalue > 0.01


def test_exploring_trials_that_must_end_do() -> None:
    """All of them unless the study says otherwise, and then the defaults, and all under other pruners."""
    halving = {"class_path": HALVING, "init_args": {"min_resource": 2, "reduction_factor": 3}}
    curve = {1: 9.0, 2: 9.0}
    assert not any(exploring(slot, halving, curve, stops=False) for slot in range(40))
    assert not exploring(0, halving, curve)
    median = {"class_path": "optuna.pruners.MedianPruner", "init_args": {"n_startup_trials": 0}}
    assert not any(exploring(slot, median, curve) for slot in range(1, 40))
