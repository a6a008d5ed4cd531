"""When a study whose trials end with errors is given up."""

import re
from itertools import takewhile

from optuna.trial import FrozenTrial

from studies.ledger.ledger import Ledger
from studies.trials.outcomes import EFFECTS, Outcome, outcome_of
from studies.trials.record import TrialRecord

ALIKE_IN_A_ROW = 3  # errors of one kind after which a study is stopped
ERRORS_IN_A_ROW = 10  # errors of any kind after which it is

_FRAME = re.compile(r'^  File ".*", line \d+, in .*$', re.MULTILINE)


def errors_in_a_row(ledger: Ledger) -> list[FrozenTrial]:
    """List the trials, last to end first, that ended with an error, up to one that ended well.

    Interrupted ones say nothing and are passed over.
    """
    ended = [trial for trial in ledger.trials() if trial.datetime_complete is not None]
    # By number where the database keeps whole seconds only.
    ended.sort(key=lambda trial: (trial.datetime_complete, trial.number), reverse=True)
    telling = [trial for trial in ended if outcome_of(trial) not in (Outcome.PREEMPTED, Outcome.LOST)]
    return list(takewhile(_is_error, telling))


def is_failing(ledger: Ledger) -> int:
    """Give how many trials in a row ended with an error where those are enough to stop the study; else 0."""
    errors = errors_in_a_row(ledger)
    alike = list(takewhile(lambda trial: _kind(trial) == _kind(errors[0]), errors))
    if len(alike) >= ALIKE_IN_A_ROW:
        return len(alike)
    return len(errors) if len(errors) >= ERRORS_IN_A_ROW else 0


def _is_error(trial: FrozenTrial) -> bool:
    outcome = outcome_of(trial)
    return outcome is not None and EFFECTS[outcome].is_error


def _kind(trial: FrozenTrial) -> tuple[str, str]:
    """Say what sets an error apart: its class and the line that raised it, since messages hold values."""
    record = TrialRecord.of(trial)
    cause = record.cause or ""
    frames = _FRAME.findall(record.traceback or "")
    return cause.partition(":")[0], frames[-1] if frames else cause
