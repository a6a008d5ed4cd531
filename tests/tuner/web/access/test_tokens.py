"""The token that opens the dashboard, and the cookie for it."""

from pathlib import Path

import pytest

from tuner.errors import Refused
from tuner.web.access.tokens import VALIDITY, VARIABLE, Token, read_token

SECRET = "correct-horse-battery"  # noqa: S105 - of this test


def test_a_session_ends_and_cannot_be_made_longer() -> None:
    """A cookie is valid until its time, with that time only, and for its token only."""
    now = [1000.0]
    token = Token(SECRET, clock=lambda: now[0])
    session = token.session()
    until, _, signature = session.partition(".")
    assert token.is_session(session)
    for forged in (
        f"{int(until) + 1}.{signature}",
        f"{until}.{signature[:-1]}0",
        f"{until}",
        "",
        ".",
        f"{until}.",
        f"٣{until}.{signature}",
        "\udcff.\udcff",
        SECRET,
    ):
        assert not token.is_session(forged)
    assert not Token("another-horse-battery", clock=lambda: now[0]).is_session(session)
    now[0] += VALIDITY + 1
    assert not token.is_session(session)


def test_a_token_is_shown_by_nothing() -> None:
    """Neither the value's text nor a session holds the token."""
    token = Token(SECRET)
    assert SECRET not in f"{token!r} {token} {token.session()}"


def test_a_token_is_read_from_its_file_and_else_from_the_environment(tmp_path: Path) -> None:
    """The file counts more, and a line break at its end is no part of the token."""
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    there = {VARIABLE: "the-one-of-the-environment"}
    assert read_token(file, there) == Token(SECRET)
    assert read_token(None, there) == Token("the-one-of-the-environment")
    assert read_token(None, {}) is None


@pytest.mark.parametrize("held", ["", "short", "a" * 15, "ä" * 20, "with a bell \x07 inside it"])
def test_a_token_that_can_be_guessed_or_typed_wrongly_is_refused(tmp_path: Path, held: str) -> None:
    """The sentence says how to make one."""
    file = tmp_path / "token"
    file.write_text(held, encoding="utf-8")
    with pytest.raises(Refused, match=r"16 printable ASCII characters or more; make one: python -c"):
        read_token(file, {})


def test_a_token_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It is never taken for "no token"."""
    with pytest.raises(Refused, match="cannot be read"):
        read_token(tmp_path / "nowhere", {VARIABLE: SECRET})
