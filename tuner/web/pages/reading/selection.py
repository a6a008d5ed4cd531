"""Which trials of a study are meant: filtered, ordered, and a page of them."""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass

from studies.ledger.following import Lines, TrialLine
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tuner.web.known.studies import KnownStudy
from tuner.web.pages.reading.asked import ROWS, RUNNING, Asked


@dataclass(frozen=True)
class Selection:
    """The trials that are meant, in their order; `page` is the part of them that is shown, of `pages`."""

    all: Sequence[TrialLine]
    page: Sequence[TrialLine]
    number: int
    pages: int


def select(known: KnownStudy, lines: Lines, asked: Asked) -> Selection:
    """Choose the trials of a study that were asked for; a page behind the last one is the last one."""
    found: Sequence[TrialLine] = lines.all
    if asked.top is not None or asked.order == "best":
        found = ranked(lines, minimizes=known.minimizes)
    if asked.outcome is not None:
        meant = None if asked.outcome == RUNNING else Outcome(asked.outcome)
        left = known.left(lines)
        found = [line for line in found if outcome_of(line, left) is meant]
    for name, option in asked.branches:
        column = known.following.values_of(name)
        found = [line for line in found if line.key in column and str(column[line.key]) == option]
    if asked.top is not None:
        found = found[: asked.top]
    if asked.order != "best":
        found = sorted(found, key=lambda line: line.number, reverse=asked.order == "newest")
    pages = max(1, -(-len(found) // ROWS))
    number = min(asked.page, pages)
    return Selection(found, found[(number - 1) * ROWS : number * ROWS], number, pages)


def outcome_of(line: TrialLine, left: Container[int]) -> Outcome | None:
    """Say how a trial ended; one whose worker left it is lost, whatever the database says of it."""
    return Outcome.LOST if line.outcome is None and line.number in left else line.outcome


def ranked(lines: Lines, *, minimizes: bool) -> list[TrialLine]:
    """Put the completed trials first, by their scores, and behind them all others in the order of time."""
    best = list(lines.ranked(minimizes=minimizes))
    first = {line.key for line in best}
    return best + [line for line in lines.all if line.key not in first]


def as_record(line: TrialLine) -> TrialRecord:
    """Give a line as a record with its score only, for figures that show nothing else."""
    is_completed = line.outcome is Outcome.COMPLETED
    return TrialRecord(
        number=line.number,
        slot=line.slot,
        attempt=line.attempt,
        values={},
        outcome=line.outcome,
        score=line.score if is_completed else None,
        curve={} if is_completed or line.score is None else {1: line.score},
        violations=dict.fromkeys(line.broken, math.inf),  # by how much is not read
    )
