"""The addresses of our pages: names of studies as a segment of a path, whatever they are made of."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote, urlencode

# Browsers take `..` out of a path and servers decode %2F before they look at it, so a name is written with
# an escape of our own: `a/b` is `a~2Fb`.
_ESCAPE = "~"
_EMPTY = "~"


def segment(name: str) -> str:
    """Write the name of a study as one segment of a path that no browser, proxy or server changes."""
    quoted = quote(name, safe="", errors="surrogatepass").replace(_ESCAPE, "%7E")
    if not name.strip("."):
        quoted = quoted.replace(".", "%2E")
    return quoted.replace("%", _ESCAPE) or _EMPTY


def name_in(part: str) -> str:
    """Read the name of a study from its segment; a plain name, and what is no segment, stands for itself."""
    try:
        return unquote(part.replace(_ESCAPE, "%"), errors="surrogatepass") if part != _EMPTY else ""
    except UnicodeDecodeError:
        return part


def study_path(name: str) -> str:
    """Give the path of a study's page below the prefix."""
    return f"/studies/{segment(name)}"


def trial_path(name: str, number: int) -> str:
    """Give the path of a trial's page below the prefix."""
    return f"{study_path(name)}/trials/{number}"


def compare_path(name: str, numbers: Sequence[int]) -> str:
    """Give the path of the page that compares some trials."""
    return f"{study_path(name)}/compare?trials={','.join(map(str, numbers))}"


def with_query(path: str, query: Mapping[str, str | int | Sequence[str] | None]) -> str:
    """Add to a path those parameters of a query that are set."""
    given = {key: value for key, value in query.items() if value not in (None, "", (), [])}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path
