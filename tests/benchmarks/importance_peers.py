"""What other evaluators make of the same trials: error against brute force, time, and what each cannot say.

    python -m tests.benchmarks.importance_peers [SEEDS]

fANOVA, mean decrease in impurity and PED-ANOVA are Optuna's; the plain Gaussian process is scikit-learn's
with one length scale for each parameter and Sobol indices by pick and freeze; HDMR is SALib's, where that is
installed. A share of one parameter is compared with the share that it has alone, and a pair with the share
of the pair. Evaluators that scale their numbers to a sum of one are compared as they stand: that is what
they say.
"""

import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np
import optuna
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from studies.analysis.observations.table import Table, observations
from studies.analysis.shares.importance import measure_importance
from studies.surrogate.domain import domain_of
from studies.surrogate.integration import decompose
from tests.studies.analysis import drawn_studies as drawn
from tests.studies.analysis import known_functions as known
from tests.studies.analysis.known_functions import Known

Shares = tuple[Mapping[str, float], Mapping[frozenset[str], float] | None]
Trials = list[optuna.trial.FrozenTrial]
FLAT = ("Ishigami", "smooth", "narrow", "gate", "three_way")
CONDITIONAL = ("conditional", "branches", "nested")


def ours(trials: Trials, table: Table) -> Shares:
    """Take the point estimates of our analysis."""
    result = measure_importance(table)
    return (
        {effect.names[0]: effect.share or 0.0 for effect in result.main},
        {frozenset(effect.names): effect.share or 0.0 for effect in result.pairs},
    )


def optunas(evaluator: optuna.importance.BaseImportanceEvaluator) -> Callable[[Trials, Table], Shares]:
    """Ask one of Optuna's evaluators."""

    def ask(trials: Trials, table: Table) -> Shares:
        study = optuna.create_study()
        study.add_trials(trials)
        with warnings.catch_warnings(action="ignore"):
            return dict(optuna.importance.get_param_importances(study, evaluator=evaluator)), None

    return ask


def plain_process(trials: Trials, table: Table) -> Shares:
    """Fit a Gaussian process without conditions, what is absent in the middle, and take its Sobol indices."""
    places = np.where(table.active, table.coordinates, 0.5)
    scale = ConstantKernel(1.0) * Matern(np.full(places.shape[1], 0.5), (0.05, 20.0), nu=2.5)
    process = GaussianProcessRegressor(
        scale + WhiteKernel(0.01, (1e-6, 1.0)), normalize_y=True, random_state=0
    )
    with warnings.catch_warnings(action="ignore"):
        process.fit(places, table.loss)
    found = decompose(lambda u, active: process.predict(np.where(active, u, 0.5)), table.domain, points=2**10)
    return found.main, {frozenset(names): share for names, share in found.pairs.items()}


def hdmr(trials: Trials, table: Table) -> Shares:
    """Ask SALib's high-dimensional model representation, for flat spaces."""
    from SALib.analyze import hdmr as method

    names = list(table.domain.names)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    count = len(names)
    with warnings.catch_warnings(action="ignore"):
        found = method.analyze(problem, table.coordinates, table.loss, maxorder=2, K=1, R=len(table.loss))
    single = dict(zip(names, map(float, found["Sa"][:count]), strict=True))
    pairs = {
        frozenset(term.split("/")): float(share)
        for term, share in zip(found["Term"][count:], found["Sa"][count:], strict=False)
        if "/" in term
    }
    return single, pairs


def evaluators() -> dict[str, Callable[[Trials, Table], Shares]]:
    """List the evaluators that are installed."""
    found: dict[str, Callable[[Trials, Table], Shares]] = {
        "ours": ours,
        "plain Gaussian process": plain_process,
        "fANOVA": optunas(FanovaImportanceEvaluator(seed=0)),
        "MDI": optunas(MeanDecreaseImpurityImportanceEvaluator(seed=0)),
        "conditional PED-ANOVA": optunas(PedAnovaImportanceEvaluator()),
    }
    if find_spec("SALib"):
        found["SALib HDMR"] = hdmr
    return found


def case_of(name: str, seed: int) -> Known:
    """Give a function by its name."""
    fixed = {"Ishigami": known.ISHIGAMI, "conditional": known.CONDITIONAL}
    return fixed[name] if name in fixed else drawn.KINDS[name](seed)


def main(arguments: list[str]) -> None:
    """Print a row for each evaluator and function."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seeds = int(arguments[0]) if arguments else 1
    heads = "largest error of a parameter | of a pair | parameters without an answer | seconds"
    print(f"| function | evaluator | {heads} |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in (*FLAT, *CONDITIONAL):
        measured = defaultdict(list)
        for seed in range(seeds):
            case = case_of(name, 60 + seed)
            trials = drawn.run(case, 120, 60 + seed)
            truth, table = drawn.truth_of(case), observations(trials, case.space)
            for evaluator, ask in evaluators().items():
                if evaluator == "SALib HDMR" and name in CONDITIONAL:
                    continue
                begun = time.process_time()
                single, pairs = ask(trials, table)
                seconds = time.process_time() - begun
                measured[evaluator].append((*_errors(single, pairs, truth, table), seconds))
        for evaluator, rows in measured.items():
            alone, pair, missing, spent = (_mean(column) for column in zip(*rows, strict=True))
            together = "none" if np.isnan(pair) else f"{pair:.3f}"
            answers = f"{missing:.1f} of {len(domain_of(case.space).axes)}"
            print(
                f"| {name} | {evaluator} | {alone:.3f} | {together} | {answers} | {spent:.1f} |", flush=True
            )


def _errors(
    single: Mapping[str, float],
    pairs: Mapping[frozenset[str], float] | None,
    truth: drawn.Truth,
    table: Table,
) -> tuple[float, float, int]:
    names = table.domain.names
    missed = [abs(single.get(name, 0.0) - truth.main.get(name, 0.0)) for name in names]
    together = float("nan")
    if pairs is not None:
        known_pairs = set(pairs) | set(truth.pairs)
        together = float(
            np.max([abs(pairs.get(pair, 0.0) - truth.pairs.get(pair, 0.0)) for pair in known_pairs])
        )
    return float(np.max(missed)), together, sum(name not in single for name in names)


def _mean(values: tuple[float, ...]) -> float:
    return float(np.mean(values))


if __name__ == "__main__":
    main(sys.argv[1:])
