"""What a file of kept weights holds beside them: objects are not loaded, since that could run code."""

from pathlib import Path

from torch.serialization import get_unsafe_globals_in_checkpoint

MOST_NAMED = 3


def held_objects(file: Path) -> str | None:
    """Name the classes of the objects that a checkpoint holds, as the end of a sentence.

    A module that keeps objects among its hyperparameters (`save_hyperparameters`) has them there.

    Args:
        file: a checkpoint of Lightning's.

    Returns: None where it holds weights and plain values only, which torch loads without running code.
    """
    found = sorted(get_unsafe_globals_in_checkpoint(file))
    if not found:
        return None
    listed = ", ".join(found[:MOST_NAMED]) + (" and more" if len(found) > MOST_NAMED else "")
    return f"its checkpoint holds {listed}, and only weights and plain values are loaded"
