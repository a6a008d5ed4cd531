"""The parts of a report's section as a terminal shows them: words and tables, no figures."""

from collections.abc import Sequence

from rich.console import Console

from studies.report.parts import Heading, Items, Part, Table, Words
from tuner.terminal.screen import print_table


def print_parts(screen: Console, parts: Sequence[Part]) -> None:
    """Print what can be read in lines."""
    for part in parts:
        if isinstance(part, Words | Heading):
            screen.print(part.text, style="dim" if isinstance(part, Words) and part.is_note else None)
        elif isinstance(part, Items):
            for line in part.lines:
                screen.print(f"- {line}")
        elif isinstance(part, Table):
            print_table(screen, part.heads, [[_cell(cell) for cell in row] for row in part.rows])


def _cell(cell: str | tuple[str, str]) -> str:
    return cell if isinstance(cell, str) else f"{cell[0]} ({cell[1]})"
