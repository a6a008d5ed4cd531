"""What the best configuration scored on the test part of the data, beside the best constant answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studies.running.confirmation import Recommendation

TESTED = "tuner:test"  # attribute of the study: the number of the trial tested, its scores, a baseline
ERROR, ABSOLUTE = "test_error", "test_mae"  # as our modules call what a baseline can be held against


@dataclass(frozen=True)
class TestScores:
    """Scores on the test part by their names.

    `baseline` is plain data that the training side has written: of classes the most frequent one, `answer`,
    and its `error`, of a quantity the mean absolute error `mae` of its median; None where the targets were
    not understood.
    """

    __test__ = False  # no test, whatever it is called

    scores: Mapping[str, float]
    baseline: Mapping[str, Any] | None = None

    def in_words(self) -> tuple[str, ...]:
        """Say the scores, and how they stand to the baseline, in sentences."""
        if not self.scores:
            return ()
        listed = ", ".join(f"{name} {value:.4g}" for name, value in self.scores.items())
        return (f"On the test part, which no trial has seen: {listed}.", *self.beside)

    @property
    def beside(self) -> tuple[str, ...]:
        """Say what the best constant answer scores, and how the best configuration stands to it."""
        known = self.baseline or {}
        if "error" in known:
            said = f"Always answering {known['answer']} errs in {known['error']:.2%} of these samples"
            return (f"{said}{_compared(self.scores.get(ERROR), known['error'])}.",)
        if "mae" in known:
            said = f"Always answering the median is off by {known['mae']:.4g} on average"
            return (f"{said}{_compared(self.scores.get(ABSOLUTE), known['mae'])}.",)
        return ()


def _compared(score: float | None, baseline: float) -> str:
    if score is None:
        return ""
    if score >= baseline:
        return "; the best configuration does no better than that"
    return f"; the best configuration errs {1 - score / baseline:.0%} less than that" if baseline > 0 else ""


def test_scores(choice: Recommendation) -> TestScores:
    """Give what the test part of the data said of a trial; nothing if it has not been asked."""
    kept = choice.ledger.study.user_attrs.get(TESTED)
    if kept is None or kept["trial"] != choice.trial.number:
        return TestScores({})
    return TestScores(dict(kept["scores"]), kept.get("baseline"))
