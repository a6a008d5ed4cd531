"""The page on flat minima tells what its file of networks holds."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.flat_minima import FACTORS, MEASURES, NETWORKS, SETTLED, correlation, stored

PAGE = Path(__file__).parents[3] / "docs" / "flat-minima.md"
NAMES = ("learning rate", "weight decay", "dropout", "batch norm (against none)", "batch size")


@pytest.mark.parametrize(("heading", "most"), [("## Networks trained", SETTLED), ("## All 200", 1.0)])
def test_the_page_tells_what_the_networks_say(heading: str, most: float) -> None:
    """Each correlation of a table follows from the rows of the file, and so does each count."""
    networks = [network for network in stored() if network.train_error <= most]
    page = PAGE.read_text()
    assert len(stored()) == NETWORKS
    assert str(len(networks)) in page
    table = page.partition(heading)[2].partition("\n## ")[0]
    columns = {
        name: np.array([float(getattr(network, name)) for network in networks])
        for name in (*FACTORS, *MEASURES)
    }
    columns["adamw"] = np.array([float(network.optimizer == "adamw") for network in networks])
    for factor, name in zip(FACTORS, NAMES, strict=True):
        row = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", table, re.MULTILINE)
        assert row is not None
        others = np.column_stack([columns[each] for each in (*FACTORS, "adamw") if each != factor])
        told = [float(cell.split()[0]) for cell in row[1].split("|")]
        found = [correlation(columns[factor], columns[measure], others) for measure in MEASURES]
        assert told == pytest.approx(found, abs=0.006)
