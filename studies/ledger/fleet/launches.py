"""What has been launched at a study on an engine, kept in the database: any machine can look, and cancel.

Each is an attribute of the study, which goes with it. Whoever may write to the database may write one, so
what is read here is checked, and an engine takes its parts for nothing but names.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from studies.ledger.ledger import Ledger

PREFIX = "tuner:launch:"  # before the identifier, as the name of the attribute
_IDENTIFIER = re.compile(r"[0-9a-f]{12}")
_LONGEST = 1000  # characters of a text


@dataclass(frozen=True)
class Launch:
    """Workers that have been started together on an engine.

    Attributes:
        identifier: 12 letters and digits.
        engine: its name.
        job: what the engine calls them.
        workers: how many.
        folder: where their output lies, on the machine that launched them or one that shares its disk.
        host: that machine.
        grace: seconds within which a worker that is asked to leave has left.
        options: by which the engine is found again.
    """

    identifier: str
    engine: str
    job: str
    workers: int
    folder: str
    host: str
    grace: float
    options: Mapping[str, str] = field(default_factory=dict)


def keep(ledger: Ledger, launch: Launch) -> None:
    """Keep a launch with its study."""
    ledger.study.set_user_attr(f"{PREFIX}{launch.identifier}", asdict(launch))


def forget(ledger: Ledger, launch: Launch) -> None:
    """Say of a launch that nothing of it is left."""
    ledger.study.set_user_attr(f"{PREFIX}{launch.identifier}", None)


def launches(ledger: Ledger) -> list[Launch]:
    """List what has been launched and not forgotten; what cannot be one is passed over."""
    attributes = ledger.database.storage.get_study_user_attrs(ledger.identifier)
    own = {name.removeprefix(PREFIX): attributes[name] for name in attributes if name.startswith(PREFIX)}
    read = (_read(identifier, own[identifier]) for identifier in sorted(own))
    return [launch for launch in read if launch is not None]


def _read(identifier: str, data: Any) -> Launch | None:
    if not _IDENTIFIER.fullmatch(identifier) or not isinstance(data, dict):
        return None
    texts = [data.get(name) for name in ("engine", "job", "folder", "host")]
    workers, grace, options = data.get("workers"), data.get("grace"), data.get("options", {})
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        return None
    if not (isinstance(workers, int) and workers > 0 and isinstance(grace, int | float) and grace >= 0):
        return None
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        return None
    engine, job, folder, host = map(str, texts)
    return Launch(identifier, engine, job, workers, folder, host, float(grace), dict(options))
