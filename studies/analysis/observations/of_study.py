"""A study of the database, ours or plain Optuna's, as a table to analyse."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial
from threadpoolctl import threadpool_limits

from search_spaces.space.nodes import Group
from search_spaces.space.notation import from_data
from studies.analysis.errors import NothingToAnalyse, SeveralObjectives
from studies.analysis.observations.infer import infer_space
from studies.analysis.observations.region import Where, holds, in_words, to_data, within
from studies.analysis.observations.scales import (
    Scale,
    main_scale,
    rescaled,
    scales_of,
    score_of,
    shares_on,
    totals_on,
)
from studies.analysis.observations.table import Table, observations
from studies.analysis.shares.comparison import optuna_importances
from studies.analysis.shares.importance import Fitted, Importance, fit_table, measure_importance
from studies.database.identity import DEFINITION
from studies.surrogate.domain import Array
from studies.trials.attributes import without_continued
from studies.trials.outcomes import Outcome


@dataclass(frozen=True)
class StudyAnalysis:
    """The analysis of one study, with what stands beside it.

    `where` says to which part of the space it keeps. `table` holds the trials with their scores as they are,
    `scale` says on which scale `fitted` and `importance` are. `by_scale` holds the share of each parameter
    and pair on other scales of the objective, `elsewhere` what Optuna's own evaluators say.
    `without_failed` holds the total of each parameter with the failed trials left out, where those count
    as the worst.
    """

    name: str
    metric: str
    where: Where
    table: Table
    scale: Scale
    fitted: Fitted
    importance: Importance
    by_scale: dict[str, dict[tuple[str, ...], float]]
    elsewhere: dict[str, dict[str, float]]
    without_failed: dict[str, float]

    @property
    def what(self) -> str:
        """What the shares are shares of: the metric on the scale of the analysis."""
        return f"log {self.metric}" if self.scale == "log" else self.metric

    @property
    def scaled(self) -> Table:
        """The trials on the scale of the analysis."""
        return rescaled(self.table, self.scale)

    def score(self, loss: Array) -> Array:
        """Turn losses of the surrogate into scores."""
        return score_of(loss, self.scale, minimize=self.table.minimize)

    def to_data(self) -> dict[str, Any]:
        """Write everything as plain data for JSON."""
        scales = {
            scale: [{"names": list(names), "share": share} for names, share in shares.items()]
            for scale, shares in self.by_scale.items()
        }
        return {
            "name": self.name,
            "metric": self.metric,
            "scale": self.scale,
            "where": to_data(self.where) or None,
            **self.importance.to_data(),
            "scales": scales,
            "optuna": self.elsewhere,
            "without_failed": self.without_failed or None,
        }


def space_of(study: Study) -> Group:
    """Give the space of a study: the declared one of ours, else the one inferred from its trials."""
    definition = study.user_attrs.get(DEFINITION)
    return (
        infer_space(study.get_trials(deepcopy=False))
        if definition is None
        else from_data(definition["space"])
    )


def trials_of(study: Study, objective: int | None = None) -> list[FrozenTrial]:
    """List the trials of a study, one that paused once; of several objectives they keep the one chosen."""
    trials = without_continued(study.get_trials(deepcopy=False), Outcome.PAUSED.value)
    if objective is None or len(study.directions) == 1:
        return trials
    kept = [copy(trial) for trial in trials]
    for trial in kept:
        if trial.values is not None:
            trial.values = [trial.values[objective]]
    return kept


def _within(trials: list[FrozenTrial], where: Where) -> list[FrozenTrial]:
    return [trial for trial in trials if holds(where, trial.params)]


def metric_of(study: Study, objective: int | None = None) -> str:
    """Name what a study optimizes, as its definition or plain Optuna's metric names do."""
    declared = study.user_attrs.get(DEFINITION, {}).get("study", {}).get("metric")
    names = study.metric_names
    return str(declared or (names[objective or 0] if names else "objective"))


