"""A study of the database, ours or plain Optuna's, as a table to analyse."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optuna.study import Study, StudyDirection

from search_spaces.notation import from_data
from search_spaces.space import Group
from studies.analysis.comparison import optuna_importances
from studies.analysis.errors import SeveralObjectives
from studies.analysis.importance import Importance, measure_importance
from studies.analysis.infer import infer_space
from studies.analysis.scales import scales_of, shares_on
from studies.analysis.table import Table, observations
from studies.identity import DEFINITION


@dataclass(frozen=True)
class StudyAnalysis:
    """The analysis of one study, with what stands beside it.

    `by_scale` holds the share of each parameter and pair on other scales of the objective, `elsewhere` what
    Optuna's own evaluators say.
    """

    name: str
    metric: str
    table: Table
    importance: Importance
    by_scale: dict[str, dict[tuple[str, ...], float]]
    elsewhere: dict[str, dict[str, float]]

    def to_data(self) -> dict[str, Any]:
        """Write everything as plain data for JSON."""
        scales = {
            scale: [{"names": list(names), "share": share} for names, share in shares.items()]
            for scale, shares in self.by_scale.items()
        }
        return {
            "study": self.name,
            "metric": self.metric,
            **self.importance.to_data(),
            "scales": scales,
            "optuna": self.elsewhere,
        }


def space_of(study: Study) -> Group:
    """Give the space of a study: the declared one of ours, else the one inferred from its trials."""
    definition = study.user_attrs.get(DEFINITION)
    return (
        infer_space(study.get_trials(deepcopy=False))
        if definition is None
        else from_data(definition["space"])
    )


def table_of(study: Study, objective: int | None = None) -> Table:
    """Put the trials of a study in a table.

    Args:
        study: any study.
        objective: the index of the objective to take, of a study that has several.

    Raises:
        SeveralObjectives: there are several and none was chosen, or there is none of that index.
        NothingToAnalyse: too few trials ended with a score.
    """
    directions = study.directions
    if objective is not None and not 0 <= objective < len(directions):
        raise SeveralObjectives(
            f"The study {study.study_name!r} has {len(directions)} objectives, so --objective must lie in "
            f"0 .. {len(directions) - 1}, but got {objective}."
        )
    direction = directions[objective or 0]
    return observations(
        study.get_trials(deepcopy=False), space_of(study),
        minimize=direction is StudyDirection.MINIMIZE, objective=objective,
    )  # fmt: skip


def analyse(
    study: Study,
    *,
    objective: int | None = None,
    seed: int = 0,
    compare: bool = True,
    progress: Callable[[float], None] = lambda _: None,
) -> StudyAnalysis:
    """Analyse a study.

    Args:
        study: any study.
        objective: the index of the objective to take, of a study that has several.
        seed: of folds, draws and resampling.
        compare: also measure on other scales of the objective, and ask Optuna's evaluators.
        progress: is told the fraction done.
    """
    table = table_of(study, objective)
    share = 0.7 if compare else 1.0
    importance = measure_importance(table, seed=seed, progress=lambda done: progress(share * done))
    by_scale: dict[str, dict[tuple[str, ...], float]] = {}
    elsewhere: dict[str, dict[str, float]] = {}
    if compare:
        others = [scale for scale in scales_of(table) if scale != "value"]
        for done, scale in enumerate(others, start=1):
            by_scale[scale] = shares_on(table, scale)
            progress(share + 0.2 * done / len(others))
        found = optuna_importances(
            study.get_trials(deepcopy=False), minimize=table.minimize, objective=objective or 0, seed=seed
        )
        elsewhere = {evaluator: dict(values) for evaluator, values in found.items()}
    progress(1.0)
    metric = study.user_attrs.get(DEFINITION, {}).get("study", {}).get("metric", "objective")
    return StudyAnalysis(study.study_name, metric, table, importance, by_scale, elsewhere)
