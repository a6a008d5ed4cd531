"""How a study's question is answered: Lightning modules fitted by workers. `tuner.Study` is the library."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.api import Manner, Study

__all__ = ["Manner", "Study"]


def __getattr__(name: str) -> Any:
    """Import the library only when it is asked for, since the command has to answer at once."""
    if name in __all__:
        from tuner import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
