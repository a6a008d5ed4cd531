"""What the data of a study are, where these are a table."""

from typing import TYPE_CHECKING, Any

from tuner.preparation.apart import ask_apart

if TYPE_CHECKING:
    from tuner.data.tabular.described import Description

_TABLES = ("tuner.data.Table", "tuner.data.lightning_pytorch.Table")


def described(section: Any, source: str) -> "Description | None":
    """Describe the table that a `data` section names, in a process of its own; None where it names none.

    Raises:
        BadData: whatever is wrong with the file.
    """
    if not isinstance(section, dict) or section.get("class_path") not in _TABLES:
        return None
    found: Description = ask_apart(
        "tuner.data.tabular.described.describe",
        section.get("init_args") or {},
        section,
        source=source,
        silent="its process ended while the table was read.",
    )
    return found
