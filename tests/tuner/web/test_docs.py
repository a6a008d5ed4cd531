"""docs/dashboard.md: its commands, metrics and configuration are those of the program."""

import re
import shlex
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from studies.ledger.ledger import Ledger
from tests.studies.lives import begun
from tests.tuner.web.served import served
from tuner.commands.dashboard import dashboard

PAGE = (Path(__file__).parents[3] / "docs" / "dashboard.md").read_text(encoding="utf-8")


def test_every_command_is_one() -> None:
    """Each line that begins the dashboard has options that there are."""
    lines = re.findall(r"^\$ tuner dashboard ?(.*)$", PAGE, flags=re.MULTILINE)
    assert len(lines) > 3
    for line in lines:
        assert dashboard.make_context("dashboard", shlex.split(line))


def test_every_metric_is_explained(url: str, ledger: Ledger) -> None:
    """The table names each metric that there is, with its labels, and no other."""
    begun(ledger)
    with served(url) as server:
        text = server.ask("/metrics").text
    families = list(text_string_to_metric_families(text))
    there = {sample.name for family in families for sample in family.samples} | {
        "interplay_epochs_per_second"
    }
    cells = re.findall(r"^\| (`interplay_.*?) \|", PAGE, flags=re.MULTILINE)
    told = dict(re.findall(r"`(interplay_\w+)(?:\{(.*?)\})?`", " ".join(cells)))
    assert set(told) == there
    labels = {sample.name: set(sample.labels) for family in families for sample in family.samples}
    assert {name: set(told[name].split(", ")) - {""} for name in labels} == labels


def test_prometheus_is_given_yaml() -> None:
    """The scrape configuration is read as what Prometheus documents."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    assert set(job) == {"job_name", "static_configs", "authorization"}
