"""The library under the commands, and what scripts and notebooks call."""

from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int
from studies.ledger.status import Status
from studies.running.confirmation import Candidate, Recommendation
from studies.trials.record import TrialRecord
from tuner.api.manner import Manner
from tuner.api.study import Study
from tuner.api.tune import tune
from tuner.workers.processes.interruption import EndedAtOnce

__all__ = [
    "Candidate",
    "Categorical",
    "Choice",
    "EndedAtOnce",
    "Float",
    "Group",
    "Int",
    "Manner",
    "Recommendation",
    "Status",
    "Study",
    "TrialRecord",
    "tune",
]
