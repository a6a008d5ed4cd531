"""What a terminal shows, as HTML for a notebook and as text for whoever draws by rich."""

import io
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.text import Text

_WIDTH = 110  # columns
_BLOCK = '<pre style="white-space:pre;overflow-x:auto;line-height:normal;font-family:monospace">{code}</pre>'


def as_html(shown: RenderableType) -> str:
    """Draw as HTML, with the styles in it."""
    return html_of(lambda screen: screen.print(shown))


def html_of(draw: Callable[[Console], None]) -> str:
    """Give as HTML what is printed to a screen."""
    screen = Console(
        record=True, file=io.StringIO(), width=_WIDTH, highlight=False, markup=False, force_jupyter=False
    )
    draw(screen)
    return screen.export_html(inline_styles=True, code_format=_BLOCK)


class Shown:
    """Something that draws itself on a screen, in a terminal that rich writes to and in a notebook."""

    def draw(self, screen: Console) -> None:
        """Print it."""
        raise NotImplementedError

    def __rich__(self) -> Text:
        """Give it for `rich.print`."""
        written = io.StringIO()
        screen = Console(
            file=written,
            force_terminal=True,
            width=_WIDTH,
            highlight=False,
            markup=False,
            force_jupyter=False,
        )
        self.draw(screen)
        return Text.from_ansi(written.getvalue().rstrip("\n"))

    def __str__(self) -> str:
        """Give it without styles."""
        written = io.StringIO()
        self.draw(Console(file=written, width=_WIDTH, highlight=False, markup=False, force_jupyter=False))
        return written.getvalue().rstrip("\n")

    def _repr_html_(self) -> str:
        """Give it for a notebook."""
        return html_of(self.draw)
