"""Callbacks that carry out the catalogue's choices. Their paths stand in users' files and never change."""

from tuner.callbacks.averaging import WeightAverage
from tuner.callbacks.constraints import MaxNorm, ProximalL1
from tuner.callbacks.decay import DecayTimescale
from tuner.callbacks.groups import UndecayedGroups
from tuner.callbacks.schedules import LearningRateSchedule

__all__ = [
    "DecayTimescale",
    "LearningRateSchedule",
    "MaxNorm",
    "ProximalL1",
    "UndecayedGroups",
    "WeightAverage",
]
