"""What the ledger costs a trial without training, against plain Optuna: milliseconds and statements by step.

Without arguments on a SQLite file and on PostgreSQL (the package that the tests use), else on the database
of a URL.
Both do the same work in the same space: 30 validations a trial, every one stored, pruned by the same
successive halving. Plain Optuna reports and asks its pruner after each; the ledger also claims a slot,
stores the configuration and tells the outcome. The two alternate, so that whatever else the machine does
hits both.
"""

import statistics
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import optuna
import sqlalchemy
from optuna.samplers import RandomSampler
from sqlalchemy import event
from sqlalchemy.engine import make_url

from search_spaces.catalogue.recipes import quick
from search_spaces.suggest import suggest
from studies.database.open import open_database
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.ledger import Ledger
from studies.ledger.making import create, delete
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import pruner_of, report
from studies.trials.outcomes import Outcome
from tests.contracts.servers import postgresql

TRIALS = 40
EPOCHS = 30
PRUNER = {
    "class_path": "optuna.pruners.SuccessiveHalvingPruner",
    "init_args": {"min_resource": 4, "reduction_factor": 3},
}


class Meter:
    """Adds up the time and the statements of each step."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.statements: dict[str, int] = defaultdict(int)
        self._count = 0
        event.listen(engine, "before_cursor_execute", self._hear)

    def _hear(self, *_: object) -> None:
        self._count += 1

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure one step."""
        began, count = time.perf_counter(), self._count
        yield
        self.seconds[name] += time.perf_counter() - began
        self.statements[name] += self._count - count


def curve(number: int) -> list[float]:
    """Give the scores of a trial: those of a power law, of random height."""
    height = np.random.default_rng(number).random()
    return [float(height + 1 / step) for step in range(1, EPOCHS + 1)]


def answer_ours(ledger: Ledger, meter: Meter, number: int) -> float:
    """Answer one trial through the ledger, and give its seconds."""
    began = time.perf_counter()
    with meter.step("ours: ask and suggest"):
        running = ask(ledger, "benchmark")
    assert running is not None
    for step, score in enumerate(curve(number), start=1):
        with meter.step("ours: report and prune"):
            report(running, step, score)  # all thirty, pruned or not, in both
    with meter.step("ours: tell"):
        tell(ledger, running, Outcome.COMPLETED, curve(number)[-1], {})
    return time.perf_counter() - began


def answer_plainly(study: optuna.Study, meter: Meter, number: int) -> float:
    """Answer one trial through Optuna alone, and give its seconds."""
    began = time.perf_counter()
    with meter.step("plain: ask and suggest"):
        trial = study.ask()
        suggest(trial, quick())
    for step, score in enumerate(curve(number), start=1):
        with meter.step("plain: report and prune"):
            trial.report(score, step)
            trial.should_prune()
    with meter.step("plain: tell"):
        study.tell(trial, curve(number)[-1])
    return time.perf_counter() - began


def main(url: str) -> None:
    """Measure both on one database and print them."""
    print(make_url(url).get_backend_name())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    database = open_database(url)
    name = f"benchmark-{uuid.uuid4().hex[:8]}"
    definition = StudyDefinition(
        StudySettings(name, "val_loss", trials=TRIALS, exploration=0.0),
        {"trainer": {"max_epochs": EPOCHS}, "model": {"class_path": "package.Model"}},
        quick(),
        {
            "class_path": "optuna.samplers.RandomSampler",
            "init_args": {},
        },  # its own time is not what is measured
        PRUNER,
    )
    ledger = create(database, definition, "")
    ledger.study.pruner = pruner_of(ledger)
    plain = optuna.create_study(
        study_name=f"{name}-plain",
        storage=database.storage,
        sampler=RandomSampler(seed=0),
        pruner=pruner_of(ledger),
    )
    meter = Meter(database.engine)
    ours, theirs = [], []
    for number in range(TRIALS):
        ours.append(answer_ours(ledger, meter, number))
        theirs.append(answer_plainly(plain, meter, number))
    for step in meter.seconds:
        per_trial = meter.seconds[step] / TRIALS * 1000
        print(f"{step:25} {per_trial:7.1f} ms {meter.statements[step] / TRIALS:7.1f} statements a trial")
    one, other = statistics.median(ours), statistics.median(theirs)
    print(f"median: ours {one * 1000:.1f} ms, plain {other * 1000:.1f} ms, ratio {one / other:.2f}")
    stored = {len(trial.intermediate_values) for trial in ledger.trials()}
    print(f"validations stored of each trial: {sorted(stored)}", end="\n\n")
    delete(database, name)
    optuna.delete_study(study_name=f"{name}-plain", storage=database.storage)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(f"sqlite:///{folder}/tuner.db")
        with postgresql() as server:
            main(server)
