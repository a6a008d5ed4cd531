"""The token that opens the dashboard, and the cookie that a browser gets for it.

The cookie is no copy of the token: it is an end of its validity, signed with the token. So it needs no memory
of ours, another token makes it void, and whoever reads it cannot use it for longer than it says.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuner.errors import Refused

VARIABLE = "TUNER_DASHBOARD_TOKEN"
VALIDITY = 7 * 86400.0  # seconds that a login lasts
SHORTEST = 16  # characters: 16 random ones of base64 are 96 bits
_LONGEST = 4096  # characters
_MAKE_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(32))' > token"


@dataclass(frozen=True)
class Token:
    """A secret that whoever asks has to know; it is never shown, not even by `repr`.

    Every comparison takes the same time whatever is compared (`hmac.compare_digest`).
    """

    text: str = field(repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def is_it(self, given: str) -> bool:
        """Say whether a text is the token."""
        return hmac.compare_digest(_digest(given), _digest(self.text))

    def session(self) -> str:
        """Give the value of a cookie for whoever has shown the token."""
        until = str(int(self.clock() + VALIDITY))
        return f"{until}.{self._signed(until)}"

    def is_session(self, cookie: str) -> bool:
        """Say whether the value of a cookie was given by `session`, and is valid still."""
        until, _, signature = cookie.partition(".")
        is_ours = hmac.compare_digest(_digest(signature), _digest(self._signed(until)))
        return is_ours and until.isdecimal() and until.isascii() and int(until) > self.clock()

    def _signed(self, until: str) -> str:
        words = f"dashboard session until {until}".encode("utf-8", "surrogatepass")
        return hmac.new(self.text.encode(), words, hashlib.sha256).hexdigest()


def _digest(text: str) -> bytes:
    """Digest a text first, since the time that a comparison takes tells the lengths of what is compared."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def read_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> Token | None:
    """Read the token from its file, else from the environment; None where neither is there.

    Raises:
        Refused: the file cannot be read, or what it holds is no token.
    """
    where = VARIABLE if file is None else f"--token-file: {file}"
    if file is None:
        text = environment.get(VARIABLE)
    else:
        try:
            with file.open(encoding="ascii") as opened:
                text = opened.read(_LONGEST)
        except OSError as error:
            raise Refused(
                f"--token-file: {file} cannot be read: {error.strerror}; make one: {_MAKE_ONE}."
            ) from error
        except ValueError:
            text = ""
    if text is None:
        return None
    text = text.strip()
    if len(text) < SHORTEST or not text.isascii() or not text.isprintable():
        raise Refused(
            f"{where} must hold a token of {SHORTEST} printable ASCII characters or more; "
            f"make one: {_MAKE_ONE}."
        )
    return Token(text)
