"""The attributes that a trial of ours carries in Optuna's tables: each key once, and which trials are ours.

`optuna.Study.add_trial` and `enqueue_trial` are there for everybody. What they add is read by the study's
sampler. It spends no slot, is never the best, and counts nowhere.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

from optuna.trial import FrozenTrial, TrialState

# From its beginning: the slot and the ledger that it is an attempt at; which attempt it is, counted from 1;
# the number of the attempt before, if there was one; whether it is quasi-random; its worker; where its
# log is.
SLOT, ATTEMPT, LEDGER, EARLIER = "slot", "attempt", "ledger", "earlier"
EXPLORATION, WORKER, LOGS = "exploration", "worker", "logs"
SPACE_VERSION = "space_version"  # the version of the space that it was asked under, counted from 1
CONFIGURATION = "configuration"  # what is trained; a trial has one as soon as all values are chosen
ORIGIN, WHY = "origin", "why"  # how its values were proposed, and the same in words
EXPECTED = "expected"  # the score that a model expected of it
ANEW = "anew"  # why it did not go on from the checkpoint of an earlier attempt
FOLDER = "folder"  # of one that goes on in the folder of an earlier attempt: the folder's name
# From its end: how and why it ended, the seconds that it took, how many validations it would have had.
OUTCOME, CAUSE, TRACEBACK = "outcome", "cause", "traceback"
SECONDS, VALIDATIONS = "seconds", "validations"
KILLED = "killed"  # of a lost one: it was its training that was killed, and not its worker
UNPRUNED = "unpruned"  # why the default pruner could not stop it
WEIGHTS = "weights"  # the digest of the file of its weights, and where the file lies
METRICS = "metrics"  # further metrics as they were at the score, by name; None for one that was no number
REPEATS = "repeats"  # of one that is trained several times: score and metrics of each training that is done
# As a training gives them: numbers by which it can be judged, why some are missing, torch's threads.
FACTS, FACTS_MISSING, THREADS = "facts", "facts_missing", "threads"


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


def without_continued(trials: Sequence[FrozenTrial], paused: str) -> list[FrozenTrial]:
    """Leave out the attempts at a slot that were paused and go on as a later one, which carries their curve.

    Args:
        trials: of one study.
        paused: how a trial says by its attribute `OUTCOME` that it was paused.
    """
    if not any(trial.user_attrs.get(OUTCOME) == paused for trial in trials):
        return list(trials)
    last: dict[tuple[Any, Any], int] = {}
    for trial in trials:
        of, attempt = _slot_of(trial), trial.user_attrs.get(ATTEMPT)
        if is_count(attempt):
            last[of] = max(attempt, last.get(of, 0))
    return [
        trial
        for trial in trials
        if trial.user_attrs.get(OUTCOME) != paused
        or not is_count(attempt := trial.user_attrs.get(ATTEMPT))
        or attempt == last[_slot_of(trial)]
    ]


def _slot_of(trial: FrozenTrial) -> tuple[Any, Any]:
    return str(trial.user_attrs.get(LEDGER)), str(trial.user_attrs.get(SLOT))


def as_number(value: object) -> float | None:
    """Give a number that was read as a float; None for anything else, or where it is too large."""
    if not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # JSON has whole numbers of any length
        return None
