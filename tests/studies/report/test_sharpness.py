"""How sharp the loss around the winner is, in a sentence."""

from types import SimpleNamespace
from typing import Any

import pytest

from studies.report.sharpness import Sharpness, in_words


def measured(number: int, eigenvalue: float, adaptive: float) -> tuple[Any, Sharpness]:
    """Give what was measured around the weights of a trial."""
    contender = SimpleNamespace(original=SimpleNamespace(number=number))
    return contender, Sharpness(
        0.1, eigenvalue, 1.0, 0.1, adaptive, 0.5, (), 10, 10, is_plain=True, seconds=0.1
    )


@pytest.mark.parametrize(
    ("rivals", "said"),
    [
        ([(2.0, 0.1)], "of its rival 1 has a larger curvature, none has a larger adaptive sharpness."),
        (
            [(2.0, 3.0), (2.0, 0.1), (0.5, 0.1)],
            "of its 3 rivals 2 have a larger curvature, 1 has a larger adaptive sharpness.",
        ),
    ],
)
def test_rivals_are_counted_in_the_number_that_they_have(
    rivals: list[tuple[float, float]], said: str
) -> None:
    """One has, two have, and none has."""
    words = in_words([measured(7, 1.0, 1.0), *(measured(8, *rival) for rival in rivals)])
    assert words[0].endswith(said)
