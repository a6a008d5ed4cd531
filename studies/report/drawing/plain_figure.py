"""A figure that is only drawn: described as plotly's are, without plotly's checks.

Plotly checks each property of each trace, which takes ten times as long as drawing the figure. A page that is
drawn again whenever a trial reports needs none of that: `draw_svg` reads this as it reads plotly's figures.
"""

from typing import Any, Self

_PARTS = frozenset({"colorbar", "error_y", "line", "marker", "title", "xaxis", "yaxis"})


class Part:
    """A part of a figure: what is not given is None, or an empty part where plotly has one of that name."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __getattr__(self, name: str) -> Any:
        """Give a property by plotly's name."""
        value = self._given.get(name)
        if name not in _PARTS:
            return value
        if isinstance(value, str):  # a title may be given as its text
            return Part({"text": value})
        return Part(value or {})

    __getitem__ = __getattr__


class PlainFigure:
    """A figure that takes what the figures of the report are given, by the names of plotly's methods."""

    def __init__(self) -> None:
        self.data: list[Part] = []
        self._axes: dict[str, dict[str, Any]] = {"xaxis": {}, "yaxis": {}}
        self._layout: dict[str, Any] = {}

    @property
    def layout(self) -> Part:
        """The layout, with the axes."""
        return Part({**self._layout, **self._axes})

    def add_scatter(self, **given: Any) -> Self:
        """Add points or a line."""
        self.data.append(Part({"type": "scatter", **given}))
        return self

    def update_layout(self, **given: Any) -> Self:
        """Change the layout."""
        self._layout |= given
        return self

    def update_xaxes(self, **given: Any) -> Self:
        """Change the axis of x."""
        self._axes["xaxis"] |= given
        return self

    def update_yaxes(self, **given: Any) -> Self:
        """Change the axis of y."""
        self._axes["yaxis"] |= given
        return self
