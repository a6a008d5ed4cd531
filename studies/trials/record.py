"""One trial of a study as a value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import stdev
from typing import Any, Self, TypeVar

from optuna.trial import FrozenTrial, TrialState

from search_spaces.space.nodes import Value
from studies.trials import attributes
from studies.trials.attributes import as_number, is_count
from studies.trials.outcomes import Outcome, outcome_of, violations_of

T = TypeVar("T")


@dataclass(frozen=True)
class TrialRecord:
    """A trial, as it stands in the database.

    Its attributes may have been written by anyone: one that is missing or of another kind is None.

    Attributes:
        number: its number in its study.
        slot: the slot that it is an attempt at; None for a trial that another program has added.
        attempt: which attempt at the slot it is, counted from 1.
        values: what was suggested, by the names of the parameters.
        outcome: how it ended; None while it runs.
        score: the score of a completed trial.
        curve: the score of each validation, by its number, which counts from 1.
        explores: whether its values are quasi-random.
        origin: how its values were proposed; `why` says more where there is more to say.
        expected: the score that a model expected of it.
        earlier: the number of the attempt before.
        space_version: the version of the space that it was asked under, counted from 1.
        validations: how many it has that runs to its end, where it has told so.
        seconds: how long it took.
        unpruned: why the default pruner could not stop it.
        worker: who trained it: host, process and a token.
        cause, traceback: why it ended as it did, of one that did not complete.
        anew: why it did not go on from the checkpoint of an earlier attempt.
        configuration: what LightningCLI was given.
        facts: numbers by which its training can be judged; `facts_missing` says why some are missing.
        weights: where its weights were kept, and their digest.
        logs: the folder that its log was written to.
        folder: the folder in which it went on, of an earlier attempt.
        threads: torch's, on which the last digits of sums depend.
        metrics: further metrics as they were at the score, by name.
        repeats: the scores of its trainings that are done, of one that is trained several times.
        violations: by how much it lies beyond its study's limits, in shares of them, by their metrics; 0 and
            less keeps one.
        is_killed: its training was killed, and not its worker.
    """

    number: int
    slot: int | None
    attempt: int | None
    values: Mapping[str, Value]
    outcome: Outcome | None
    score: float | None
    curve: Mapping[int, float]
    explores: bool = False
    origin: str | None = None
    why: str | None = None
    expected: float | None = None
    earlier: int | None = None
    space_version: int = 1
    validations: int | None = None
    seconds: float | None = None
    unpruned: str | None = None
    worker: str | None = None
    cause: str | None = None
    traceback: str | None = None
    anew: str | None = None
    configuration: Mapping[str, Any] | None = None
    facts: Mapping[str, float] | None = None
    facts_missing: Mapping[str, Any] | None = None
    weights: Mapping[str, Any] | None = None
    logs: str | None = None
    folder: str | None = None
    threads: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    repeats: Sequence[float] = ()
    violations: Mapping[str, float] = field(default_factory=dict)
    is_killed: bool = False

    @classmethod
    def of(cls, trial: FrozenTrial, *, slot: int | None = None) -> Self:
        """Read a trial of Optuna's; one that no ledger counts is taken as an attempt at `slot`."""
        told, outcome = trial.user_attrs, outcome_of(trial)

        def read(key: str, kind: type[T]) -> T | None:
            value = told.get(key)
            return value if isinstance(value, kind) else None

        def count(key: str) -> int | None:
            value = told.get(key)
            return value if is_count(value) else None

        def number(key: str) -> float | None:
            return as_number(told.get(key))

        earlier = count(attributes.EARLIER)
        facts = read(attributes.FACTS, dict)
        return cls(
            number=trial.number,
            slot=count(attributes.SLOT) if slot is None else slot,
            attempt=count(attributes.ATTEMPT),
            values=trial.params,
            outcome=outcome,
            score=trial.value if outcome is Outcome.COMPLETED else None,
            curve=dict(sorted(trial.intermediate_values.items())),
            explores=bool(read(attributes.EXPLORATION, bool)),
            origin=read(attributes.ORIGIN, str),
            why=read(attributes.WHY, str),
            expected=number(attributes.EXPECTED),
            earlier=earlier if earlier is not None and earlier < trial.number else None,
            space_version=count(attributes.SPACE_VERSION) or 1,
            validations=count(attributes.VALIDATIONS),
            seconds=number(attributes.SECONDS),
            unpruned=read(attributes.UNPRUNED, str),
            worker=read(attributes.WORKER, str),
            cause=read(attributes.CAUSE, str),
            traceback=read(attributes.TRACEBACK, str),
            anew=read(attributes.ANEW, str),
            configuration=read(attributes.CONFIGURATION, dict),
            facts=None
            if facts is None
            else {name: fact for name, fact in facts.items() if as_number(fact) is not None},
            facts_missing=read(attributes.FACTS_MISSING, dict),
            weights=read(attributes.WEIGHTS, dict),
            logs=read(attributes.LOGS, str),
            folder=read(attributes.FOLDER, str),
            threads=count(attributes.THREADS),
            metrics={
                name: known
                for name, value in (read(attributes.METRICS, dict) or {}).items()
                if (known := as_number(value)) is not None
            },
            repeats=tuple(
                score
                for each in read(attributes.REPEATS, list) or ()
                if isinstance(each, Mapping) and (score := as_number(each.get("score"))) is not None
            ),
            violations=violations_of(trial),
            is_killed=attributes.KILLED in told and trial.state is TrialState.FAIL,
        )

    @property
    def broken(self) -> tuple[str, ...]:
        """The metrics whose limits it breaks; such a trial is never the best."""
        return tuple(name for name, beyond in self.violations.items() if beyond > 0)

    @property
    def spread(self) -> float | None:
        """The standard deviation of the scores of its trainings; None for fewer than two."""
        return stdev(self.repeats) if len(self.repeats) > 1 else None

    @property
    def last_training(self) -> int:
        """The number of its last training that is done, counted from 0; the weights of that one are kept."""
        return max(0, len(self.repeats) - 1)

    @property
    def last(self) -> float | None:
        """The score of its last validation; None where it has none."""
        return self.curve[max(self.curve)] if self.curve else None

    @property
    def shown_score(self) -> float | None:
        """Its score, or that of its last validation where it has none."""
        return self.last if self.score is None else self.score

    def best_validation(self, *, minimizes: bool) -> int | None:
        """Give the number of the validation with the best score, the first among equals."""
        return (min if minimizes else max)(self.curve, key=lambda step: self.curve[step], default=None)


def repeats_in_words(record: TrialRecord) -> str:
    """Write the scores of the trainings of a trial, and how far they spread."""
    spread = "" if record.spread is None else f", standard deviation {record.spread:.3g}"
    return f"mean of {' '.join(f'{score:.5g}' for score in record.repeats)}{spread}"


def kept_in_words(record: TrialRecord) -> str:
    """Write the metrics that a trial has kept, each with a remark where it breaks a limit."""
    return ", ".join(
        f"{name} {value:.6g}" + (" (breaks its limit)" if name in record.broken else "")
        for name, value in record.metrics.items()
    )


def furthest_attempts(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Keep of the attempts at a slot that have the same values the one that went furthest, a later one first.

    Trials that another program added are kept, each.
    """
    kept: dict[object, TrialRecord] = {}
    for record in records:
        key: object = record.number
        if record.slot is not None:
            key = (record.slot, *sorted(record.values.items()))
        before = kept.get(key)
        if before is None or max(record.curve, default=0) >= max(before.curve, default=0):
            kept[key] = record
    return list(kept.values())
