"""How good the winners of searches are, at equal epochs of real training: retrained, on the test part.

    python -m tests.benchmarks.search_training FILE [--tables digits ...] [--methods TPE ...] [--seeds 16]

Each method searches 42 conditional parameters of a network of two layers of 64, trained for 18 epochs, on
each table and seed. After each budget its winner is trained again on three fresh seeds, and its cross-entropy
on the test part is kept in FILE, a JSON line a run: what FILE holds is not done again. Medians are printed,
and how each method's log cross-entropy differs from that of `TPE` at the end. A run takes half a minute.
"""

import argparse
import heapq
import json
import math
import statistics
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from scipy import stats

from search_spaces.space.nodes import Value
from search_spaces.suggest import suggest
from studies.definition.classes import make_pruner
from studies.definition.length import TrialLength
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.by_ends import BySamplerOfEnds
from studies.proposing.exploration import exploration_point
from studies.proposing.model import JointModel, JointSampler
from studies.proposing.optuna_pruner import ByPruner, default_pruner
from studies.proposing.pausing import PausingRule
from studies.proposing.proposer import History, Proposer
from studies.proposing.seeds import seed_of
from studies.trials.record import TrialRecord
from tests.benchmarks.searching.simulation import Simulation, best_of
from tests.benchmarks.searching.training import EPOCHS, TABLES, Training, retrained, space, table

BUDGETS = (108, 216, 432, 1080)
EXPLORING = 15  # of the first slots, a quarter of 60
Record = dict[str, Any]
Winner = tuple[float, dict[str, Value]]  # its validation, its values
Search = Callable[[str, int, int], Iterator[tuple[int, Winner]]]  # table, seed, last budget -> winners


def by_optuna(make: Callable[[int], BaseSampler], pruner: BasePruner) -> Search:
    """Search as a program does that uses Optuna alone."""

    def search(name: str, seed: int, last: int) -> Iterator[tuple[int, Winner]]:
        study = optuna.create_study(sampler=make(seed), pruner=pruner)
        spent, best = 0, (math.inf, {})
        for budget in (budget for budget in BUDGETS if budget <= last):
            while spent < budget:
                trial = study.ask()
                values = suggest(trial, space())
                training = Training(table(name), dict(values), seed * 1000 + trial.number)
                state, loss = optuna.trial.TrialState.COMPLETE, math.inf
                for step in range(1, EPOCHS + 1):
                    loss = training.epoch()
                    spent += 1
                    trial.report(loss, step)
                    if not math.isfinite(loss) or trial.should_prune():
                        state = optuna.trial.TrialState.PRUNED
                        break
                if state is optuna.trial.TrialState.PRUNED:
                    study.tell(trial, state=state)
                else:
                    study.tell(trial, loss)
                    best = min(best, (loss, dict(values)), key=lambda winner: winner[0])
            yield budget, best

    return search


def by_workers(make: Callable[[int], BaseSampler], workers: int) -> Search:
    """Search as so many workers do, by whole trainings of half to one and a half of a unit of time."""

    def search(name: str, seed: int, last: int) -> Iterator[tuple[int, Winner]]:
        study, times = optuna.create_study(sampler=make(seed)), np.random.default_rng([seed, 41])
        running: list[tuple[float, int, optuna.Trial, Training]] = []
        now, ended, best = 0.0, 0, (math.inf, {})
        for budget in (budget for budget in BUDGETS if budget <= last):
            while ended < budget // EPOCHS:
                while len(running) < workers and ended + len(running) < last // EPOCHS:
                    trial = study.ask()
                    values = dict(suggest(trial, space()))
                    training = Training(table(name), values, seed * 1000 + trial.number)
                    heapq.heappush(running, (now + times.uniform(0.5, 1.5), trial.number, trial, training))
                now, _, trial, training = heapq.heappop(running)
                losses = [training.epoch() for _ in range(EPOCHS)]
                if math.isfinite(losses[-1]):
                    study.tell(trial, losses[-1])
                    best = min(best, (losses[-1], dict(trial.params)), key=lambda winner: winner[0])
                else:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                ended += 1
            yield budget, best

    return search


