"""Limits that a study sets on what its trials log, such as `latency_ms: "<= 5"`."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LIMIT = re.compile(r"(?P<sign><=|>=)\s*(?P<bound>[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)", re.IGNORECASE)
LONGEST = 100  # characters of a name
RULE = 'must be a mapping of metrics to limits, such as `limits: {parameters: "<= 1e6", accuracy: ">= 0.9"}`'


@dataclass(frozen=True)
class Limit:
    """One limit: what it is on, the bound, and whether values are to lie below it."""

    name: str
    bound: float
    is_upper: bool

    def violation(self, value: float | None) -> float:
        """Say by how much a value breaks the limit, as Optuna's constraints do: more than 0 breaks it.

        In shares of the bound, because Optuna's TPE adds up the violations of all limits, whatever their
        units. A value that was no finite number, which is kept as None, breaks it by the whole bound.
        """
        if value is None or not math.isfinite(value):
            return 1.0
        beyond = value - self.bound if self.is_upper else self.bound - value
        return beyond / (abs(self.bound) or 1.0)

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.is_upper else '>='} {self.bound:g}"


def limits_of(given: Mapping[str, str] | None) -> tuple[Limit, ...]:
    """Read limits.

    Raises:
        ValueError: one of them is no limit; the message is the rule.
    """
    found = []
    for name, text in (given or {}).items():
        match = _LIMIT.fullmatch(str(text).strip())
        if (
            match is None
            or not name.strip()
            or len(name) > LONGEST
            or not math.isfinite(float(match["bound"]))
        ):
            raise ValueError(RULE)
        found.append(Limit(name, float(match["bound"]), match["sign"] == "<="))
    return tuple(found)


def kept_metrics(keep: Iterable[str] | None, limits: Mapping[str, str] | None) -> tuple[str, ...]:
    """Name each metric that a trial keeps once: those that are asked for, and those that are limited."""
    return tuple(dict.fromkeys([*(keep or ()), *(limits or ())]))
