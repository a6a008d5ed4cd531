"""Optuna's own evaluators, to stand beside ours.

They answer other questions: fANOVA gives main effects only, on a linear scale, of the parameters that all
trials have; PED-ANOVA says, one parameter at a time, how the best trials' values differ from all trials'
(Watanabe, Bansal and Hutter 2023).
"""

import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState


def optuna_importances(
    trials: Sequence[FrozenTrial], *, minimize: bool = True, seed: int = 0
) -> Mapping[str, Mapping[str, float]]:
    """Evaluate a study by Optuna's fANOVA and PED-ANOVA.

    Args:
        trials: the study's, with one value each; completed ones are read.
        minimize: the direction.
        seed: of fANOVA's random forest.

    Returns:
        For each evaluator's name the importance of each parameter that it covers, summing to one; empty where
        it refuses.
    """
    completed = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.values]
    copy = optuna.create_study(direction="minimize" if minimize else "maximize")
    copy.add_trials(
        [
            optuna.trial.create_trial(
                params=trial.params, distributions=trial.distributions, value=trial.value
            )
            for trial in completed
        ]
    )
    evaluators = {"fANOVA": FanovaImportanceEvaluator(seed=seed), "PED-ANOVA": PedAnovaImportanceEvaluator()}
    found: dict[str, Mapping[str, float]] = {}
    for name, evaluator in evaluators.items():
        try:
            # What Optuna warns of, such as few trials on a branch, our own evidence says of ours.
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                importances = optuna.importance.get_param_importances(copy, evaluator=evaluator)
        except (ValueError, RuntimeError):
            # No parameter is in all trials, or all scores are alike: Optuna refuses, and there is nothing to
            # show.
            importances = {}
        found[name] = {parameter: float(importance) for parameter, importance in importances.items()}
    return found
