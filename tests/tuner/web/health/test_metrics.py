"""What Prometheus is told, read by its own parser."""

import math
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from studies.ledger.fleet.workers import worker_name
from studies.ledger.ledger import Ledger
from studies.ledger.status import status_of
from studies.trials.outcomes import Outcome, count_name
from tests.contracts.faults import LAPSED
from tests.studies.lives import answer, begun
from tests.tuner.web.served import served
from tuner.web.health.metrics import Studies
from tuner.web.known.studies import Known
from tuner.web.site import Site

Samples = dict[tuple[str, str], float]


def samples(text: str) -> Samples:
    """Read metrics: each value by the metric's name and the label beside the study."""
    return {
        (
            sample.name,
            next((value for key, value in sample.labels.items() if key != "study"), ""),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_are_those_of_the_status(url: str, ledger: Ledger) -> None:
    """Slots, outcomes, epochs and the best score are what `tuner status` says, with a lease that is young."""
    begun(ledger)
    status = status_of(ledger)
    with served(url) as server:
        found = samples(server.ask("/metrics").text)
    slots = {
        state: found["interplay_slots", state] for state in ("waiting", "running", "done", "paused", "lost")
    }
    assert slots == {"waiting": 1, "running": 1, "done": 4, "paused": 0, "lost": 0}
    told = {outcome: found["interplay_trials", outcome.value] for outcome in Outcome}
    assert told == {outcome: status.trials[count_name(outcome)] for outcome in Outcome}
    assert found["interplay_best_score", "val_loss"] == 0.25
    assert found["interplay_epochs_total", ""] == status.epochs
    assert found["interplay_workers", ""] >= 1
    assert 0 <= found["interplay_oldest_lease_age_seconds", ""] < 60
    assert found["interplay_database_up", ""] == 1
    assert 0 < found["interplay_database_latency_seconds", ""] < 60


def test_a_slot_that_waits_for_its_trial_is_not_lost(url: str, ledger: Ledger) -> None:
    """It runs while its worker holds its lease, and is lost once that has lapsed."""
    slot = ledger.slots.claim(worker_name(1))
    assert slot is not None
    with served(url) as server:
        found = samples(server.ask("/metrics").text)
        assert (found["interplay_slots", "running"], found["interplay_slots", "lost"]) == (1, 0)
    ledger.slots.lease = LAPSED
    ledger.slots.renew(slot)
    with served(url) as server:
        found = samples(server.ask("/metrics").text)
        assert (found["interplay_slots", "running"], found["interplay_slots", "lost"]) == (0, 1)


def test_scraping_often_costs_no_more(url: str, ledger: Ledger) -> None:
    """What one scrape found serves the next ones for two seconds or more."""
    now = [0.0]
    studies = Studies(Site(url, ledger.database), Known(ledger.database), clock=lambda: now[0])
    first = studies.collect()
    answer(ledger, [0.125])
    now[0] += 1.9
    assert studies.collect() is first
    now[0] += 0.2
    best = next(family for family in studies.collect() if family.name == "interplay_best_score")
    assert [sample.value for sample in best.samples] == [0.125]


def test_a_database_that_is_away_is_told_and_no_error(url: str, ledger: Ledger, tmp_path: Path) -> None:
    """A scrape is answered, so that an alarm can be set on what it says."""
    with served(url) as server:
        (tmp_path / "tuner.db").rename(tmp_path / "moved.db")
        told = server.ask("/metrics")
        assert told.status == 200
        assert samples(told.text) == {("interplay_database_up", ""): 0.0}
        assert not math.isnan(samples(told.text)["interplay_database_up", ""])
