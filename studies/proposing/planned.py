"""A sampler for one trial whose values, or some of them, are settled beforehand."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space.nodes import Value


class PlannedSampler(BaseSampler):
    """Gives the planned values, and asks another sampler for what the plan does not hold.

    Optuna's `enqueue_trial` does this through a queue in the database, from which another worker may take
    the trial.
    """

    def __init__(self, plan: Mapping[str, Value], otherwise: BaseSampler) -> None:
        """Plan the values by full name."""
        self._plan = plan
        self.otherwise = otherwise

    # What Optuna passes and a method has no use for, its base class still asks to accept.
    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Sample nothing jointly: what is planned needs no sampler."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample nothing jointly."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Give the planned value, or the other sampler's."""
        if param_name in self._plan:
            return self._plan[param_name]
        return self.otherwise.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Tell the other sampler, which may keep accounts."""
        self.otherwise.before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Tell the other sampler, which may learn from the trial."""
        self.otherwise.after_trial(study, trial, state, values)
