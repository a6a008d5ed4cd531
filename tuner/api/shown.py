"""Values of a study that draw themselves, in a terminal and in a notebook."""

from dataclasses import fields

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.importance import Contribution
from studies.analysis.shares.intervals import Estimate
from studies.analysis.shares.tree import show_when, tree_of
from studies.analysis.words import no_interaction, what_is_missing
from studies.ledger.status import Status
from studies.report.tested import test_scores
from studies.running.confirmation import Recommendation
from studies.trials.outcomes import in_words
from tuner.results.summary import print_best
from tuner.terminal.markup import Shown
from tuner.terminal.printable import one_line
from tuner.terminal.screen import print_table

ROWS = 15
_LEAST = 0.005  # of a share that is shown


class Best(Recommendation, Shown):
    """The trial that a study recommends."""

    @classmethod
    def of(cls, given: Recommendation) -> "Best":
        """Take a recommendation."""
        return cls(given.ledger, given.trial, given.candidate)

    def draw(self, screen: Console) -> None:
        """Print its scores, and what sets it apart from the defaults."""
        print_best(screen, self, test_scores(self))

    __repr__ = Shown.__str__


class Analysis(StudyAnalysis, Shown):
    """What mattered in a study, and what interacts."""

    @classmethod
    def of(cls, found: StudyAnalysis) -> "Analysis":
        """Take an analysis."""
        return cls(**{field.name: getattr(found, field.name) for field in fields(StudyAnalysis)})

    def draw(self, screen: Console) -> None:
        """Print the verdict, the shares of the parameters and those of the pairs."""
        evidence = self.importance.evidence
        screen.print(
            f"{one_line(self.name)}: {self.importance.verdict}; shares of the variance of {self.what}"
        )
        for warning in evidence.warnings:
            screen.print(f"  {warning}")
        if not evidence.has_structure:
            screen.print(what_is_missing(self))
            return
        rows = [
            ("  " * row.depth + row.effect.names[0], _share(row.effect.total), _share(row.own))
            for row in tree_of(self.importance, _LEAST)[:ROWS]
        ]
        print_table(screen, ("parameter", "with interactions", "alone"), rows)
        if (nothing := no_interaction(self.importance)) is not None:
            screen.print(nothing)
        pairs = [pair for pair in self.importance.pairs if (pair.share or 0.0) >= _LEAST][:ROWS]
        if pairs:
            named = [
                (" x ".join(pair.names), _share(pair), show_when(pair.when) or "always") for pair in pairs
            ]
            print_table(screen, ("pair", "share", "exists when"), named)

    __repr__ = Shown.__str__


def draw_status(screen: Console, status: Status, best: Recommendation | None) -> None:
    """Print how far a study is, and its best trial."""
    head = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=status.slots, completed=status.done, width=30)
    head.add_row(one_line(status.name), bar, f"{status.done} of {status.slots} slots are spent")
    screen.print(head)
    counts = in_words(status.trials) or "no trial has ended yet"
    over = f"; {status.over}" if status.over else ""
    screen.print(f"{counts}{over}")
    if best is not None:
        print_best(screen, best, test_scores(best))


def _share(share: Contribution | Estimate | None) -> str:
    if share is None or share.share is None or share.low is None or share.high is None:
        return "-"
    return f"{share.share:.2f} ({share.low:.2f} .. {share.high:.2f})"
