"""The checks together: one that hangs or fails hides no other, and what it carries is left out."""

import threading
from pathlib import Path

from studies.errors import StorageError
from tuner.workers.doctor.check import NOTE, OK, WRONG, Asked, Check, Finding, examine

ASKED = Asked("sqlite:///none.db", Path("runs"))


def test_a_check_that_hangs_hides_no_other() -> None:
    """What gives no answer in time is said, and what needs it is left out."""
    held = threading.Event()

    def hang(asked: Asked) -> Finding:
        held.wait(60.0)
        return Finding(OK, "too late")

    checks = (
        Check("hangs", hang, late=Finding(WRONG, "it gives no answer", "what to type")),
        Check("carried", lambda _: Finding(OK, "never"), "hangs"),
        Check("other", lambda _: Finding(OK, "fine")),
    )
    found = examine(checks, ASKED, 0.2)
    held.set()
    assert [each.to_data() for each in found] == [
        {"check": "hangs", "mark": WRONG, "found": "it gives no answer within 0.2 s", "do": "what to type"},
        {"check": "other", "mark": OK, "found": "fine", "do": None},
    ]


def test_a_check_that_fails_says_so() -> None:
    """An error of ours is split into what was found and what to type; any other is named."""

    def refuse(asked: Asked) -> Finding:
        raise StorageError("The file is none; name another.")

    def break_down(asked: Asked) -> Finding:
        raise RuntimeError("broken\nin two lines")

    checks = (
        Check("refuses", refuse),
        Check("breaks", break_down),
        Check("needs", lambda _: Finding(OK, "never"), "breaks"),
        Check("ends", lambda _: Finding(NOTE, "nothing there", is_end=True)),
        Check("behind", lambda _: Finding(OK, "never"), "ends"),
        Check("silent", lambda _: None),
        Check("goes on", lambda _: Finding(OK, "fine"), "silent"),
    )
    assert [(each.check, each.finding.mark, each.finding.found) for each in examine(checks, ASKED)] == [
        ("refuses", WRONG, "The file is none"),
        ("breaks", WRONG, "it could not be looked at: RuntimeError: broken"),
        ("ends", NOTE, "nothing there"),
        ("goes on", OK, "fine"),
    ]
