"""Would early stopping have lost the best trials? A replay over the curves that are known to their end.

The trials come one after the other, in their order, as if one worker ran them; each is reported validation by
validation to the pruner, which sees of earlier trials what it would have left of them. Trials that the study
itself stopped have no known end and take no part, so what is lost of those is not known.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import optuna

from studies.definition.classes import make_pruner
from studies.definition.length import TrialLength
from studies.proposing.optuna_pruner import NO_PRUNING, decisions_of, default_pruner
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

FEWEST_CURVES = 15  # of which anything is told: a rung of three needs some trials before it decides
MOST_CURVES = 400  # that are replayed, the first ones: asking a pruner grows with their square
TOP = 5
# A report may be of anybody's database, and makes no class that could run code: only these, of plain values.
REPLAYED = frozenset(
    f"optuna.pruners.{name}Pruner"
    for name in ("SuccessiveHalving", "Hyperband", "Median", "Percentile", "Threshold")
)


@dataclass(frozen=True)
class Replay:
    """What a pruner would have done to trials whose whole curves are known.

    Attributes:
        curves: how many it rests on.
        validations: of a whole curve.
        pruner: its class.
        is_own: whether the study names it, or has it as its default.
        winner: the number of the trial that the study calls its best; None where its curve is not replayed.
        winner_stopped: the validation after which the pruner would have stopped it; None where it would not.
        top: the numbers of the trials with the best scores, the best first.
        lost: those of them that the pruner would have stopped, and after which validation.
        stopped: how many trials it would have stopped in all.
        saved: the part of all validations that it would have saved.
    """

    curves: int
    validations: int
    pruner: str
    is_own: bool
    winner: int | None
    winner_stopped: int | None
    top: tuple[int, ...]
    lost: Mapping[int, int]
    stopped: int
    saved: float

    @property
    def lost_share(self) -> float:
        """The share of the best trials that would have been stopped."""
        return len(self.lost) / len(self.top)

    def in_words(self) -> str:
        """Say it in two sentences."""
        name = self.pruner.rpartition(".")[2]
        whose = name if self.is_own else f"the default pruner, {name},"
        ends = f"{len(self.lost)} of the {len(self.top)} best trials"
        which = ", ".join(f"trial {number} after validation {step}" for number, step in self.lost.items())
        if self.winner is None:
            winner = "The winner takes no part, since its curve is none of theirs."
        elif self.winner_stopped is None:
            winner = f"The winner, trial {self.winner}, would have run to its end."
        else:
            winner = (
                f"The winner, trial {self.winner}, would have been stopped after validation "
                f"{self.winner_stopped}."
            )
        return (
            f"Replayed over the {self.curves} trials that ran to their end, {whose} would have stopped "
            f"{ends}{f' ({which})' if which else ''}, and {self.stopped} trials in all, which saves "
            f"{self.saved:.0%} of their validations. {winner}"
        )

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        return {
            "curves": self.curves,
            "pruner": self.pruner,
            "winner": None
            if self.winner is None
            else {"number": self.winner, "stopped_after": self.winner_stopped},
            "top": list(self.top),
            "lost": [{"number": number, "after": step} for number, step in self.lost.items()],
            "lost_share": self.lost_share,
            "stopped": self.stopped,
            "saved": self.saved,
            "sentence": self.in_words(),
        }


def replay_early_stopping(
    trials: Sequence[TrialRecord],
    pruner: Mapping[str, Any] | None,
    *,
    minimizes: bool,
    winner: int | None = None,
) -> Replay | None:
    """Replay the trials that ran to their end under a pruner.

    Args:
        trials: of the study, in any order.
        pruner: the study's, as `class_path` and `init_args`; None, and one that stops nothing, are
            replaced by the default for trials of that length.
        minimizes: whether a smaller score is better.
        winner: the number of the trial that the study calls its best, as fresh seeds may have decided; by
            default the one of those replayed with the best score.

    Returns:
        None where fewer than `FEWEST_CURVES` whole curves are known, or curves have one validation, or the
        pruner is none of `REPLAYED`.
    """
    whole = [
        trial
        for trial in sorted(trials, key=lambda trial: trial.number)
        if trial.outcome is Outcome.COMPLETED and trial.score is not None and trial.curve
    ]
    if not whole:
        return None
    validations = Counter(max(trial.curve) for trial in whole).most_common(1)[0][0]
    whole = [trial for trial in whole if max(trial.curve) == validations][:MOST_CURVES]
    if len(whole) < FEWEST_CURVES or validations < 2:  # noqa: PLR2004 - something to stop before the end
        return None
    given = pruner if pruner is not None and pruner["class_path"] != NO_PRUNING else None
    chosen = given or default_pruner(TrialLength(max_epochs=validations))
    if not _is_plain(chosen):
        return None
    stopped = _stopped(whole, chosen, validations, minimizes=minimizes)
    sign = 1.0 if minimizes else -1.0
    # One that breaks a limit of the study is never the best.
    ranked = sorted(whole, key=lambda trial: (bool(trial.broken), sign * (trial.score or 0.0), trial.number))
    top = tuple(trial.number for trial in ranked[:TOP])
    named = top[0] if winner is None else winner
    is_replayed = any(trial.number == named for trial in whole)
    trained = sum(stopped.get(trial.number, validations) for trial in whole)
    return Replay(
        len(whole),
        validations,
        chosen["class_path"],
        given is not None or pruner is None,
        named if is_replayed else None,
        stopped.get(named),
        top,
        {number: stopped[number] for number in top if number in stopped},
        len(stopped),
        1 - trained / (len(whole) * validations),
    )


def _is_plain(pruner: Mapping[str, Any]) -> bool:
    """Say whether a pruner is one of Optuna's own that takes plain values, and is given nothing else."""
    given = pruner.get("init_args") or {}
    return pruner["class_path"] in {*REPLAYED, NO_PRUNING} and not any(
        isinstance(value, Mapping | list) for value in given.values()
    )


def _stopped(
    trials: Sequence[TrialRecord], pruner: Mapping[str, Any], validations: int, *, minimizes: bool
) -> dict[int, int]:
    """Give the validation after which each trial that is stopped is."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(
            direction="minimize" if minimizes else "maximize", pruner=make_pruner(pruner)
        )
        due = decisions_of(pruner)
        found = {}
        for record in trials:
            trial = study.ask()
            for step, score in record.curve.items():
                trial.report(score, step)
                # At its last validation a trial has nothing left to save.
                is_due = step < validations and (due is None or step in due) and isfinite(score)
                if is_due and trial.should_prune():
                    found[record.number] = step
                    break
            if record.number in found:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(trial, record.score)
        return found
    finally:
        optuna.logging.set_verbosity(level)
