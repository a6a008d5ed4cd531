"""What a trial's training facts say in words: unstable, near the edge, too slow, overfitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Where the words begin; measured on scikit-learn's digits over six decades of lr (docs/benchmarks.md).
SPIKES = 3  # steps whose loss stood out
PAST = 0.05  # mean cosine between an update and the next gradient: beyond it, steps go past the bottom
SHORT = -0.15  # below it, the next gradient still points the same way
WORSENED = 0.1  # share by which the last validation is worse than the best one
TINY = 1e-5  # of the weights' length, an update that changes nothing in thousands of steps


@dataclass(frozen=True)
class Finding:
    """One word about a training, and the sentence with the numbers behind it."""

    word: str
    why: str


def diagnose(
    facts: Mapping[str, float], scores: Sequence[float], *, metric: str, minimizes: bool = True
) -> tuple[Finding, ...]:
    """Say what the facts of a training mean; nothing where nothing stands out.

    Args:
        facts: what the training observed, by name; any of them may be absent.
        scores: the metric at each validation.
        metric: its name, for the sentence.
        minimizes: whether a lower score is better.
    """
    found = [_stability(facts), _speed(facts), _overfitting(facts, scores, metric, minimizes=minimizes)]
    return tuple(finding for finding in found if finding is not None)


def _stability(facts: Mapping[str, float]) -> Finding | None:
    spikes, overshoot = facts.get("loss_spikes", 0.0), facts.get("overshoot", 0.0)
    if spikes >= SPIKES:
        return Finding(
            "unstable",
            f"the training loss jumped up {spikes:.0f} times; a lower learning rate, a longer warm-up or a "
            "clipped gradient calms it.",
        )
    if overshoot > PAST:
        return Finding(
            "near the edge",
            f"steps go past the bottom (cosine of an update and the gradient behind it: {overshoot:.2f}), so "
            "a larger learning rate would soon diverge.",
        )
    return None


def _speed(facts: Mapping[str, float]) -> Finding | None:
    overshoot, ratio = facts.get("overshoot", 0.0), facts.get("update_ratio", 1.0)
    if ratio < TINY:
        return Finding(
            "too slow",
            f"a step changes the weights by {ratio:.1g} of their length, so they hardly leave where they "
            "began; raise the learning rate.",
        )
    if overshoot < SHORT:
        return Finding(
            "too slow",
            f"behind a step the gradient still points the same way (cosine {overshoot:.2f}), and the loss "
            f"fell by {facts.get('loss_fall', 0.0):.0%} in the last fifth; a larger learning rate or more "
            "epochs would help.",
        )
    return None


def _overfitting(
    facts: Mapping[str, float], scores: Sequence[float], metric: str, *, minimizes: bool
) -> Finding | None:
    if len(scores) < 2:  # noqa: PLR2004 - one validation has no course
        return None
    best = min(scores) if minimizes else max(scores)
    loss = (scores[-1] - best) * (1 if minimizes else -1)
    if best == 0 or loss <= WORSENED * abs(best):
        return None
    gap = f", {facts['gap']:+.3g} from training" if "gap" in facts else ""
    epoch = scores.index(best) + 1
    return Finding(
        "overfits",
        f"{metric} was best at validation {epoch} ({best:.4g}) and ended at {scores[-1]:.4g}{gap}; more "
        "regularization or fewer epochs would help.",
    )
