"""Schedules of the learning rate over the steps of a fit."""

from search_spaces.space import Group

_CALLBACK = "tuner.training.schedules.LearningRateSchedule"


def cosine_with_warmup() -> Group:
    """Fix a cosine from the full rate to zero, after a linear warm-up over the first 5 % of the steps."""
    return Group(
        set={
            "callbacks.schedule": {
                "class_path": _CALLBACK,
                "init_args": {"schedule": "cosine", "warmup_fraction": 0.05},
            }
        }
    )
