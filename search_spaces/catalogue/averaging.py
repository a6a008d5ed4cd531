"""Averages of the weights over the steps, which are validated and kept in their place."""

from typing import Any

from search_spaces.space.nodes import Choice, Float, Group


def averaging() -> Group:
    """Average the weights or not: all alike (SWA), or recent ones more (EMA); if so, from when on."""
    return Group(
        {
            "averaging": Choice(
                {"none": Group(), "swa": Group(set=_callback("swa")), "ema": Group(set=_callback("ema"))},
                default="none", why="the mean of several weights lies lower in the valley than each of them",
                source="Izmailov et al. 2018; Polyak & Juditsky 1992",
            ),
            "averaging.start": Float(
                0.5, 0.9, default=0.75, target="callbacks.averaging.init_args.start",
                when={"averaging": ("swa", "ema")}, unit="share of steps",
                why="weights from before are still on their way and would spoil the mean",
                source="Kadra et al. 2021",
            ),
            "averaging.horizon": Float(
                0.005, 0.2, log=True, default=0.05, target="callbacks.averaging.init_args.horizon",
                when={"averaging": ("ema",)}, unit="share of steps",
                why="how far the average looks back, 1 / (1 - decay); as a share it suits fits of any length",
                source="Busbridge et al. 2023, How to scale your EMA",
            ),
        }
    )  # fmt: skip


def _callback(kind: str) -> dict[str, Any]:
    path = "tuner.callbacks.WeightAverage"
    return {"callbacks.averaging": {"class_path": path, "init_args": {"kind": kind}}}
