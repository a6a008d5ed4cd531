"""How far a study is, as a value that every screen shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from studies.database.trial_rows import read_whole
from studies.definition.classes import JOINT_MODEL
from studies.definition.length import TrialLength
from studies.definition.limits import limits_of
from studies.ledger.absent import Left, left_among, sentence
from studies.ledger.following import Lines
from studies.ledger.ledger import Ledger
from studies.trials.attributes import without_continued
from studies.trials.outcomes import Outcome, count_name, outcome_of
from studies.trials.parallelism import Parallel
from studies.trials.record import TrialRecord


@dataclass(frozen=True)
class Status:
    """How far a study is.

    Attributes:
        name, metric, direction, priority: as its definition says.
        slots: how many it has, and `done` how many of them are spent.
        stopped: how it was stopped; None while it is open.
        over: why it takes no new trial, as the end of a sentence; None while it does or will.
        unpruned: why the default pruner stops nothing, in a sentence.
        epochs, hours: what is spent of them, and `most_epochs`, `most_hours` what may be.
        trials: how many ended with each outcome, by the names of `count_name`, how many run, and under
            `waiting` how many slots are open.
        left: which trials were left by their workers, in a sentence.
        added: how many trials another program has added, which count nowhere.
        best: the completed trial with the best score that breaks no limit.
        limits: those of the study, in words, and `broken` how many completed trials break one.
        parallel: from how many workers on more would not help, in sentences.
    """

    name: str
    metric: str
    direction: str
    priority: int
    slots: int
    done: int
    stopped: str | None
    over: str | None
    unpruned: str | None
    epochs: float
    hours: float
    most_epochs: float | None
    most_hours: float | None
    trials: Mapping[str, int]
    left: str | None
    added: int
    best: TrialRecord | None
    limits: Sequence[str] = ()
    broken: int = 0
    parallel: Sequence[str] = ()

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        best = self.best
        return {
            "name": self.name,
            "metric": self.metric,
            "direction": self.direction,
            "slots": self.slots,
            "stopped": self.stopped,
            "priority": self.priority,
            "unpruned": self.unpruned,
            "spent": {"slots": self.done, "epochs": round(self.epochs, 3), "hours": round(self.hours, 6)},
            "limits": {"slots": self.slots, "epochs": self.most_epochs, "hours": self.most_hours},
            "trials": dict(self.trials),
            "left": self.left,
            "added": self.added,
            "best": best
            and {
                "number": best.number,
                "value": best.score,
                "params": dict(best.values),
                "spread": best.spread,
                "metrics": dict(best.metrics),
            },
            "metric_limits": list(self.limits),
            "beyond_limits": self.broken,
            "more_workers": list(self.parallel),
        }


def status_of(ledger: Ledger) -> Status:
    """Look how far a study is."""
    trials = ledger.trials()
    told = (TrialRecord.of(trial).unpruned for trial in reversed(trials))
    return _status(
        ledger,
        # One that went on counts as what became of it.
        Counter(map(outcome_of, without_continued(trials, Outcome.PAUSED.value))),
        ledger.left(),
        unpruned=next(filter(None, told), None),
        added=ledger.added(),
        best=ledger.best(),
        broken=sum(
            record.outcome is Outcome.COMPLETED and bool(record.broken)
            for record in map(TrialRecord.of, trials)
        )
        if ledger.definition.settings.limits
        else 0,
    )


def status_of_lines(ledger: Ledger, lines: Lines) -> Status:
    """Look how far a study is, by its trials as lines: without reading all of them anew."""
    engine = ledger.database.engine
    best = lines.ranked(minimizes=ledger.minimizes)[:1]
    return _status(
        ledger,
        lines.counts.copy(),
        left_of_lines(ledger, lines),
        unpruned=lines.unpruned,
        added=lines.added,
        best=next(
            (TrialRecord.of(row.trial) for row in read_whole(engine, [line.key for line in best])), None
        ),
        broken=lines.broken,
    )


def left_of_lines(ledger: Ledger, lines: Lines) -> list[Left]:
    """List the trials among lines that run for Optuna though their workers went away."""
    engine = ledger.database.engine
    running = [row.trial for row in read_whole(engine, [line.key for line in lines.running])]

    def runs_still(trial: FrozenTrial) -> bool:
        key = lines.by_number[trial.number].key
        return any(row.trial.state is TrialState.RUNNING for row in read_whole(engine, [key]))

    return left_among(running, engine, ledger.slots.ledger, runs_still)


def _status(
    ledger: Ledger,
    count: Counter[Outcome | None],
    left: list[Left],
    *,
    unpruned: str | None,
    added: int,
    best: TrialRecord | None,
    broken: int,
) -> Status:
    budget = ledger.slots.budget()
    settings, spent = ledger.definition.settings, ledger.slots.control.spent()
    running = count.pop(None, 0) - len(left)
    count[Outcome.LOST] += len(left)
    over = ledger.over()
    sampler = ledger.definition.sampler
    parallel = Parallel(
        open=budget.open + len(left),
        running=running,
        paused=budget.paused,
        total=budget.total,
        repeatable=settings.repeatable,
        sampler=(sampler["class_path"] if sampler else JOINT_MODEL).rpartition(".")[2],
    )
    return Status(
        name=ledger.name,
        metric=settings.metric,
        direction=settings.direction,
        priority=settings.priority,
        slots=budget.total,
        done=budget.done,
        stopped=ledger.slots.control.stopped(),
        over=over,
        unpruned=_why_unpruned(ledger, unpruned),
        epochs=spent.epochs,
        hours=spent.hours,
        most_epochs=spent.most_epochs,
        most_hours=spent.most_hours,
        trials={
            **{count_name(outcome): count[outcome] for outcome in Outcome},
            "running": running,
            "waiting": budget.open,
        },
        left=sentence(left) if left else None,
        added=added,
        best=best,
        limits=tuple(map(str, limits_of(settings.limits))),
        broken=broken,
        parallel=() if over else parallel.sentences(),
    )


def _why_unpruned(ledger: Ledger, told: str | None) -> str | None:
    """Say why the default pruner stops nothing, by the trainer section or by what a trial was told."""
    if ledger.definition.pruner is not None:
        return None
    return TrialLength.of(ledger.definition.fixed).why_unpruned or told


def limits_in_words(status: Status) -> str:
    """Say which limits a study has, and how many of its completed trials break one."""
    broken = f"{status.broken} of {status.trials[count_name(Outcome.COMPLETED)]} completed trials break one"
    return f"limits: {', '.join(status.limits)}; {broken}"
