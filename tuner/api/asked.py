"""A trial that a program trains by itself: its values, the scores that it reports, the answer to each."""

import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from math import isnan
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from studies.definition.limits import kept_metrics
from studies.ledger.ledger import Ledger
from studies.running.trial import RunningTrial
from studies.trials.attributes import is_count
from studies.trials.outcomes import Outcome
from tuner.errors import Refused
from tuner.training.assignment import Assignment, finite
from tuner.training.configuration.class_paths import PACKAGES
from tuner.training.ends import Ending
from tuner.training.fitting.observer import observer_class
from tuner.workers.desk import objective_of
from tuner.workers.events import unseen
from tuner.workers.worker import GRACE, TrialLine, renewed

if TYPE_CHECKING:
    from tuner.api.asking import Asking


class AskedTrial:
    """A trial that `Study.ask` has given, to be trained here and told by `Study.tell`.

    While it lives its slot is renewed. One that is forgotten, or whose process dies, frees its slot within a
    minute, and the next that is asked for has its values. As a context manager it tells by itself, an error
    too.

    Attributes:
        number: its number in the study.
        slot: the number of the slot that it is an attempt at.
        values: a value of each of its parameters.
        seed: of everything random in the training, if that shall be like a worker's.
        configuration: what LightningCLI would be given, of a study that names a module.
        scores: what it has reported, by step.
        metrics: what is kept beside its score, by name; the program writes it where no callback does.
    """

    def __init__(self, study: "Asking", running: RunningTrial) -> None:
        """Take a trial that has begun, and hold its slot."""
        self._study, self._running = study, running
        self._objective = objective_of(study.ledger.definition)
        self._stop = threading.Event()
        self._line = TrialLine(study.ledger, unseen, [running], self._stop, GRACE)
        self._holding = ExitStack()
        self._holding.enter_context(renewed(study.ledger, running, self._stop))
        self._observer: Any = None
        self.number, self.slot, self.seed = running.number, running.slot.number, running.seed
        self.values: Mapping[str, Value] = dict(running.values)
        self.configuration: Mapping[str, Any] = running.configuration
        self.scores: dict[int, float] = {}
        settings = study.ledger.definition.settings
        self.kept = kept_metrics(settings.keep_metrics, settings.limits)
        self.metrics: dict[str, float] = {}
        self.is_stopped = False
        self.diverged = ""  # why its training is of no use any more
        self.told: str | None = None  # how it ended, in words

    def __getitem__(self, name: str) -> Value:
        """Give the value of a parameter.

        Raises:
            Refused: the trial has none of that name.
        """
        if name not in self.values:
            raise Refused(f"Trial {self.number} has no value of {name!r}; it has {', '.join(self.values)}.")
        return self.values[name]

    def report(self, score: float, step: int | None = None) -> bool:
        """Report a score, and hear whether to stop: it is pruned, diverged, or its study is to leave.

        Args:
            score: a value of the study's metric; one that is no finite number, or beyond the study's bound,
                ends the trial as diverged, whatever comes behind it.
            step: which it is, counted from 1; by default the next.

        Raises:
            Refused: it was told before, the score is no number, or the step is not behind the last.
        """
        self.refuse_told()
        score = as_number(score)
        last = max(self.scores, default=0)
        step = last + 1 if step is None else step
        if not is_count(step) or step <= last:
            raise Refused(
                f"Trial {self.number} reports step {step!r} behind step {last}; steps are whole numbers from "
                "1, each greater than the one before."
            )
        self.diverged = self.diverged or self._objective.divergence(score, f"at step {step}")
        if self.diverged:
            return True
        self.scores[step] = score
        # One that would pause is stopped: who could take it up again, where nobody knows its state?
        self.is_stopped = bool(self._line.scored(0, step, score)) or self.is_stopped
        return self.is_stopped or self.is_left

    @property
    def is_left(self) -> bool:
        """Whether the study was stopped, and its slot shall be free again."""
        return self._stop.is_set()

    @property
    def score(self) -> float | None:
        """The score made of what was reported, the best or the last as the study says."""
        return self._objective.score_of([*self.scores.values()])

    def callback(self, package: str | None = None) -> Any:
        """Give a callback for the Trainer of Lightning, which reports each validation and stops the training.

        It takes the study's metric where a worker would: one that is logged in validation, or for whole
        epochs.

        Args:
            package: `"lightning.pytorch"` or `"pytorch_lightning"`; by default the former where it is
                imported.
        """
        self.refuse_told()
        chosen = package or next((name for name in PACKAGES[::-1] if name in sys.modules), PACKAGES[0])
        if chosen not in PACKAGES:
            raise Refused(f"package must be {' or '.join(PACKAGES)}, but got {package!r}.")
        module = {
            "class_path": f"{chosen}.LightningModule"
        }  # says which Lightning, and nothing is made of it
        assignment = Assignment({"model": module}, self.seed, self._objective, metrics=self.kept)
        self._observer = observer_class(chosen)(
            assignment,
            lambda step, score: self.report(score, step),
            lambda _: None,
            lambda: 0.0 if self.is_left else None,
            lambda size: self._line.sized(0, size),
        )
        self.metrics = self._observer.beside.values
        return self._observer

    def measured(self) -> dict[str, float | None]:
        """Give the metrics that are kept beside its score, as far as the program has written them.

        Raises:
            Refused: one is no number.
        """
        written = [name for name in self.kept if name in self.metrics]
        return finite({name: as_number(self.metrics[name], f"trial.metrics[{name!r}]") for name in written})

    def judge(self, score: float) -> None:
        """Take the score that it is told with, by which it may have diverged.

        Raises:
            Refused: it has not diverged before, and the score is no number that can be compared.
        """
        self.diverged = self.diverged or self._objective.divergence(as_score(score), "at the end")

    def outcome(self) -> Outcome:
        """Say how it ended, as far as its reports tell."""
        ending = None if self._observer is None else self._observer.ending
        if self._observer is not None and ending is Ending.DIVERGED:
            self.diverged = self._observer.cause
        if self.diverged:
            return Outcome.DIVERGED
        if self.is_left or ending is Ending.INTERRUPTED:
            return Outcome.PREEMPTED
        return Outcome.PRUNED if self.is_stopped else Outcome.COMPLETED

    def refuse_told(self) -> None:
        """Refuse what comes behind its end.

        Raises:
            Refused: it was told.
        """
        if self.told is not None:
            raise Refused(
                f"Trial {self.number} of {self._study.ledger.name!r} was told before, {self.told}, which "
                "stays; ask for another."
            )

    def release(self, told: str) -> RunningTrial:
        """Hold its slot no longer; `told` says how it ended."""
        self.told = told
        self._holding.close()
        return self._running

    @property
    def ledger(self) -> Ledger:
        """The study that it is of."""
        return self._study.ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.told is None:
            self._study.tell_end(self, error)

    def __del__(self) -> None:
        if getattr(self, "told", "") is None:
            self._holding.close()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={show_value(value)}" for name, value in self.values.items())
        return f"<trial {self.number} of {self._study.ledger.name}: {shown}>"


def as_number(given: object, what: str = "A score") -> float:
    """Give a number as a float; one of numpy, or a tensor of one value, is taken too.

    Args:
        given: whatever it is.
        what: the words for it that begin a sentence.

    Raises:
        Refused: it is no number, or one that no float can hold.
    """
    try:
        if not isinstance(given, str | bytes | bool | None):
            return float(given)  # type: ignore[arg-type] # whatever it is
    except OverflowError:
        most = f"{sys.float_info.max:.2g}"
        raise Refused(f"{what} must lie between -{most} and {most}, where floats end.") from None
    except (TypeError, ValueError, RuntimeError):
        pass
    raise Refused(f"{what} must be a number, but got {given!r}.")


def as_score(score: object) -> float:
    """Give the score of a completed trial.

    Raises:
        Refused: it is no number, or none that can be compared.
    """
    number = as_number(score)
    if isnan(number) or abs(number) == float("inf"):
        raise Refused(
            f"A score must be a finite number, but got {number}; say Study.tell(trial, outcome='diverged') "
            "if the training diverged."
        )
    return number
