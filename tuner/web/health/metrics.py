"""`/metrics`: how far every study is, for Prometheus.

A scrape reads what is new of each study, and what it found serves further scrapes for two seconds, or for ten
times as long as it took.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from search_spaces.errors import TunerError
from studies.database.failures import is_of_database
from studies.database.identity import ledgers
from studies.ledger.fleet.workers import WorkerRecord
from studies.ledger.ledger import Ledger
from studies.ledger.status import Status, status_of_lines
from studies.trials.outcomes import Outcome, count_name
from tuner.web.health.probes import answers
from tuner.web.known.studies import Known
from tuner.web.site import Site

_KEPT, _COSTS = 2.0, 10  # seconds that an answer serves at least, and how often what it cost
_WINDOW = 300.0  # seconds over which epochs per second are counted


@dataclass(frozen=True)
class _Seen:
    """One study as a scrape finds it."""

    ledger: Ledger
    status: Status
    paused: int
    rate: float | None


class Studies(Collector):
    """The figures of every study of ours."""

    def __init__(self, site: Site, known: Known, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the site and its studies."""
        self._site, self._known, self._clock = site, known, clock
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0
        self._epochs: dict[str, deque[tuple[float, float]]] = {}

    def describe(self) -> list[Metric]:
        """Name nothing before the first scrape, which would read the database."""
        return []

    def collect(self) -> list[Metric]:
        """Give all figures."""
        with self._lock:
            began = self._clock()
            if began >= self._until:
                self._kept = list(self._read())
                ended = self._clock()
                self._until = ended + max(_KEPT, _COSTS * (ended - began))
            return self._kept

    def _read(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("interplay_database_up", "Whether the database answers.")
        began = self._clock()
        is_up = answers(self._site)
        latency = self._clock() - began
        up.add_metric([], float(is_up))
        yield up
        if not is_up:
            return
        yield GaugeMetricFamily(
            "interplay_database_latency_seconds", "How long the database took to answer.", value=latency
        )
        try:
            seen, unreadable = self._studies()
            workers = [each.worker for each in self._known.fleet().workers] if seen else []
        except Exception as error:
            if not is_of_database(error):
                raise
            up.samples.clear()  # it went away meanwhile
            up.add_metric([], 0.0)
            return
        yield GaugeMetricFamily(
            "interplay_unreadable_studies", "Studies that cannot be read.", value=unreadable
        )
        yield from _of_workers(seen, workers)
        yield from _of_studies(seen, workers)

    def _studies(self) -> tuple[list[_Seen], int]:
        ours = set(ledgers(self._site.database.engine).values())  # and no copy
        studies = [study for study in self._known.all() if study.number in ours]
        seen = []
        for study in studies:
            if (ledger := study.ledger) is None:  # damaged
                continue
            try:
                status = status_of_lines(ledger, study.following.look())
            except (TunerError, KeyError):  # deleted meanwhile
                continue
            rate = self._rate(ledger.slots.ledger, status.epochs)
            seen.append(_Seen(ledger, status, ledger.slots.budget().paused, rate))
        return seen, len(studies) - len(seen)

    def _rate(self, ledger: str, epochs: float) -> float | None:
        """Give the epochs per second since the oldest look within the window; None at the first look."""
        looks, now = self._epochs.setdefault(ledger, deque()), self._clock()
        looks.append((now, epochs))
        while looks[0][0] < now - _WINDOW and len(looks) > 2:  # noqa: PLR2004 - two ends of a span
            looks.popleft()
        then, before = looks[0]
        return None if now == then else (epochs - before) / (now - then)


def _of_workers(seen: list[_Seen], workers: list[WorkerRecord]) -> Iterator[Metric]:
    alive = [worker for worker in workers if not worker.is_gone]
    yield GaugeMetricFamily("interplay_workers", "Workers that hold their lease.", value=len(alive))
    ages = GaugeMetricFamily(
        "interplay_oldest_lease_age_seconds",
        "How long ago the worker of the study that was silent longest has renewed its lease.",
        labels=["study"],
    )
    for each in seen:
        own = each.ledger.slots.ledger
        silent = [worker.silent for worker in workers if any(held == own for held, _ in worker.slots)]
        if silent:
            ages.add_metric([each.status.name], max(silent))
    yield ages


def _of_studies(seen: list[_Seen], workers: list[WorkerRecord]) -> Iterator[Metric]:
    slots = GaugeMetricFamily("interplay_slots", "Slots of a study.", labels=["study", "state"])
    trials = GaugeMetricFamily(
        "interplay_trials", "Trials of a study that have ended, by outcome.", labels=["study", "outcome"]
    )
    best = GaugeMetricFamily("interplay_best_score", "The best score.", labels=["study", "metric"])
    epochs = CounterMetricFamily("interplay_epochs", "Epochs of trials that have ended.", labels=["study"])
    rate = GaugeMetricFamily(
        "interplay_epochs_per_second", "Epochs per second in the last five minutes.", labels=["study"]
    )
    for each in seen:
        status, own = each.status, each.ledger.slots.ledger
        states = {
            "waiting": status.trials["waiting"],
            "paused": each.paused,
            "done": status.done,
            "lost": sum(held == own for worker in workers if worker.is_gone for held, _ in worker.slots),
        }
        states["running"] = status.slots - sum(states.values())  # a trial, or about to ask for one
        for state, count in states.items():
            slots.add_metric([status.name, state], max(0, count))
        for outcome in Outcome:
            trials.add_metric([status.name, outcome.value], status.trials[count_name(outcome)])
        if status.best is not None and status.best.score is not None:
            best.add_metric([status.name, status.metric], status.best.score)
        epochs.add_metric([status.name], status.epochs)
        if each.rate is not None:
            rate.add_metric([status.name], each.rate)
    yield from (slots, trials, best, epochs, rate)


def metrics_route(site: Site, known: Known) -> BaseRoute:
    """Give the route."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Studies(site, known))

    def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)
