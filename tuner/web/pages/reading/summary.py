"""A study in a few values, as the list of studies and the head of its page show it: nothing but `Status`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from studies.ledger.following import Lines
from studies.ledger.status import Status
from studies.running.confirmation import Candidate
from studies.trials.outcomes import Outcome, count_name
from studies.trials.record import TrialRecord
from tuner.web.known.studies import Known, KnownStudy
from tuner.web.pages.reading.selection import as_record


@dataclass(frozen=True)
class Summary:
    """How far a study is.

    `status` is None for a study without slots. `counts` are of every outcome that there is, and of running
    trials. `candidates` are its best trials on fresh seeds, the best first, where they were trained again.
    `began` and `last` are when its first trial began and when its newest one began or ended.
    """

    study: KnownStudy
    lines: Lines
    status: Status | None
    counts: Sequence[tuple[Outcome | None, int]]
    best: TrialRecord | None
    candidates: Sequence[Candidate]
    began: datetime | None
    last: datetime | None

    @property
    def state(self) -> str:
        """Say in a word or two what the study does."""
        if self.status is None:
            return "running" if self.lines.running else "another program's"
        if self.status.done >= self.status.slots:
            return "complete"
        if self.status.over is not None:
            return "stopped"
        return "running" if self.status.trials["running"] else "waiting for workers"


def summary_of(known: Known, study: KnownStudy) -> Summary:
    """Look how far a study is."""
    lines = study.lines()
    status = study.status(lines)
    trials: Mapping[str, int] = {} if status is None else status.trials
    counted = [
        (outcome, trials.get(count_name(outcome), lines.counts[outcome]) if status else lines.counts[outcome])
        for outcome in Outcome
    ]
    running = lines.counts[None] if status is None else trials["running"]
    best = [as_record(line) for line in lines.ranked(minimizes=study.minimizes)[:1]]
    times = [line.began for line in lines.all[:1]]
    recent = [moment for line in lines.all[-200:] for moment in (line.began, line.ended) if moment]
    return Summary(
        study,
        lines,
        status,
        [(outcome, count) for outcome, count in [(None, running), *counted] if count],
        best[0] if best else None,
        known.candidates(study, lines),
        times[0] if times else None,
        max(recent, default=None),
    )
