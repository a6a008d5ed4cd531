"""A pair of parameters that was asked for, as a terminal shows it and as plain data."""

from typing import Any

from rich.console import Console

from search_spaces.space.describe import show_value
from studies.analysis.views import PairView
from studies.analysis.words import pair_in_words
from tuner.terminal.screen import print_table

MOST_ROWS = 7  # of the table of best values


def print_pair(screen: Console, view: PairView) -> None:
    """Print what two parameters do together, and where the best value of the first lies."""
    names = " x ".join(view.effect.names)
    if view.effect.share is None:
        screen.print(f"{names}: the trials show no structure, so nothing is told of this pair.")
        return
    screen.print(f"{names}: {pair_in_words(view)}")
    if not (view.effect.low or 0.0) > 0:
        screen.print("The interval holds zero: the trials do not show that the two interact.")
    drift = view.drift
    rows = [
        [_cell(each) for each in row]
        for row in zip(drift.values, drift.best, drift.low, drift.high, strict=True)
    ]
    print_table(
        screen,
        (drift.along, f"best {drift.name}", "from", "to"),
        rows[:: max(len(rows) // (MOST_ROWS - 1), 1)],
    )


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else show_value(value)  # type: ignore[arg-type]


def pair_data(view: PairView) -> dict[str, Any]:
    """Give a pair that was asked for as plain data."""
    drift, effect = view.drift, view.effect
    places = zip(drift.values, drift.best, drift.low, drift.high, strict=True)
    return {
        "names": list(effect.names),
        "share": effect.share,
        "low": effect.low,
        "high": effect.high,
        "n": effect.trials,
        "sentence": None if effect.share is None else pair_in_words(view),
        "best_of": drift.name,
        "along": drift.along,
        "best": [dict(zip(("at", "value", "low", "high"), place, strict=True)) for place in places],
    }
