"""How often a trial is trained, and what sets its trainings apart: a seed, or a fold of the data."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 100  # trainings of one trial
# Arguments of data that offer folds: which one is for validation, and of how many.
FOLD, FOLDS = "fold", "folds"
RULE = f"must be `{{seeds: 3}}` or `{{folds: 5}}`, with a number from 2 to {MOST}"


@dataclass(frozen=True)
class Repetition:
    """How often a trial is trained.

    Attributes:
        count: how often; 1 where nothing is repeated.
        by_folds: whether each training has another fold of the data for validation, and the same seed; else
            each has another seed.
    """

    count: int = 1
    by_folds: bool = False

    @classmethod
    def of(cls, repeats: Mapping[str, int] | None) -> "Repetition":
        """Read the setting.

        Raises:
            ValueError: it is none; the message is the rule.
        """
        if repeats is None:
            return cls()
        match dict(repeats):
            case {"seeds": int(count), **rest} if not rest and 2 <= count <= MOST:  # noqa: PLR2004
                return cls(count)
            case {"folds": int(count), **rest} if not rest and 2 <= count <= MOST:  # noqa: PLR2004
                return cls(count, by_folds=True)
        raise ValueError(RULE)

    def configuration(self, whole: Mapping[str, Any], repeat: int) -> dict[str, Any]:
        """Give what LightningCLI is given for one of the trainings of a configuration, counted from 0."""
        if not self.by_folds:
            return dict(whole)
        given = whole["data"]
        data = copy.deepcopy(dict(given)) if isinstance(given, Mapping) else {"class_path": given}
        data["init_args"] = {**(data.get("init_args") or {}), FOLD: repeat, FOLDS: self.count}
        return {**whole, "data": data}
