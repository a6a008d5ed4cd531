"""The files of studies as optuna-dashboard's artifacts, which stay where workers wrote them.

Optuna's `upload_artifact` copies a file, names the copy at random and writes that name to the database. Here
the name of an artifact says what it is, so that it needs no memory of ours: a kind, a study and a trial, as
hexadecimal digits. The attribute that lists it is written as Optuna's `get_all_artifact_meta` reads it, and a
test asks that function.
"""

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from optuna.artifacts import ArtifactMeta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from studies.definition.yaml_text import yaml_text
from studies.trials.attributes import CONFIGURATION, WEIGHTS
from tuner.results.summary import BEST, REPORT
from tuner.web.beside.attributes import is_ours
from tuner.web.beside.raised import noted
from tuner.web.files import Files

_ATTRIBUTE = "artifacts:"  # before an artifact's name, as Optuna has it
_CONFIGURATION, _LOG, _WEIGHTS, _BEST, _REPORT = range(1, 6)
_OF_STUDY: Mapping[str, int] = {BEST: _BEST, REPORT: _REPORT}
_TYPES: Mapping[int, str] = {
    _CONFIGURATION: "text/plain",  # YAML, which a browser shows only where it is called so
    _LOG: "text/plain",
    _WEIGHTS: "application/octet-stream",
    _BEST: "text/plain",
    _REPORT: "text/html",
}
_PATTERN = re.compile(r"([0-9a-f]{2})-([0-9a-f]{12})-([0-9a-f]{18})")
_LARGEST_NUMBER = 2**31 - 1  # that Optuna's tables can hold


def listed_of_study(study: int, name: str, files: Files) -> dict[str, str]:
    """Give the attributes that list the artifacts of a study."""
    there = files.of(name).own
    return _listed({file: _name(kind, study, 0) for file, kind in _OF_STUDY.items() if file in there})


def listed_of_trial(study: int, name: str, trial: FrozenTrial, files: Files) -> dict[str, str]:
    """Give the attributes that list the artifacts of a trial."""
    return _listed(artifacts_of_trial(study, name, trial, files))


def artifacts_of_trial(study: int, name: str, trial: FrozenTrial, files: Files) -> dict[str, str]:
    """Name the artifacts of a trial of ours by their files; none of another program's."""
    if not is_ours(trial.user_attrs):
        return {}
    number, there = trial.number, files.of(name)
    found = {}
    if isinstance(trial.user_attrs.get(CONFIGURATION), dict):
        found["configuration.yaml"] = _CONFIGURATION
    if number in there.logs:
        found[f"trial-{number}.log"] = _LOG
    if number in there.weights:
        found[f"trial-{number}.ckpt"] = _WEIGHTS
    return {file: _name(kind, study, number) for file, kind in found.items()}


def _name(kind: int, study: int, trial: int) -> str:
    return f"{kind:02x}-{study:012x}-{trial:018x}"


def _listed(artifacts: Mapping[str, str]) -> dict[str, str]:
    told = [
        ArtifactMeta(artifact_id=name, filename=file, mimetype=_TYPES[int(name[:2], base=16)], encoding=None)
        for file, name in artifacts.items()
    ]
    return {f"{_ATTRIBUTE}{each.artifact_id}": json.dumps(asdict(each)) for each in told}


class RunArtifacts:
    """What optuna-dashboard asks for a file: one of Optuna's artifact stores, which takes nothing."""

    def __init__(self, storage: BaseStorage, files: Files) -> None:
        """Take the database, by which a trial is found, and the files."""
        self._storage, self._files = storage, files

    @noted
    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact.

        Raises:
            ArtifactNotFound: there is none, or its file is not there any more, or is another study's.
        """
        match = _PATTERN.fullmatch(artifact_id)
        if match is None:
            raise ArtifactNotFound(artifact_id)
        kind, study, number = (int(part, base=16) for part in match.groups())
        if not 0 < study < _LARGEST_NUMBER or number > _LARGEST_NUMBER:
            raise ArtifactNotFound(artifact_id)
        try:
            name = self._storage.get_study_name_from_id(study)
            return cast("BinaryIO", self._open(kind, study, name, number))
        except (KeyError, OSError) as error:
            raise ArtifactNotFound(artifact_id) from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Refuse to take a file: what is shown here is what workers wrote."""
        raise PermissionError("files cannot be added here")

    def remove(self, artifact_id: str) -> None:
        """Leave the files of a study that is deleted, as `tuner delete` does."""

    def _open(self, kind: int, study: int, name: str, number: int) -> IO[bytes]:
        there = self._files.of(name)
        if kind in _OF_STUDY.values():
            return there.own[next(file for file, of in _OF_STUDY.items() if of == kind)].open("rb")
        if kind == _LOG:
            return there.logs[number].open("rb")
        told = self._attributes(study, number)
        if kind == _CONFIGURATION:
            return io.BytesIO(yaml_text(told[CONFIGURATION], compact=False).encode("utf-8", "replace"))
        return _same(there.weights[number], told.get(WEIGHTS)) if kind == _WEIGHTS else _none(kind)

    def _attributes(self, study: int, number: int) -> Mapping[str, Any]:
        identifier = self._storage.get_trial_id_from_study_id_trial_number(study, number)
        return self._storage.get_trial(identifier).user_attrs


def _none(kind: int) -> IO[bytes]:
    raise KeyError(kind)


def _same(file: Path, told: Any) -> IO[bytes]:
    """Open weights, if they are those of the trial and not of another study that had the same name."""
    opened = file.open("rb")
    digest = told.get("sha256") if isinstance(told, dict) else None
    if hashlib.file_digest(opened, "sha256").hexdigest() != digest:
        opened.close()
        raise KeyError(file.name)
    opened.seek(0)
    return opened
