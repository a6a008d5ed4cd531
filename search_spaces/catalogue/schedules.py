"""Schedules of the learning rate over the steps of a fit."""

from typing import Any

from search_spaces.space.nodes import Categorical, Choice, Float, Group

_CALLBACK = "tuner.callbacks.LearningRateSchedule"
_ARGUMENTS = "callbacks.schedule.init_args"


def schedule() -> Group:
    """Choose the schedule of the learning rate, what shapes it, and the share of steps that warm up.

    The one-cycle schedule rises by itself, so it has no warm-up of its own.
    """
    names = ("constant", "cosine", "linear", "step", "one_cycle", "polynomial")
    return Group(
        {
            "schedule": Choice(
                {name: Group(set=_callback(schedule=name)) for name in names}, default="cosine",
                why="large steps find the valley, small ones its bottom; which shape is best hangs on lr",
                source="Dahl et al. 2023",
            ),
            "schedule.gamma": Float(
                0.1, 0.9, default=0.3, target=f"{_ARGUMENTS}.gamma", when={"schedule": ("step",)},
                why="what the rate is multiplied by after each third of the steps",
                source="He et al. 2016",
            ),
            "schedule.power": Float(
                0.1, 2.0, default=1.0, target=f"{_ARGUMENTS}.power", when={"schedule": ("polynomial",)},
                why="below one the rate stays high for long, above one it falls at once",
                source="AlgoPerf baselines, Dahl et al. 2023",
            ),
            "schedule.end_factor": Float(
                1e-4, 1e-1, log=True, default=1e-2, target=f"{_ARGUMENTS}.end_factor",
                when={"schedule": ("linear", "polynomial")}, unit="share of lr",
                why="the rate at the end, as a share of the full rate",
                source="AlgoPerf baselines, Dahl et al. 2023",
            ),
            "schedule.warmup_fraction": Categorical(
                (0.0, 0.02, 0.05, 0.1), default=0.05, target=f"{_ARGUMENTS}.warmup_fraction",
                when={"schedule": tuple(name for name in names if name != "one_cycle")},
                unit="share of steps",
                why="at first the loss is sharp and the averages of Adam are noise",
                source="Goyal et al. 2017; Dahl et al. 2023",
            ),
        }
    )  # fmt: skip


def cosine_with_warmup() -> Group:
    """Fix a cosine from the full rate to zero, after a linear warm-up over the first 5 % of the steps."""
    return Group(set=_callback(schedule="cosine", warmup_fraction=0.05))


def _callback(**init_args: Any) -> dict[str, Any]:
    return {"callbacks.schedule": {"class_path": _CALLBACK, "init_args": init_args}}
