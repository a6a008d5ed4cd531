"""The analysis of a study for optuna-dashboard, in a process of its own that gives way to every worker.

`python -m tuner.web.beside.analysing` reads from its input, as JSON, the database and the study, and writes
the verdict and the figures, as JSON.
"""

import json
import os
import sys
from contextlib import redirect_stdout
from typing import Any

import plotly.graph_objects as go

from studies.database.open import open_database
from studies.ledger.opening import open_ledger
from studies.report.drawing.figure_files import named_figures
from studies.report.investigation import investigate
from studies.report.section import Material
from studies.report.subject import subject_of_ledger
from tuner.workers.processes.quiet import silence

_NICE = 10  # as `nice` has it: others go first
# optuna-dashboard sends all figures with every answer, in pieces that it puts together for each trial.
_LARGEST, _MOST = 150_000, 12  # characters of a figure, and how many figures


def analysed(url: str, name: str) -> dict[str, Any]:
    """Analyse a study: the `verdict` in sentences, and the `figures` of its report that are small enough."""
    subject = subject_of_ledger(open_ledger(open_database(url, reading=True), name))
    found = investigate(subject, progress=lambda _: None)
    figures: dict[str, str] = {}
    for identifier, figure in named_figures(Material(subject, found)):
        if not isinstance(figure, go.Figure):
            continue
        figure.update_layout(title=identifier.replace("-", " "), width=None)
        text = figure.to_json() or ""
        if len(text) <= _LARGEST and len(figures) < _MOST:
            figures[identifier] = text
    return {"verdict": list(found.verdict), "figures": figures}


def _main() -> None:
    os.nice(_NICE)
    silence()
    asked = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        found = analysed(asked["url"], asked["name"])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main()
