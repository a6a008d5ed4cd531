"""What became of the trials by how they were proposed: is the search better than exploring at random?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from scipy.stats import bootstrap, rankdata, spearmanr

from studies.definition.settings import StudySettings
from studies.proposing.expected_ends import expected_ends
from studies.proposing.proposer import Origin
from studies.trials.record import TrialRecord, furthest_attempts

EXPLORED = frozenset({Origin.EXPLORATION.value, Origin.DEFAULTS.value})
SEARCHED = frozenset({Origin.PRIOR.value, Origin.SAMPLER.value, Origin.MODEL.value})
FEWEST = 8  # trials of either kind, from which on they are compared
BEST = 10  # trials, of which is told who proposed them
RESAMPLES = 2000
COVERAGE = 0.9
EVEN = 0.5  # of the pairs: as often better as worse
_NAMES = {
    Origin.DEFAULTS.value: "the defaults",
    Origin.EXPLORATION.value: "exploration, quasi-random",
    Origin.PRIOR.value: "the priors",
    Origin.SAMPLER.value: "the sampler",
    Origin.MODEL.value: "the joint model",
    Origin.CANDIDATE.value: "candidates of another study",
}


@dataclass(frozen=True)
class Proposed:
    """What became of the trials of one origin.

    Attributes:
        name: of the origin, in words.
        trials: how many slots.
        validations: trained for them.
        ended: how many of them ran to their end.
        leading: how many of them are among the `BEST` of the study, by their expected ends.
        best: the best score of them; None where none has one.
    """

    name: str
    trials: int
    validations: int
    ended: int
    leading: int
    best: float | None


@dataclass(frozen=True)
class Proposals:
    """What became of the trials of each origin, and how those of the search compare with the quasi-random.

    Attributes:
        rows: one for each origin, in the order of `Origin`.
        repeats: validations that were trained again to confirm the best.
        better: of all pairs of a trial that the search proposed and one that explored, in which share the
            former has the better expected end, ties counted half (Mann and Whitney 1947); with its 90 %
            interval over resampled trials. None where either has fewer than `FEWEST`.
        foretold: rank correlation (Spearman) of the scores that the model expected with those that came, and
            of how many trials; None where fewer than `FEWEST` have both.
    """

    rows: Sequence[Proposed]
    repeats: int
    better: tuple[float, float, float] | None
    foretold: tuple[float, int] | None

    @property
    def validations(self) -> int:
        """All that were trained, repeats included."""
        return sum(row.validations for row in self.rows) + self.repeats

    def in_words(self) -> list[str]:
        """Say whether the search earned what it cost, in sentences."""
        said = []
        if self.better is not None:
            share, low, high = self.better
            verdict = (
                "so the search was better than exploring"
                if low > EVEN
                else "so the search was worse than exploring"
                if high < EVEN
                else "which does not show that the search was better than exploring"
            )
            said.append(
                f"A trial that the search proposed ends better than a quasi-random one in {share:.0%} of "
                f"their pairs ({100 * low:.0f} to {100 * high:.0f}), {verdict}."
            )
        if self.foretold is not None:
            correlation, count = self.foretold
            said.append(
                f"The scores that the model expected agree with those that came by a rank correlation of "
                f"{correlation:.2f}, over {count} trials."
            )
        return said

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        return {
            "origins": [vars(row) for row in self.rows],
            "repeats": self.repeats,
            "better": None
            if self.better is None
            else dict(zip(("share", "low", "high"), self.better, strict=True)),
            "foretold": None
            if self.foretold is None
            else {"rank_correlation": self.foretold[0], "trials": self.foretold[1]},
            "sentences": self.in_words(),
        }


def proposals_of(
    records: Sequence[TrialRecord], settings: StudySettings, *, repeats: int = 0
) -> Proposals | None:
    """Look what became of the trials of a study by how they were proposed.

    Args:
        records: its trials, in any order.
        settings: of the study.
        repeats: validations that were trained again to confirm the best.

    Returns:
        None where no trial says how it was proposed.
    """
    origins = _origins(records)
    kept = [record for record in furthest_attempts(records) if record.slot in origins]
    if not kept:
        return None
    ends = expected_ends(kept, settings)
    finite = sorted((loss, number) for number, loss in ends.items() if isfinite(loss))
    leading = {number for _, number in finite[:BEST]}
    rows = []
    for origin in (each.value for each in Origin):
        mine = [record for record in kept if origins[record.slot] == origin]
        if mine:
            scored = [record for record in mine if record.score is not None]
            # One that breaks a limit is never the best, and `expected_ends` has it end as the worst.
            scores = [record.score for record in scored if record.score is not None and not record.broken]
            best = (min if settings.direction == "minimize" else max)(scores, default=None)
            rows.append(
                Proposed(
                    _NAMES[origin],
                    len(mine),
                    sum(map(_validations, mine)),
                    len(scored),
                    sum(record.number in leading for record in mine),
                    best,
                )
            )
    searched, explored = (
        np.array([ends[each.number] for each in kept if origins[each.slot] in kind and each.number in ends])
        for kind in (SEARCHED, EXPLORED)
    )
    return Proposals(rows, repeats, _better(searched, explored), _foretold(records, kept))


def _validations(record: TrialRecord) -> int:
    """Count those that were trained; each training of a trial (`study.repeats`) is as long as the first."""
    return max(record.curve, default=0) * max(len(record.repeats), 1)


def _origins(records: Sequence[TrialRecord]) -> Mapping[int | None, str]:
    """Give the origin of each slot: that of its first attempt, since a later one goes on with its values."""
    found: dict[int | None, str] = {}
    for record in sorted(records, key=lambda record: record.number):
        if record.slot is not None and record.origin in _NAMES:
            found.setdefault(record.slot, record.origin)
    return found


def _better(searched: np.ndarray, explored: np.ndarray) -> tuple[float, float, float] | None:
    if min(len(searched), len(explored)) < FEWEST:
        return None
    # Ranks take a diverged trial as the worst, and several of them as alike.
    ranks = rankdata(np.r_[searched, explored])

    def share(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.mean(np.sign(other[None, :] - one[:, None]) / 2 + 0.5))

    mine, theirs = ranks[: len(searched)], ranks[len(searched) :]
    interval = bootstrap(
        (mine, theirs),
        share,
        n_resamples=RESAMPLES,
        vectorized=False,
        confidence_level=COVERAGE,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return share(mine, theirs), float(interval.low), float(interval.high)


def _foretold(records: Sequence[TrialRecord], kept: Sequence[TrialRecord]) -> tuple[float, int] | None:
    """Compare scores with what was expected, which the attempt says that was proposed."""
    expected = {
        (record.slot, *sorted(record.values.items())): record.expected
        for record in records
        if record.expected is not None
    }
    pairs = [
        (expected[key], record.score)
        for record in kept
        if (key := (record.slot, *sorted(record.values.items()))) in expected and record.score is not None
    ]
    pairs = [pair for pair in pairs if isfinite(pair[0]) and isfinite(pair[1])]
    if len(pairs) < FEWEST:
        return None
    correlation = float(spearmanr(*zip(*pairs, strict=True)).statistic)
    return (correlation, len(pairs)) if isfinite(correlation) else None
