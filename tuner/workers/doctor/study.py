"""Whether this machine would work on a study, asked in a process of its own that imports its code."""

import os
import sys
import threading
from pathlib import Path

from tuner.workers.doctor.bounded import ran
from tuner.workers.doctor.check import EACH, NOTE, OK, WRONG, Asked, Check, Finding
from tuner.workers.doctor.database import DATABASE

STORAGE, STUDY = "TUNER_STORAGE", "TUNER_DOCTOR_STUDY"  # not as arguments, which other users of a machine see
NO, ODD = 3, 4  # exit codes: it would not work on it, there is none such


def _study(asked: Asked) -> Finding | None:
    if asked.study is None:
        return None
    environment = {**asked.environment, STORAGE: asked.url, STUDY: asked.study}
    ended = ran([sys.executable, "-P", "-m", "tuner.workers.doctor.study"], EACH, environment)
    if ended is None:
        return Finding(
            NOTE,
            f"whether this machine would work on {asked.study} is not known after {EACH:g} s",
            f"tuner worker {asked.study} --no-wait tells",
        )
    said = ended.out.strip()
    if ended.code == 0:
        return Finding(OK, f"this machine would work on {asked.study}{said and f', but {said}'}")
    if ended.code in (NO, ODD):
        found, _, todo = said.rstrip(".").partition("; ")
        return Finding(
            WRONG,
            found if ended.code == ODD else f"this machine does not work on {asked.study}: {found}",
            todo,
        )
    last = (ended.err.strip().splitlines() or [f"exit code {ended.code}"])[-1]
    return Finding(
        WRONG,
        f"the code of {asked.study} cannot be judged: {last}",
        f"tuner worker {asked.study} shows the same",
    )


def main() -> int:
    """Say why this machine would not work on a study, or nothing where it would."""
    from search_spaces.errors import TunerError
    from studies.database.open import open_database
    from studies.ledger.opening import open_ledger
    from tuner.training.configuration.permit import Permit
    from tuner.workers.processes.quiet import silence
    from tuner.workers.service import refusal

    silence()
    sys.path.insert(0, str(Path.cwd()))  # as the command line does, once ours are loaded
    try:
        ledger = open_ledger(open_database(os.environ[STORAGE], reading=True), os.environ[STUDY])
        given = [*filter(None, os.environ.get("TUNER_ALLOW", "").split(","))]
        permit = Permit.of(given) if given else None
        reason = refusal(ledger, permit, threading.Event(), any_code=False)
    except TunerError as error:
        sys.stdout.write(str(error))
        return ODD
    over = ledger.over()
    sys.stdout.write(reason or over or "")
    return NO if reason else 0


CHECKS = (Check("study", _study, DATABASE),)

if __name__ == "__main__":
    sys.exit(main())
