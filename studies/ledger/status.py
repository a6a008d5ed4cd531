"""How far a study is, as a value that every screen shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studies.definition.length import TrialLength
from studies.definition.limits import limits_of
from studies.ledger.absent import sentence
from studies.ledger.ledger import Ledger
from studies.trials.attributes import without_continued
from studies.trials.outcomes import Outcome, count_name, outcome_of
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
        }


def status_of(ledger: Ledger) -> Status:
    """Look how far a study is."""
    trials, budget = ledger.trials(), ledger.slots.budget()
    records = list(map(TrialRecord.of, trials))
    settings, spent, left = ledger.definition.settings, ledger.slots.control.spent(), ledger.left()
    # One that went on counts as what became of it.
    count = Counter(map(outcome_of, without_continued(trials, Outcome.PAUSED.value)))
    running = count.pop(None, 0) - len(left)
    count[Outcome.LOST] += len(left)
    return Status(
        name=ledger.name,
        metric=settings.metric,
        direction=settings.direction,
        priority=settings.priority,
        slots=budget.total,
        done=budget.done,
        stopped=ledger.slots.control.stopped(),
        over=ledger.over(),
        unpruned=_why_unpruned(ledger, records),
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
        added=ledger.added(),
        best=ledger.best(),
        limits=tuple(map(str, limits_of(settings.limits))),
        broken=sum(record.outcome is Outcome.COMPLETED and bool(record.broken) for record in records),
    )


def _why_unpruned(ledger: Ledger, records: Sequence[TrialRecord]) -> str | None:
    """Say why the default pruner stops nothing, by the trainer section or by what a trial was told."""
    if ledger.definition.pruner is not None:
        return None
    known = TrialLength.of(ledger.definition.fixed).why_unpruned
    return known or next(filter(None, (record.unpruned for record in reversed(records))), None)


def limits_in_words(status: Status) -> str:
    """Say which limits a study has, and how many of its completed trials break one."""
    broken = f"{status.broken} of {status.trials[count_name(Outcome.COMPLETED)]} completed trials break one"
    return f"limits: {', '.join(status.limits)}; {broken}"
