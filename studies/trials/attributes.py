"""Which trials of a study are attempts at its slots, and which another program has put there.

`optuna.Study.add_trial` and `enqueue_trial` are there for everybody. What they add is read by the study's
sampler. It spends no slot, is never the best, and counts nowhere.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType, UnionType
from typing import Any, TypeGuard

from optuna.trial import FrozenTrial, TrialState

SLOT, ATTEMPT, EARLIER = "slot", "attempt", "earlier"  # attributes of a trial
LEDGER = "ledger"  # attribute of a trial: the ledger whose slot it was made for


def claim(ledger: str, slot: int, attempt: int) -> dict[str, Any]:
    """Give the attributes by which an attempt is told from every other trial of a database."""
    return {SLOT: slot, ATTEMPT: attempt, LEDGER: ledger}


def attempts(trials: Iterable[FrozenTrial], ledger: str, *, are_marked: bool) -> list[FrozenTrial]:
    """Keep the trials that are attempts at the slots of a ledger.

    Args:
        trials: all trials of a study, by number.
        ledger: the study's ledger.
        are_marked: whether its attempts name the ledger; those of a study that an older version made do not.
    """
    found: list[FrozenTrial] = []
    scored: set[tuple[int, int]] = set()
    for trial in trials:
        attributes = trial.user_attrs
        mark = attributes.get(LEDGER, None if are_marked else ledger)
        slot, attempt = attributes.get(SLOT), attributes.get(ATTEMPT)
        if mark != ledger or not is_count(slot) or not is_count(attempt):
            continue
        # An attempt may leave two trials where the database lost an answer, but one of them has failed.
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            if (slot, attempt) in scored:
                continue  # somebody has added a copy of it
            scored.add((slot, attempt))
        found.append(trial)
    return found


def is_count(value: object) -> TypeGuard[int]:
    """Say whether an attribute is a whole number that is not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def earlier_of(trial: FrozenTrial) -> int | None:
    """Give the number of the attempt before at the same slot; None where a trial is the first."""
    earlier = trial.user_attrs.get(EARLIER)
    return earlier if is_count(earlier) and earlier < trial.number else None


ANEW = "anew"  # attribute of a trial: why it did not go on from the checkpoint of an earlier attempt

# What a trial's attributes that are shown hold.
_TYPES: Mapping[str, type | UnionType] = MappingProxyType(
    {
        SLOT: int,
        ATTEMPT: int,
        "exploration": bool,
        "seconds": int | float,
        "cause": str,
        "traceback": str,
        ANEW: str,
        "logs": str,
        "configuration": dict,
        "facts": dict,
        "facts_missing": dict,
        "weights": dict,
    }
)


def attribute(trial: FrozenTrial, key: str) -> Any:
    """Give an attribute that is shown; None where the trial has none, or one of another kind."""
    value = trial.user_attrs.get(key)
    if key == "facts" and isinstance(value, dict):
        return {name: fact for name, fact in value.items() if isinstance(fact, int | float)}
    return value if isinstance(value, _TYPES[key]) else None
