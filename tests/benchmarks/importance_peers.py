"""What other evaluators make of the same trials: error against brute force, time, and what each cannot say.

    python -m tests.benchmarks.importance_peers [SEEDS [PYTHON_OF_AX]]

fANOVA, mean decrease in impurity and PED-ANOVA are Optuna's; the plain Gaussian process is scikit-learn's
with one length scale for each parameter and Sobol indices by pick and freeze; RBD-FAST and the indices of
first order by delta are SALib's, whose HDMR refuses fewer than 300 trials. HyperSHAP's are its sensitivity
game's interactions up to two parameters. A share of one parameter is compared with the share that it has
alone, and a pair with the share of the pair. Evaluators that scale their numbers to a sum of one are compared
as they stand: that is what they say.

SALib and HyperSHAP come with `pip install '.[bench]'`. Ax needs an environment of its own:

    python -m venv .venv-ax && .venv-ax/bin/pip install ax-platform

and is asked where its Python is named, as `.venv-ax/bin/python`.
"""

import json
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from studies.analysis.observations.scales import shares_on
from studies.analysis.observations.table import Table, observations
from studies.analysis.shares.importance import measure_importance
from studies.surrogate.domain import domain_of
from studies.surrogate.integration import decompose
from tests.studies.analysis import drawn_functions
from tests.studies.analysis import drawn_studies as drawn
from tests.studies.analysis import known_functions as known
from tests.studies.analysis.drawn_truth import Truth, truth_of
from tests.studies.analysis.known_functions import Known

Pairs = Mapping[frozenset[str], float] | None
# Seconds too where those of this process are not all.
Shares = tuple[Mapping[str, float], Pairs] | tuple[Mapping[str, float], Pairs, float]
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


