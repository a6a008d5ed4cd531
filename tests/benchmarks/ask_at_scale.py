"""What an ask costs in a study of 10,000 slots with 2,000 finished trials, beside the sampler's own time.

On SQLite and on PostgreSQL. The finished trials are written in bulk; the sampler is Optuna's TPE, whose time
is measured apart. The figure: p95 under 0.2 s.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import sqlalchemy as sa
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from search_spaces.catalogue.recipes import quick
from search_spaces.suggest import suggest
from studies.database import schema
from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import pruner_of, report
from studies.trials.attributes import OUTCOME
from studies.trials.outcomes import Outcome
from tests.contracts.databases import databases
from tests.studies.samples import TPE, sample_definition

SLOTS, FINISHED, ASKS = 10_000, 2_000, 100
EPOCHS = 10


def fill(ledger: Ledger) -> None:
    """Write the finished trials, and mark their slots as spent."""
    random = np.random.default_rng(0)
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    trials = []
    for number in range(FINISHED):
        asked = study.ask()
        suggest(asked, ledger.definition.space)
        score = float(random.random())
        trials.append(
            create_trial(
                state=TrialState.COMPLETE,
                value=score,
                params=asked.params,
                distributions=asked.distributions,
                intermediate_values={step: score + 1.0 / step for step in range(1, EPOCHS + 1)},
                user_attrs={"slot": number, "attempt": 1, OUTCOME: Outcome.COMPLETED.value},
                system_attrs={"constraints:diverged": -1.0, "constraints": [-1.0]},
            )
        )
        study.tell(asked, score)
    for trial in trials:
        ledger.study.add_trial(trial)
    with ledger.database.engine.begin() as connection:
        mine = (schema.slots.c.ledger == ledger.slots.ledger, schema.slots.c.slot < FINISHED)
        connection.execute(sa.update(schema.slots).where(*mine).values(state="done", attempt=1))


class Clock:
    """Adds up the time within some methods."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Give a method that is timed under a name."""

        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self.seconds[name] += time.perf_counter() - began

        return call


def main() -> None:
    """Measure asks on each database and print them."""
    logging.disable(logging.WARNING)
    clock = Clock()
    for method in ("sample_relative", "sample_independent", "infer_relative_search_space"):
        setattr(TPESampler, method, clock.timed("sampler", getattr(TPESampler, method)))
    for name, url in databases():
        ledger = create(
            open_database(url),
            sample_definition(
                space=quick(), sampler=TPE, trials=SLOTS, exploration=0.0, trainer={"max_epochs": EPOCHS}
            ),
            "",
        )
        fill(ledger)
        ledger.study.pruner = pruner_of(ledger)
        ledger.trials()  # a worker's first look reads all of them
        beside, within, rest = [], [], []
        for number in range(ASKS):
            clock.seconds.clear()
            began = time.perf_counter()
            running = ask(ledger, "benchmark")
            whole = time.perf_counter() - began
            assert running is not None
            beside.append(whole - clock.seconds["sampler"])
            within.append(clock.seconds["sampler"])
            began = time.perf_counter()
            for step in range(1, EPOCHS + 1):
                report(running, step, 1.0 / step)
            tell(ledger, running, Outcome.COMPLETED, number / ASKS, {})
            rest.append(time.perf_counter() - began)
        print(
            f"{name:10} ask beside the sampler: p50 {np.quantile(beside, 0.5) * 1000:.0f} ms, "
            f"p95 {np.quantile(beside, 0.95) * 1000:.0f} ms; sampler p95 "
            f"{np.quantile(within, 0.95) * 1000:.0f} ms; {EPOCHS} reports and tell p95 "
            f"{np.quantile(rest, 0.95) * 1000:.0f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
