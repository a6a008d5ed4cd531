"""What benchmarks with real `tuner worker` processes share: the study, the processes, the scores."""

import os
import subprocess
import sys
from pathlib import Path

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.trials.outcomes import Outcome, outcome_of
from tuner.preparation.prepare import prepare

ROOT = Path(__file__).parents[2]
WORKER = "worker.py"


def make(folder: Path, study: str, script: str) -> Ledger:
    """Put a study in a database of its own, in a new folder, beside the script that its workers run."""
    folder.mkdir()
    (folder / WORKER).write_text(script)
    definition = prepare(parse_study_file(study, source="benchmark.yaml"))
    return create(open_database(f"sqlite:///{folder}/tuner.db"), definition, study)


def start(folder: Path, name: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a worker by the script in a folder."""
    command = [sys.executable, "-W", "ignore", WORKER, "worker", name, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)


def scores(ledger: Ledger) -> dict[int, float | None]:
    """Give the score of each slot."""
    return {
        trial.user_attrs["slot"]: trial.value
        for trial in ledger.trials()
        if outcome_of(trial) is Outcome.COMPLETED
    }
