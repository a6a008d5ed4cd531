"""A check, what it finds, and all of them made together within a time."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_spaces.errors import TunerError, first_line

OK, NOTE, WRONG = "ok", "note", "wrong"  # marks: as it should be; to know of; not as it should be
TOTAL = 10.0  # seconds for all checks together
EACH = 8.0  # seconds for one, so that what it has to end is ended within the total


@dataclass(frozen=True)
class Finding:
    """What a check has found: a mark, a sentence, and what to type where something is wrong.

    `is_end`: what needs this check has nothing to look at, as where it is wrong.
    """

    mark: str
    found: str
    todo: str = ""
    is_end: bool = False


@dataclass(frozen=True)
class Asked:
    """What is looked at.

    Attributes:
        url: the database.
        output: where results would lie.
        checkpoints: where interrupted trials would leave their state; None for beside the results.
        study: the name of a study that this machine would work on.
        environment: of this process.
    """

    url: str
    output: Path
    checkpoints: str | None = None
    study: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    Attributes:
        name: a word or two.
        look: gives what it finds; None where there is nothing to say.
        needs: another check, without which this one has nothing to look at.
        late: what it means that it gives no answer in time.
    """

    name: str
    look: Callable[[Asked], Finding | None]
    needs: str | None = None
    late: Finding = Finding(NOTE, "no answer", "give the command again when this machine has less to do")


@dataclass(frozen=True)
class Found:
    """A check and its finding."""

    check: str
    finding: Finding

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        one = self.finding
        return {"check": self.check, "mark": one.mark, "found": one.found, "do": one.todo or None}


def examine(checks: Sequence[Check], asked: Asked, seconds: float = TOTAL) -> list[Found]:
    """Make all checks, beside one another; one that hangs is left behind.

    Returns: The findings in the order of the checks.
    """
    found: dict[str, Finding | None] = {}
    roots = [check for check in checks if check.needs is None]

    def follow(check: Check) -> None:
        finding = _look(check, asked)
        found[check.name] = finding
        for other in checks:
            if other.needs == check.name:
                if finding is not None and (finding.is_end or finding.mark == WRONG):
                    _leave_out(other, checks, found)
                else:
                    follow(other)

    # Daemons: whoever waits for a server or a driver that does not answer shall not keep this process.
    threads = [threading.Thread(target=follow, args=(check,), daemon=True) for check in roots]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    told = dict(found)  # what comes later comes too late
    late = {check.name for check in checks if check.name not in told}
    return [
        Found(check.name, finding)
        for check in checks
        if check.needs not in late
        and (finding := told.get(check.name) if check.name in told else _late(check, seconds)) is not None
    ]


def _look(check: Check, asked: Asked) -> Finding | None:
    try:
        return check.look(asked)
    except TunerError as error:
        found, _, todo = str(error).rstrip(".").partition("; ")
        return Finding(WRONG, found, todo)
    except Exception as error:  # noqa: BLE001 - what one check cannot do hides no other
        return Finding(WRONG, f"it could not be looked at: {type(error).__name__}: {first_line(error)}")


def _leave_out(check: Check, checks: Sequence[Check], found: dict[str, Finding | None]) -> None:
    found[check.name] = None
    for other in checks:
        if other.needs == check.name:
            _leave_out(other, checks, found)


def _late(check: Check, seconds: float) -> Finding:
    return Finding(check.late.mark, f"{check.late.found} within {seconds:g} s", check.late.todo)
