"""Where a study's results come from: when and where it ran, with which versions, code and data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial

from studies.database.identity import CODE, DEFINITION, VERSION
from studies.trials.record import TrialRecord

_DIGEST = 64  # hexadecimal digits of SHA-256
_SHORT = 12  # of them, where people read it
_FILES = ("path", "file", "root", "folder")  # arguments of data modules that name data


@dataclass(frozen=True)
class Provenance:
    """What the results of a study hang on; what is not known is None or empty.

    Attributes:
        first, last: when its first trial began and its last one ended, by the clocks of the workers.
        seconds: of training in all trials together.
        hosts: the machines whose workers trained them.
        made_with: the version of interplay-tuner that made the study.
        versions: of the libraries that scores hang on, when the study was made.
        code: the SHA-256 digest of each module of the user's that the study names, when it was made.
        data: the class of the data, or None.
        files: the arguments of the data that name files or folders.
    """

    first: datetime | None
    last: datetime | None
    seconds: float
    hosts: tuple[str, ...]
    made_with: str | None
    versions: Mapping[str, str]
    code: Mapping[str, str]
    data: str | None
    files: Mapping[str, str]

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON; times as ISO 8601."""
        return {
            "first": self.first and self.first.isoformat(timespec="seconds"),
            "last": self.last and self.last.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "hosts": list(self.hosts),
            "made_with": self.made_with,
            "versions": dict(self.versions),
            "code": dict(self.code),
            "data": self.data,
            "files": dict(self.files),
        }

    def rows(self) -> list[tuple[str, str]]:
        """Write what is known as rows of a table: what, and its text."""
        when = [f"{time:%Y-%m-%d %H:%M}" for time in (self.first, self.last) if time is not None]
        versions = {"interplay-tuner": self.made_with, **self.versions}
        data = [self.data or "", *(f"{name} {value}" for name, value in self.files.items())]
        told = (
            ("dates", " to ".join(when)),
            ("training", f"{self.seconds / 3600:.3g} hours in all" if self.seconds else ""),
            ("machines", ", ".join(self.hosts)),
            ("versions", ", ".join(f"{name} {text}" for name, text in versions.items() if text)),
            ("data", ", ".join(filter(None, data))),
            ("code", ", ".join(f"{name} {digest[:_SHORT]}" for name, digest in self.code.items())),
        )
        return [(what, text) for what, text in told if text]


def provenance_of(attributes: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> Provenance:
    """Read where the results of a study come from.

    Args:
        attributes: the study's own, ours or none of ours.
        trials: all of its trials.
    """
    records = [TrialRecord.of(trial) for trial in trials]
    begun = [trial.datetime_start for trial in trials if trial.datetime_start is not None]
    ended = [trial.datetime_complete for trial in trials if trial.datetime_complete is not None]
    kept = _mapping(attributes.get(CODE))
    definition = _mapping(attributes.get(DEFINITION))
    data = _mapping(definition.get("data"))
    arguments = _mapping(data.get("init_args"))
    made_with = attributes.get(VERSION)
    return Provenance(
        min(begun, default=None),
        max(ended, default=None),
        sum(_seconds(record, trial) for record, trial in zip(records, trials, strict=True)),
        tuple(sorted({host for record in records if (host := _host(record.worker))})),
        made_with if isinstance(made_with, str) else None,
        {str(name): str(text) for name, text in kept.items() if len(str(text)) != _DIGEST},
        {str(name): str(text) for name, text in kept.items() if len(str(text)) == _DIGEST},
        _text(data.get("class_path")),
        {name: value for name in _FILES if isinstance(value := arguments.get(name), str)},
    )


def _seconds(record: TrialRecord, trial: FrozenTrial) -> float:
    if record.seconds is not None:
        return record.seconds
    return 0.0 if trial.duration is None else trial.duration.total_seconds()


def _host(worker: str | None) -> str:
    """Read the host in the name of a worker, `token@host:process`."""
    return "" if worker is None else worker.rpartition(":")[0].partition("@")[2]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