def by_default(make: Callable[[int], BaseSampler], *, stops: bool, apart: int = 1) -> Search:
    """Search as a study of 60 slots does that names no pruner.

    Args:
        make: makes the sampler of a seed.
        stops: whether it has `study.stop_exploring`.
        apart: how far one exploring slot lies from the next; 1 has them in front, as a study has.
    """
    pruner = default_pruner(TrialLength.of({"trainer": {"max_epochs": EPOCHS}}))

    def search(name: str, seed: int, last: int) -> Iterator[tuple[int, Winner]]:
        study = optuna.create_study(sampler=make(seed), pruner=make_pruner(pruner))
        definition = StudyDefinition(StudySettings("default", "loss", seed=seed, score="last"), {}, space())
        history = History(definition, list)
        spent, best = 0, (math.inf, {})
        for budget in (budget for budget in BUDGETS if budget <= last):
            while spent < budget:
                slot = len(study.trials)
                if explores := slot < EXPLORING * apart and slot % apart == 0:
                    study.enqueue_trial(exploration_point(space(), index=slot // apart, seed=seed))
                trial = study.ask()
                values = suggest(trial, space())
                training = Training(table(name), dict(values), seed * 1000 + slot)
                rule = ByPruner(pruner, study, lambda slot=slot: study.trials[slot], stops_exploring=stops)
                record = TrialRecord(slot, slot, 1, dict(values), None, None, {}, explores=explores)
                loss, is_over = math.inf, False
                for step in range(1, EPOCHS + 1):
                    loss = training.epoch()
                    spent += 1
                    trial.report(loss, step)
                    record = replace(record, curve={**record.curve, step: loss})
                    is_over = not math.isfinite(loss)
                    if is_over or (rule.is_due(step, step - 1) and rule.decide(history, record).verdict):
                        is_over = True
                        break
                if is_over:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                else:
                    study.tell(trial, loss)
                    best = min(best, (loss, dict(values)), key=lambda winner: winner[0])
            yield budget, best

    return search


def tpe_of(definition: StudyDefinition, slot: Slot) -> BaseSampler:
    """Give TPE with its own start of random trials."""
    return TPESampler(seed=seed_of(definition, slot.number))


def group_of(definition: StudyDefinition, slot: Slot) -> BaseSampler:
    """Give TPE that models the parameters of a branch together."""
    return TPESampler(seed=seed_of(definition, slot.number), multivariate=True, group=True)


def ours(proposer: Proposer, rungs: tuple[int, ...] = (), share: float = 0.5) -> Search:
    """Search as a study of ours does."""

    def search(name: str, seed: int, last: int) -> Iterator[tuple[int, Winner]]:
        study = Simulation(
            space(),
            lambda values, number: Training(table(name), values, number),
            EPOCHS,
            proposer,
            PausingRule(rungs, share) if rungs else None,
            seed=seed,
        )
        for budget in (budget for budget in BUDGETS if budget <= last):
            study.run(budget)
            best = best_of(study.records, study.definition.settings)
            yield budget, (best.shown_score or math.inf, dict(best.values))

    return search


_halving = partial(SuccessiveHalvingPruner, min_resource=2, reduction_factor=3)


def _tpe(seed: int) -> BaseSampler:
    return TPESampler(seed=seed)


def _joint(seed: int) -> BaseSampler:
    return JointSampler(space(), seed=seed)


METHODS: dict[str, Search] = {
    "random": by_optuna(lambda seed: RandomSampler(seed=seed), NopPruner()),
    "TPE": by_optuna(_tpe, NopPruner()),
    "TPE, halving": by_optuna(_tpe, _halving()),
    "joint, halving": by_optuna(_joint, _halving()),
    "TPE, a quarter explores": by_default(_tpe, stops=False),
    "TPE, a quarter explores, stopped": by_default(_tpe, stops=True),
    "joint, a quarter explores": by_default(_joint, stops=False),
    "joint, a quarter explores, stopped": by_default(_joint, stops=True),
    "joint, a quarter explores, spread": by_default(_joint, stops=False, apart=4),
    "TPE, pausing": ours(BySamplerOfEnds(tpe_of), (3, 6, 12)),
    "TPE, pausing at 2 and 6": ours(BySamplerOfEnds(tpe_of), (2, 6), 1 / 3),
    "TPE group, pausing": ours(BySamplerOfEnds(group_of), (3, 6, 12)),
    "joint": ours(JointModel()),
    "joint, 1 worker": by_workers(_joint, 1),
    "joint, 4 workers": by_workers(_joint, 4),
    "joint, 16 workers": by_workers(_joint, 16),
    "joint, pausing": ours(JointModel(), (3, 6, 12)),
    "joint, pausing at 6 and 12": ours(JointModel(), (6, 12)),
}


def run(name: str, seed: int, method: str, last: int) -> Record:
    """Search a table, and retrain the winner after each budget."""
    winners: dict[str, Any] = {}
    before: tuple[dict[str, Value], float] | None = None
    for budget, (validation, values) in METHODS[method](name, seed, last):
        if before is None or before[0] != values:
            before = values, retrained(name, values) if values else math.inf
        winners[str(budget)] = {"validation": validation, "test": before[1], "values": values}
    return {"table": name, "seed": seed, "method": method, "winners": winners}


def summary(records: list[Record]) -> Iterator[str]:
    """Write the medians, and the mean log ratio to `TPE` after all of its epochs, with its 95 % interval."""
    of: dict[tuple[str, str, int], dict[int, float]] = defaultdict(dict)
    for record in records:
        for budget, winner in record["winners"].items():
            of[record["method"], record["table"], int(budget)][record["seed"]] = winner["test"]
    names = [name for name in METHODS if any(record["method"] == name for record in records)]
    tables = [name for name in TABLES if any(record["table"] == name for record in records)]
    yield f"| median test cross-entropy after {', '.join(map(str, BUDGETS))} epochs | {' | '.join(tables)} |"
    yield "|" + " --- |" * (len(tables) + 1)
    for name in names:
        cells = [
            " / ".join(
                f"{statistics.median(found.values()):.3f}" if (found := of[name, one, budget]) else "-"
                for budget in BUDGETS
            )
            for one in tables
        ]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield f"| log ratio to TPE after {BUDGETS[-1]} epochs, tables pooled | {' | '.join(map(str, BUDGETS))} |"
    yield "|" + " --- |" * (len(BUDGETS) + 1)
    for name in names:
        yield f"| {name} | {' | '.join(_ratio(of, name, tables, budget) for budget in BUDGETS)} |"


def _ratio(of: Any, name: str, tables: list[str], budget: int) -> str:
    ratios = [
        math.log(found / base[seed])
        for one in tables
        for seed, found in of[name, one, budget].items()
        if seed in (base := of["TPE", one, BUDGETS[-1]])
    ]
    if len(ratios) < 2:
        return "-"
    interval = stats.ttest_1samp(ratios, 0.0).confidence_interval(0.95)
    return f"{np.mean(ratios):+.3f} ({interval.low:+.3f} to {interval.high:+.3f}), {len(ratios)}"


def main() -> None:
    """Run what the file lacks, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=BUDGETS[-1], help="the last budget, in epochs")
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    lines = given.file.read_text().splitlines() if given.file.exists() else []
    records = [json.loads(line) for line in lines]
    known = {(record["table"], record["seed"], record["method"]) for record in records}
    with given.file.open("a") as file:
        for seed in range(given.first, given.first + given.seeds):
            for name in given.tables:
                for method in given.methods:
                    if (name, seed, method) not in known:
                        records.append(run(name, seed, method, given.last))
                        file.write(json.dumps(records[-1]) + "\n")
                        file.flush()
    print("\n".join(summary(records)))


if __name__ == "__main__":
    main()
