"""A view with a method for each event, for tests that do something at one of them."""

from studies.trials.outcomes import Outcome
from tuner.workers.events import Event, ShownTrial, TrialEnded, TrialScored, TrialStarted, Waiting


class Watching:
    """Hears every event, and does nothing."""

    def __call__(self, event: Event) -> None:
        """Call the method of the event."""
        match event:
            case TrialStarted(trial):
                self.started(trial)
            case TrialScored(trial, step, score):
                self.scored(trial, step, score)
            case TrialEnded(trial, outcome, score):
                self.ended(trial, outcome, score)
            case Waiting():
                self.waiting()

    def started(self, running: ShownTrial) -> None:
        """Hear of a trial that has begun."""

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Hear of one validation."""

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Hear of a trial that has ended."""

    def waiting(self) -> None:
        """Hear that other workers hold the last slots."""
