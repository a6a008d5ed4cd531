"""How a trial ended, as plain data: told to the database, or kept in a file while there is none to tell.

A file is told once: the database says whether the trial still runs, and ends it in the same transaction.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studies.ledger.slot import Slot
from studies.trials.outcomes import Outcome


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has ended.

    `ledger` identifies its study, `number` is its number there and `identifier` the one in Optuna's tables.
    `facts` are further attributes. `curve` holds the scores that are not stored yet, by their steps.
    `seconds` is how long it took, `epochs` how many it has to pay for, `devices` on how many it trained.
    """

    ledger: str
    number: int
    identifier: int
    slot: Slot
    outcome: Outcome
    score: float | None
    facts: Mapping[str, Any]
    curve: Mapping[int, float]
    seconds: float
    epochs: float
    devices: int = 1

    def keep(self, folder: Path) -> Path:
        """Write it to a file of its own in `folder`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.ledger}-{self.number}.json"
        written = path.with_suffix(".part")
        data = {**asdict(self), "outcome": self.outcome.value, "curve": sorted(self.curve.items())}
        with written.open("w", encoding="utf-8") as file:
            json.dump(data, file)
            file.flush()
            os.fsync(file.fileno())
        return written.replace(path)


def kept_trials(folder: Path, ledger: str) -> list[tuple[Path, EndedTrial]]:
    """List the trials of a study that are kept in files of `folder`, with the files."""
    found = []
    for path in sorted(folder.glob(f"{ledger}-*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:  # another worker has told it just now
            continue
        slot, curve = Slot(**data.pop("slot")), dict(data.pop("curve"))
        ended = EndedTrial(slot=slot, curve=curve, outcome=Outcome(data.pop("outcome")), **data)
        found.append((path, ended))
    return found
