"""The later trainings of a trial that is trained several times, each on another seed or another fold.

The first training is the trial's curve, by which it is pruned and paused. The later ones run to their ends,
and between two of them the race decides.
"""

from collections.abc import Mapping

from optuna.exceptions import UpdateFinishedTrialError

from studies.definition.length import TrialLength
from studies.proposing.racing import race
from studies.proposing.stop_rule import GO_ON, Action, Decision
from studies.running.trainings.done import Training
from studies.running.trial import RunningTrial, carry_on
from studies.trials.record import TrialRecord


def take_up(running: RunningTrial) -> None:
    """Record the curve of the first training, where an earlier attempt has completed it."""
    if running.trainings.taken:
        carry_on(running, running.trainings.curve)


def measure_later(running: RunningTrial, length: TrialLength) -> tuple[int, ...]:
    """Take up how long a training is, if none of this attempt has told it; no validation decides."""
    if running.trainings.next == running.trainings.taken:
        running.reports.measure(length)
    return ()


def carry_on_later(running: RunningTrial, scores: Mapping[int, float]) -> None:
    """Go on behind the scores of an earlier attempt, whose epochs are paid."""
    running.trainings.paid = max(scores, default=0)


def pay_later(running: RunningTrial, step: int) -> None:
    """Count the epochs up to a validation of a later training."""
    length, trainings = running.reports.length, running.trainings
    running.reports.further += max(0.0, length.epochs_at(step) - length.epochs_at(trainings.paid))
    trainings.paid = step


def complete(running: RunningTrial, score: float, metrics: Mapping[str, float | None]) -> Decision:
    """Note that a training of a trial is completed, and say whether the next one begins.

    What is done is stored at once, so that whoever goes on with the trial does not train it again.
    """
    trainings, reports = running.trainings, running.reports
    trainings.done.append(Training(score, dict(metrics)))
    trainings.paid = 0
    if trainings.next == trainings.repetition.count:
        return GO_ON

    def decide() -> Decision:
        record = TrialRecord.of(reports.own.get_trial(running.identifier))
        return race(reports.history(), record, trainings.scores)

    try:
        return reports.note(trainings.told(), decide)
    except (UpdateFinishedTrialError, KeyError):  # its slot was given away, or its study has been deleted
        return Decision(Action.STOP, "another worker has its slot")
