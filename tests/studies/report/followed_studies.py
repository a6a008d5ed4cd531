"""A study of an exact function, the study that its report proposes to run next, and both run again.

The trials train nothing: a configuration is made as for a training, and the function is asked at the place
that it names. What is read back is the configuration and not the suggested values, so a next study may search
other parameters that lead to the same configuration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import numpy as np
import optuna

from search_spaces.configuration import configure
from search_spaces.space.algebra import replace
from search_spaces.space.nodes import Float, Group
from search_spaces.space.parameters import parameters
from search_spaces.suggest import suggest
from studies.analysis.observations.of_study import analyse
from studies.analysis.views import views_of
from studies.database.identity import DEFINITION
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import parse_study_file
from studies.proposing.exploration import exploration_point
from studies.report.next_study import NextStudy, next_study
from studies.surrogate.domain import Axis, coordinate, domain_of, value_at
from studies.surrogate.integration import quasi_random
from studies.trials.attributes import OUTCOME
from studies.trials.outcomes import Outcome
from tests.studies.analysis import drawn_functions as drawn
from tests.studies.analysis.known_functions import Known

Values = Mapping[str, Any]
MODEL = "model.init_args"


@dataclass(frozen=True)
class Problem:
    """A function with the noise of a trial, and where training does not work: beyond `fails`, a score."""

    case: Known
    noise: float
    fails: float = np.inf

    def exact(self, space: Group, values: Sequence[Values]) -> np.ndarray:
        """Give the exact scores of values of `space`, the function's own space or another: `(n,)`."""
        axes = domain_of(self.case.space).axes
        places = np.zeros((len(values), len(axes)))
        active = np.zeros(places.shape, dtype=bool)
        for row, given in enumerate(values):
            configuration = configure({}, space, given)
            for column, axis in enumerate(axes):
                value = given.get(axis.name) if not axis.ordered else _written(configuration, axis)
                if value is not None:
                    places[row, column] = float(coordinate(axis, value) or 0.0)
                    active[row, column] = True
        return self.case.function(places, active)


def targeted(case: Known) -> Known:
    """Give each parameter of a function's space a place in the configuration, where it has none."""
    space = case.space
    for parameter in parameters(space):
        node = parameter.node
        if node.target is None:
            target = f"{MODEL}.{parameter.name.replace('.', '_')}"
            space = replace(space, parameter.name, changed(node, target=target))
    return changed(case, space=space)


def _written(configuration: Values, axis: Axis) -> float | None:
    """Read a range's value from a configuration, in which the optimizer's own arguments stand."""
    path = str(axis.parameter.target).split(".")
    inverted = path[-1].startswith("one_minus_")
    found: Any = configuration
    for part in [*path[:-1], path[-1].removeprefix("one_minus_")]:
        found = found.get(part) if isinstance(found, dict) else None
    if found is None:
        return None
    return 1 - float(found) if inverted else float(found)


def definition_of(problem: Problem, name: str, trials: int, seed: int) -> StudyDefinition:
    """Define a study of a problem."""
    settings = StudySettings(name=name, metric="val_loss", trials=trials, seed=seed)
    return StudyDefinition(settings, {"model": {"class_path": "a.Model"}}, problem.case.space)


def run(problem: Problem, definition: StudyDefinition, seed: int, *, model: bool = True) -> optuna.Study:
    """Run a study: the first part explores, then Optuna's TPE leads, or else all is random.

    A score beyond `fails` is told as a divergence.
    """
    settings, space = definition.settings, definition.space
    rng = np.random.default_rng([seed, 9])
    sampler = (
        optuna.samplers.TPESampler(n_startup_trials=0, seed=seed)
        if model
        else optuna.samplers.RandomSampler(seed=seed)
    )
    study = optuna.create_study(study_name=settings.name, sampler=sampler)
    study.set_user_attr(DEFINITION, definition.to_data())
    for number in range(settings.trials):
        explores = model and number < settings.exploration * settings.trials
        if explores:
            study.enqueue_trial(exploration_point(space, index=number + 1, seed=seed))
        trial = study.ask()
        values = suggest(trial, space)
        exact = float(problem.exact(space, [values])[0])
        trial.set_user_attr("exploration", explores or not model)
        works = exact <= problem.fails
        trial.set_user_attr(OUTCOME, (Outcome.COMPLETED if works else Outcome.DIVERGED).value)
        if works:
            study.tell(trial, exact + problem.noise * rng.standard_normal())
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return study