def shares_alone(trials: Trials, table: Table) -> Shares:
    """Take our shares without intervals and without evidence, which is what others give."""
    found = shares_on(table, "value")
    return (
        {names[0]: share for names, share in found.items() if len(names) == 1},
        {frozenset(names): share for names, share in found.items() if len(names) > 1},
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


def rbd_fast(trials: Trials, table: Table) -> Shares:
    """Ask SALib for the indices of first order by random balance designs, for flat spaces."""
    from SALib.analyze import rbd_fast as method

    return _first_order(method, table)


def delta(trials: Trials, table: Table) -> Shares:
    """Ask SALib for the indices of first order of given data, for flat spaces."""
    from SALib.analyze import delta as method

    return _first_order(method, table)


def _first_order(method: Any, table: Table) -> Shares:
    names = list(table.domain.names)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    with warnings.catch_warnings(action="ignore"):
        found = method.analyze(problem, table.coordinates, table.loss, seed=0)
    return dict(zip(names, map(float, found["S1"]), strict=True)), None


def hypershap(trials: Trials, table: Table) -> Shares:
    """Play HyperSHAP's sensitivity game on the model that it fits; what is absent stands in the middle."""
    from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace
    from ConfigSpace import UniformFloatHyperparameter as Range
    from hypershap import ExplanationTask, HyperSHAP

    space, axes = ConfigurationSpace(seed=0), table.domain.axes
    for axis in axes:
        options = tuple(map(int, axis.nodes))
        space.add(
            Range(axis.name, 0.0, 1.0) if axis.ordered else CategoricalHyperparameter(axis.name, options)
        )
    data = []
    for place, active, loss in zip(table.coordinates, table.active, table.loss, strict=True):
        values = {
            axis.name: float(at if on else 0.5) if axis.ordered else int(at)
            for axis, at, on in zip(axes, place, active, strict=True)
        }
        data.append((Configuration(space, values=values), float(loss)))
    with warnings.catch_warnings(action="ignore"):
        found = HyperSHAP(ExplanationTask.from_data(space, data)).sensitivity(order=2)
    # The library numbers parameters in the order of the space.
    names = list(space.keys())
    named = {
        frozenset(names[i] for i in members): float(value) for members, value in found.dict_values.items()
    }
    whole = sum(value for members, value in named.items() if members) or 1.0
    return (
        {name: named.get(frozenset({name}), 0.0) / whole for name in names},
        {members: value / whole for members, value in named.items() if len(members) == 2},
    )


def ax(python: str) -> Callable[[Trials, Table], Shares]:
    """Ask Ax by its own Python, as `importance_by_ax.py` says; what is absent stands in the middle."""

    def ask(trials: Trials, table: Table) -> Shares:
        axes = table.domain.axes
        told = {
            "names": list(table.domain.names),
            "choices": [None if axis.ordered else list(map(int, axis.nodes)) for axis in axes],
            "places": np.where(
                table.active, table.coordinates, 0.5 * np.array([axis.ordered for axis in axes])
            ).tolist(),
            "losses": table.loss.tolist(),
        }
        script = Path(__file__).with_name("importance_by_ax.py")
        answer = subprocess.run(
            [python, str(script)], input=json.dumps(told), capture_output=True, text=True, check=True
        )
        found = json.loads(answer.stdout)
        # A choice of three or more is a column for each option there, whose indices belong together.
        single: dict[str, float] = defaultdict(float)
        pairs: dict[frozenset[str], float] = defaultdict(float)
        for name, share in found["first"].items():
            single[_of_option(name)] += share
        for name, share in found["second"].items():
            members = frozenset(map(_of_option, name.split(" & ")))
            if len(members) > 1:
                pairs[members] += share
            elif " & " in name:
                single[next(iter(members))] += share
        return single, pairs, found["seconds"]

    return ask


def _of_option(name: str) -> str:
    return name.split("_OH_PARAM_", maxsplit=1)[0]


def evaluators(python_of_ax: str | None) -> dict[str, Callable[[Trials, Table], Shares]]:
    """List the evaluators that are installed, and say which are not."""
    found: dict[str, Callable[[Trials, Table], Shares]] = {
        "ours": ours,
        "ours, shares alone": shares_alone,
        "plain Gaussian process": plain_process,
        "fANOVA": optunas(FanovaImportanceEvaluator(seed=0)),
        "MDI": optunas(MeanDecreaseImpurityImportanceEvaluator(seed=0)),
        "conditional PED-ANOVA": optunas(PedAnovaImportanceEvaluator()),
    }
    if find_spec("SALib"):
        found |= {"SALib RBD-FAST": rbd_fast, "SALib delta": delta}
    if find_spec("hypershap"):
        found["HyperSHAP"] = hypershap
    if python_of_ax:
        found["Ax"] = ax(python_of_ax)
    absent = {"SALib": find_spec("SALib"), "HyperSHAP": find_spec("hypershap"), "Ax": python_of_ax}
    for name in (name for name, there in absent.items() if not there):
        print(
            f"{name} is not asked: it is not installed here; the head of this file says how.", file=sys.stderr
        )
    return found


def case_of(name: str, seed: int) -> Known:
    """Give a function by its name."""
    fixed = {"Ishigami": known.ISHIGAMI, "conditional": known.CONDITIONAL}
    return fixed[name] if name in fixed else drawn_functions.KINDS[name](seed)


def main(arguments: list[str]) -> None:
    """Print a row for each evaluator and function."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seeds = int(arguments[0]) if arguments else 1
    asked = evaluators(arguments[1] if len(arguments) > 1 else None)
    heads = "largest error of a parameter | of a pair | parameters without an answer | seconds"
    print(f"| function | evaluator | {heads} |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in (*FLAT, *CONDITIONAL):
        measured = defaultdict(list)
        for seed in range(seeds):
            case = case_of(name, 60 + seed)
            trials = drawn.run(case, 120, 60 + seed)
            truth, table = truth_of(case), observations(trials, case.space)
            for evaluator, ask in asked.items():
                if evaluator.startswith("SALib") and name in CONDITIONAL:
                    continue
                begun = time.process_time()
                single, pairs, *elsewhere = ask(trials, table)
                seconds = elsewhere[0] if elsewhere else time.process_time() - begun
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
    truth: Truth,
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
