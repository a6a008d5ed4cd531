"""An analysis that runs in a process of its own, as whoever waits for it sees it."""

import json
import subprocess
import sys
import time
from tempfile import TemporaryFile
from typing import Any

_PROGRAM = "tuner.web.beside.analysing"
_LONGEST = 900.0  # seconds of one analysis


class Analysis:
    """An analysis of a study with so many trials that had ended.

    Attributes:
        study: the study's number.
        trials: how many trials had ended.
        since: when it began, by the monotonic clock.
    """

    def __init__(self, url: str, study: int, name: str, trials: int) -> None:
        """Begin; the URL may hold a password, so it is no argument, which others could list."""
        self.study, self.trials = study, trials
        self.since = time.monotonic()
        self._output = TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-P", "-W", "ignore", "-m", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server, which ends it
        )
        assert self._process.stdin is not None  # it was asked for
        with self._process.stdin as asked:
            asked.write(json.dumps({"url": url, "name": name}).encode())

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or takes too long."""
        return self._process.poll() is not None or time.monotonic() - self.since > _LONGEST

    def end(self) -> dict[str, Any] | None:
        """End it and give what it has found; None where it has not."""
        self._process.kill()  # nothing, where it has ended
        code = self._process.wait()
        with self._output as output:
            output.seek(0)
            text = output.read()
        if code:
            return None
        found: dict[str, Any] = json.loads(text)
        return found