def objective_of(study: Study, objective: int | None) -> int | None:
    """Check which objective of a study is meant.

    Raises:
        SeveralObjectives: there are several and none was chosen, or there is none of that number.
    """
    count = len(study.directions)
    if objective is None and count > 1:
        raise SeveralObjectives(
            f"The study {study.study_name!r} has {count} objectives and one is analysed at a time; "
            f"name it with --objective 0 to {count - 1}."
        )
    if objective is not None and not 0 <= objective < count:
        valid = "0, its only one" if count == 1 else f"0 to {count - 1}"
        raise SeveralObjectives(
            f"The study {study.study_name!r} has no objective {objective}; --objective can be {valid}."
        )
    return objective


def table_of(study: Study, objective: int | None = None, where: Where | None = None) -> Table:
    """Put the trials of a study in a table.

    Args:
        study: any study.
        objective: the index of the objective to take, of a study that has several.
        where: the option that a choice must have, or the span of a range; only such trials are taken, and
            the space is that part of the whole.

    Raises:
        SeveralObjectives: there are several and none was chosen, or there is none of that index.
        NothingToAnalyse: too few trials ended with a score.
    """
    direction = study.directions[objective_of(study, objective) or 0]
    minimize = direction is StudyDirection.MINIMIZE
    space = space_of(study)
    if where:
        space = within(space, where)
    trials = _within(trials_of(study, objective), where or {})
    # Where we ran the study the outcome says which trials failed by no fault of theirs.
    plain = DEFINITION not in study.user_attrs
    try:
        return observations(trials, space, minimize=minimize, failed_as_worst=None if plain else False)
    except NothingToAnalyse as error:
        raise (NothingToAnalyse(f"Where {in_words(where)}: {error}") if where else error) from None


def analyse(
    study: Study,
    *,
    objective: int | None = None,
    where: Where | None = None,
    seed: int = 0,
    compare: bool = True,
    progress: Callable[[float], None] = lambda _: None,
) -> StudyAnalysis:
    """Analyse a study.

    One thread does it: the matrices are small, so several would wait for each other most of the time, and the
    last digits would depend on their number.

    Args:
        study: any study.
        objective: the index of the objective to take, of a study that has several.
        where: the option that a choice must have, or the span of a range, for that part of the space.
        seed: of folds, draws and resampling.
        compare: also measure on other scales of the objective, and ask Optuna's evaluators.
        progress: is told the fraction done.
    """
    with threadpool_limits(limits=1):
        return _analysed(study, objective, dict(where or {}), seed, progress, compare=compare)


def _analysed(
    study: Study,
    objective: int | None,
    where: Where,
    seed: int,
    progress: Callable[[float], None],
    *,
    compare: bool,
) -> StudyAnalysis:
    table = table_of(study, objective, where)
    share = 0.7 if compare else 1.0
    scale = main_scale(table)
    scaled = rescaled(table, scale)
    fitted = fit_table(scaled)
    importance = measure_importance(
        scaled, fitted=fitted, seed=seed, progress=lambda done: progress(share * done)
    )
    by_scale: dict[str, dict[tuple[str, ...], float]] = {}
    elsewhere: dict[str, dict[str, float]] = {}
    if compare:
        others = [other for other in scales_of(table) if other != scale]
        for done, other in enumerate(others, start=1):
            by_scale[other] = shares_on(table, other)
            progress(share + 0.2 * done / len(others))
        found = optuna_importances(
            _within(trials_of(study, objective), where), minimize=table.minimize, seed=seed
        )
        elsewhere = {evaluator: dict(values) for evaluator, values in found.items()}
    without_failed = {}
    if Outcome.FAILED in table.outcomes:
        rest = table.without(Outcome.FAILED)
        without_failed = totals_on(rest, scale)
    progress(1.0)
    metric = metric_of(study, objective)
    return StudyAnalysis(
        study.study_name, metric, where, table, scale, fitted, importance, by_scale, elsewhere, without_failed
    )
