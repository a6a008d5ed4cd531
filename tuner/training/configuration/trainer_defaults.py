"""What a search does not want of a trainer unless the study's `trainer` section asks for it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

TRAINER_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
    }
)
