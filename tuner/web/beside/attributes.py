"""The attributes of trials and studies as optuna-dashboard shows them: what people read, by plain names."""

from collections.abc import Mapping
from typing import Any

from optuna.trial import FrozenTrial

from studies.database.identity import DEFINITION, LEDGER, VERSION
from studies.report.tested import TESTED
from studies.trials import attributes
from studies.trials.attributes import is_count
from studies.trials.outcomes import outcome_of

_PREFIX = "tuner:"  # of what a study of ours keeps for us
# In this order. What is not here is for us, such as the token of a worker's claim, or stands elsewhere.
_NAMES: Mapping[str, str] = {
    attributes.CAUSE: "cause",
    attributes.SLOT: "slot",
    attributes.ATTEMPT: "attempt at the slot",
    attributes.EARLIER: "goes on from trial",
    attributes.ANEW: "began anew because",
    attributes.ORIGIN: "values come from",
    attributes.WHY: "why these values",
    attributes.SECONDS: "seconds",
    attributes.WORKER: "worker",
    attributes.UNPRUNED: "not pruned because",
}
_OURS = frozenset(
    {
        *_NAMES,
        attributes.LEDGER,
        attributes.EXPLORATION,
        attributes.LOGS,
        attributes.SPACE_VERSION,
        attributes.CONFIGURATION,
        attributes.FOLDER,
        attributes.OUTCOME,
        attributes.TRACEBACK,
        attributes.VALIDATIONS,
        attributes.KILLED,
        attributes.WEIGHTS,
        attributes.FACTS,
        attributes.FACTS_MISSING,
        attributes.THREADS,
    }
)


def is_ours(told: Mapping[str, Any]) -> bool:
    """Say whether a trial with these attributes is an attempt at a slot of ours."""
    return is_count(told.get(attributes.SLOT)) and is_count(told.get(attributes.ATTEMPT))


def of_trial(trial: FrozenTrial) -> dict[str, Any]:
    """Give a trial's attributes as they are shown; those of another program's trial as they are."""
    told = trial.user_attrs
    if not is_ours(told):
        return dict(told)
    outcome = outcome_of(trial)
    shown: dict[str, Any] = {"outcome": "running" if outcome is None else outcome.value}
    shown |= {name: told[key] for key, name in _NAMES.items() if key in told}
    if isinstance(facts := told.get(attributes.FACTS), dict):
        shown |= {str(name).replace("_", " "): value for name, value in facts.items()}
    return shown | {key: value for key, value in told.items() if key not in _OURS}


def of_study(told: Mapping[str, Any]) -> dict[str, Any]:
    """Give a study's attributes as they are shown: without the raw definition."""
    shown: dict[str, Any] = {key: value for key, value in told.items() if not key.startswith(_PREFIX)}
    if LEDGER in told or DEFINITION in told:
        shown |= {"interplay-tuner": told.get(VERSION)}
    tested = told.get(TESTED)
    if isinstance(tested, dict) and isinstance(scores := tested.get("scores"), dict):
        shown |= {f"{name} of trial {tested.get('trial')}": value for name, value in scores.items()}
    return shown
