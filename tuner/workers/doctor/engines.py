"""What can start workers elsewhere: which engines are installed, and whether each is reached.

An engine is asked in a process of its own, since its package may hang, or start threads of its own.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tuner.workers.doctor.bounded import ran
from tuner.workers.doctor.check import EACH, NOTE, OK, Asked, Check, Finding
from tuner.workers.doctor.versions import version_of
from tuner.workers.engines.registry import PACKAGES

NOT_REACHED = 3  # exit code


def _installed(asked: Asked) -> Finding:
    """Say which engines could start workers from here; none has to be there."""
    there = {name: version for name, package in PACKAGES.items() if (version := version_of(package))}
    missing = [name for name in PACKAGES if name not in there]
    found = ", ".join(f"{name} ({PACKAGES[name]} {version})" for name, version in there.items())
    todo = f"pip install 'interplay-tuner[{','.join(missing)}]' where one is to start workers"
    return Finding(OK, f"{found or 'none'} installed, beside this machine", todo if missing else "")


def _reached(name: str, asked: Asked) -> Finding | None:
    if version_of(PACKAGES[name]) is None:
        return None
    command = [sys.executable, "-P", "-m", "tuner.workers.doctor.engines", name]
    ended = ran(command, EACH, asked.environment)
    if ended is None:
        return Finding(
            NOTE, f"it gives no answer within {EACH:g} s", f"tuner launch STUDY --on {name} --dry-run"
        )
    if ended.code == NOT_REACHED:
        found, _, todo = ended.out.strip().rstrip(".").partition("; ")
        return Finding(NOTE, found, todo)
    if ended.code:
        return Finding(NOTE, f"it cannot be asked: {ended.last}", f"tuner launch STUDY --on {name} --dry-run")
    return Finding(OK, "it is reached")


def main(name: str) -> int:
    """Ask an engine whether it would take an order of one worker, which is not given."""
    from tuner.errors import Refused
    from tuner.workers.engines.engine import Order, Resources
    from tuner.workers.engines.registry import engine_named

    here = Path.cwd()
    order = Order(
        "0" * 12, name, "none", "sqlite:///none.db", (), here, here, 1, Resources(), grace=0.0
    )  # fmt: skip
    try:
        engine_named(name, {}).check(order)
    except Refused as error:
        sys.stdout.write(str(error))
        return NOT_REACHED
    return 0


def _look(name: str) -> Callable[[Asked], Finding | None]:
    return partial(_reached, name)


CHECKS = (Check("engines", _installed), *(Check(name, _look(name)) for name in PACKAGES))

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
