"""How a study's question is answered: Lightning modules fitted by workers; `tuner.tune` is the way in."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int
    from tuner.api import Manner, Study, tune

__all__ = ["Categorical", "Choice", "Float", "Group", "Int", "Manner", "Study", "tune"]


def __getattr__(name: str) -> Any:
    """Import the library only when it is asked for, since the command has to answer at once."""
    if name in __all__:
        from tuner import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what the library holds, before it is imported, for whoever types on in a notebook."""
    return __all__
