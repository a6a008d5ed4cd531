"""A sampler that gives the values of some trials again and again, in turns."""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

CLASS_PATH = f"{__name__}.RepeatedSampler"


class RepeatedSampler(BaseSampler):
    """Slot `s` takes the values of candidate `s % len(candidates)`: each pass gives every one once."""

    reads_pruned = True  # it learns from none

    def __init__(self, trials: list[int], values: list[dict[str, Any]]) -> None:
        """Take the candidates: the numbers of their trials, and their values by full name."""
        self.trials = trials
        self.values = values

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Sample nothing jointly: all values are settled."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample nothing jointly."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Give the value that the slot's candidate has."""
        return self.values[trial.user_attrs["slot"] % len(self.values)][param_name]


def candidates_of(sampler: Mapping[str, Any] | None) -> list[int]:
    """Give the trials that a study with this sampler repeats; none where it repeats none."""
    if sampler is None or sampler["class_path"] != CLASS_PATH:
        return []
    return list(sampler["init_args"]["trials"])
