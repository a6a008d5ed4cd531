"""Names of studies in paths: whatever a study is called, one plain segment leads to it."""

import re
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tuner.web.pages.reading.addresses import name_in, segment, study_path, with_query


@given(st.text(max_size=50) | st.sampled_from(["", ".", "..", "a/../b", "%2F", "~7E", "a\nb", "x" * 500]))
def test_a_name_comes_back_from_its_segment(name: str) -> None:
    """No character of a name means anything to a browser, a proxy or a server, and none is lost."""
    part = segment(name)
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", part)
    assert part not in {".", ".."}
    assert name_in(part) == name


def test_a_plain_name_stands_for_itself() -> None:
    """Whoever types an address writes the name of a study as it is."""
    assert study_path("digits-2") == "/studies/digits-2"
    assert name_in("a study") == "a study"


def test_a_query_keeps_what_is_set() -> None:
    """What is not asked for does not stand in a link."""
    link = with_query("/a", {"outcome": None, "branch": ["x=1&2", "y=ü"], "top": 5, "scale": ""})
    assert urlsplit(link).query == "branch=x%3D1%262&branch=y%3D%C3%BC&top=5"
