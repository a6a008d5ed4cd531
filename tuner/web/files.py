"""The files that studies leave on this machine, as a list from which a request picks one."""

import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuner.results.summary import BEST, REPORT
from tuner.workers.places import LOG_FILES, folder_name

_KEPT = 2.0  # seconds that a listing is used
_LOG = re.compile(r"trial-(\d{1,18})\.log", re.ASCII)
_WEIGHTS = re.compile(r"trial-(\d{1,18})\.ckpt", re.ASCII)


@dataclass(frozen=True)
class StudyFiles:
    """The files of one study: its own by name, logs and weights by the number of the trial."""

    own: Mapping[str, Path]
    logs: Mapping[int, Path]
    weights: Mapping[int, Path]


@dataclass
class Files:
    """The files of the studies of a folder.

    Only what workers write there under a name of theirs is listed, and no link: whoever may write into the
    folder could let one lead anywhere. What the database says of a file's place is not looked at.

    Attributes:
        output: the folder in which each study has one of its own.
        clock: gives the time in seconds.
    """

    output: Path
    clock: Callable[[], float] = time.monotonic
    _listed: dict[str, tuple[float, StudyFiles]] = field(default_factory=dict)

    def of(self, study: str) -> StudyFiles:
        """List the files of a study; none where this machine has none."""
        name = folder_name(study)
        at, found = self._listed.get(name, (0.0, None))
        if found is None or self.clock() - at > _KEPT:
            folder = self.output / name
            there = _regular(folder)
            logs = _regular(folder / LOG_FILES)
            found = StudyFiles(
                {each: there[each] for each in (BEST, REPORT) if each in there},
                _numbered(_LOG, logs),
                _numbered(_WEIGHTS, there),
            )
            self._listed[name] = (self.clock(), found)
        return found


def _regular(folder: Path) -> dict[str, Path]:
    try:
        return {
            entry.name: entry
            for entry in folder.iterdir()
            if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
        }
    except OSError:  # there is none, or a file went while it was looked at
        return {}


def _numbered(pattern: re.Pattern[str], files: Mapping[str, Path]) -> dict[int, Path]:
    return {int(match[1]): file for name, file in files.items() if (match := pattern.fullmatch(name))}
