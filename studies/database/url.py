"""A database URL as somebody types it: what is misspelt is refused with what was probably meant."""

import re
from difflib import get_close_matches

from studies.errors import StorageError

KINDS = ("sqlite", "postgresql", "mysql", "mariadb")
_ALSO = {"postgres": "postgresql", "psql": "postgresql", "pg": "postgresql", "sqlite3": "sqlite"}


def refuse_misspelt(url: str) -> None:
    """Refuse a URL that is misspelt in a way that says what was meant.

    Raises:
        StorageError: names what was given and what was probably meant, without any password.
    """
    meant = _meant(url)
    if meant is not None:
        raise StorageError(
            f"--storage must be a database URL such as sqlite:///tuner.db, but got {hidden(url)!r}; "
            f"did you mean {hidden(meant)}?"
        )


def _meant(url: str) -> str | None:
    """Guess what a misspelt URL was meant to be; None where it is none of those, or nobody can tell."""
    kind, colon, rest = url.partition(":")
    if not colon:
        return f"sqlite:///{url}" if re.search(r"\.(db|sqlite3?)$", url) else None
    base, plus, driver = kind.lower().partition("+")
    known = (
        base if base in KINDS else _ALSO.get(base) or next(iter(get_close_matches(base, KINDS, n=1)), None)
    )
    if known is None:
        return None
    if known == "sqlite":
        is_fine = known == base and (rest.startswith("///") or rest in {"", "//"})
        return None if is_fine else _file(rest)
    is_fine = known == base and rest.startswith("//")
    return None if is_fine else f"{known}{plus}{driver}://{rest.lstrip('/')}"


def hidden(url: str) -> str:
    """Write a URL without its password, even where the URL is none."""
    return re.sub(r"(pass\w*=)[^&]*", r"\1***", re.sub(r"(:/*).*@", r"\1***@", url))


def _file(rest: str) -> str:
    path = rest.lstrip("/")
    is_absolute = re.match(r"/(?!/)|////", rest) is not None
    return f"sqlite:////{path}" if is_absolute else f"sqlite:///{path}"
