"""Which trials of a study are meant, and what a figure is told of them."""

from studies.database.open import open_database
from studies.ledger.making import create
from studies.report.drawing.figures import best_so_far
from studies.running.telling import tell
from studies.trials.attributes import METRICS
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.studies.samples import sample_definition
from tuner.web.known.studies import Known
from tuner.web.pages.reading.selection import as_record


def test_the_best_so_far_of_a_page_is_that_of_the_report(url: str) -> None:
    """A trial that breaks a limit of the study is no best of the figure, as it is none of the study."""
    definition = sample_definition(trials=3, keep_metrics=["size"], limits={"size": "<= 5"})
    ledger = create(open_database(url), definition, "")
    for score, size in ((0.5, 4), (0.125, 6), (0.25, 5)):
        assert tell(ledger, begun(ledger), Outcome.COMPLETED, score, {METRICS: {"size": size}})
    lines = Known(ledger.database).study(ledger.name).lines()
    shown = best_so_far([as_record(line) for line in lines.all], minimizes=True)
    assert shown == best_so_far(ledger.records(), minimizes=True) == ([0, 2], [0.5, 0.25])