def incumbent(problem: Problem, definition: StudyDefinition, study: optuna.Study) -> float:
    """Give the exact score of the trial that looked best."""
    done = [trial for trial in study.trials if trial.value is not None]
    if not done:
        return float("inf")
    best = min(done, key=lambda trial: trial.value or 0.0)
    return float(problem.exact(definition.space, [best.params])[0])


def proposed(definition: StudyDefinition, study: optuna.Study) -> tuple[NextStudy, StudyDefinition, str]:
    """Write the next study as a report does and read it as `tuner run` would; with the confidence."""
    found = analyse(study, compare=False)
    done = [trial for trial in study.trials if trial.value is not None]
    best = min(done, key=lambda trial: trial.value or 0.0).params
    views = views_of(found, definition.space, best, declared=True)
    proposal = next_study(definition, views, best)
    read = define(parse_study_file(proposal.text, source="next"), lambda *_: None)
    return proposal, read, found.importance.evidence.confidence


def at_random(
    problem: Problem, definition: StudyDefinition, repeats: int, trials: int, seed: int
) -> np.ndarray:
    """Give the exact scores of what looked best of some random trials, `(repeats,)`."""
    domain, rng = domain_of(definition.space), np.random.default_rng([seed, 10])
    size = 2 ** (trials * repeats - 1).bit_length()
    places = quasi_random(domain, size, seed)[rng.permutation(size)[: trials * repeats]]
    active = domain.active(places)
    values = [
        {
            axis.name: value_at(axis, float(at))
            for axis, at, on in zip(domain.axes, place, here, strict=True)
            if on
        }
        for place, here in zip(places, active, strict=True)
    ]
    exact = problem.exact(definition.space, values)
    seen = np.where(exact <= problem.fails, exact + problem.noise * rng.standard_normal(len(exact)), np.inf)
    best = np.argmin(seen.reshape(repeats, trials), axis=1)
    return exact.reshape(repeats, trials)[np.arange(repeats), best]


def draw_problem(kind: str, seed: int) -> Problem:
    """Draw a problem: one of `drawn.KINDS` with noise of a twentieth, or `failing`, `noisy`, `momentum`."""
    rng = np.random.default_rng([seed, 22])
    inner = {"failing": "smooth", "noisy": ("smooth", "plateau")[seed % 2]}.get(kind, kind)
    case = _momentum(seed) if kind == "momentum" else targeted(drawn.KINDS[inner](seed))
    scores = case.function(*drawn.uniform(case, 2048))
    level = 0.5 if kind == "noisy" else 0.05
    fails = float(np.quantile(scores, rng.uniform(0.6, 0.85))) if kind == "failing" else np.inf
    return Problem(case, level * float(scores.std()), fails)


def _momentum(seed: int) -> Known:
    """Draw a loss along lr / (1 - momentum), with weaker effects of the momentum and of another range."""
    rng = np.random.default_rng([seed, 23])
    place, weak, other = rng.uniform(0.4, 0.7), rng.uniform(0.0, 0.3), rng.uniform(0.2, 0.8)
    space = Group(
        {
            "lr": Float(1e-4, 1.0, log=True, target="optimizer.init_args.lr"),
            "one_minus_momentum": Float(0.01, 1.0, log=True, target="optimizer.init_args.one_minus_momentum"),
            "x": Float(0.0, 1.0, target=f"{MODEL}.x"),
        }
    )

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        along = (u[:, 0] - place) - 0.5 * (u[:, 1] - 0.5)
        return 6 * along**2 + weak * (u[:, 1] - 0.5) ** 2 + weak * (u[:, 2] - other) ** 2

    return Known("momentum", space, function)
