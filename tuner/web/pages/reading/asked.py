"""What a page was asked for: the query of its address, read strictly, and written again for links."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from search_spaces.space.nodes import Group
from search_spaces.space.parameters import Parameter, options, parameters
from studies.trials.outcomes import Outcome

RUNNING = "running"
ORDERS = {"newest": "the newest first", "best": "the best first", "oldest": "the oldest first"}
SCALES = {"linear": "linear", "log": "logarithmic", "rank": "rank"}
MOST, MOST_PAGES, ROWS = 1000, 10**6, 50
FEWEST_COMPARED, MOST_COMPARED = 2, 10
_LONGEST = 60  # characters that a sentence shows of what was given


@dataclass(frozen=True)
class Asked:
    """Which trials of a study, in which order, on which scale of the score.

    `outcome` is the name of an outcome or `running`. `branches` are options of choices. With `top` only the
    best so many are meant. `scale` is None where the scores decide.
    """

    outcome: str | None = None
    branches: tuple[tuple[str, str], ...] = ()
    top: int | None = None
    order: str = "newest"
    scale: str | None = None
    page: int = 1

    @classmethod
    def of(cls, query: QueryParams, space: Group | None) -> Self:
        """Read a query.

        Raises:
            HTTPException: with status 400, where a value is none of those that there are.
        """
        outcome = query.get("outcome") or None
        known = [RUNNING, *(each.value for each in Outcome)]
        if outcome is not None and outcome not in known:
            raise wrong("outcome", outcome, f"one of {', '.join(known)}")
        order, scale = query.get("order") or "newest", query.get("scale") or None
        if order not in ORDERS:
            raise wrong("order", order, f"one of {', '.join(ORDERS)}")
        if scale is not None and scale not in SCALES:
            raise wrong("scale", scale, f"one of {', '.join(SCALES)}")
        pairs = [pair for pair in query.getlist("branch") if pair]
        return cls(
            outcome=outcome,
            branches=tuple(_branch(pair, space) for pair in pairs),
            top=whole("top", query.get("top"), MOST),
            order=order,
            scale=scale,
            page=whole("page", query.get("page"), MOST_PAGES) or 1,
        )

    def query(self, **changes: str | int | None) -> dict[str, str | int | Sequence[str] | None]:
        """Write it as the parameters of a query, with changes; what is usual is left out."""
        found: dict[str, str | int | Sequence[str] | None] = {
            "outcome": self.outcome,
            "branch": [f"{name}={option}" for name, option in self.branches],
            "top": self.top,
            "order": None if self.order == "newest" else self.order,
            "scale": self.scale,
            "page": None if self.page == 1 else self.page,
        }
        return found | changes

    @property
    def is_filtered(self) -> bool:
        """Whether some trials are left out."""
        return self.outcome is not None or bool(self.branches) or self.top is not None


def compared(query: QueryParams) -> list[int]:
    """Read which trials are to be compared: `trials=3,7,12`, or `trials` several times.

    Raises:
        HTTPException: with status 400, where these are no two to ten numbers.
    """
    given = [part.strip() for text in query.getlist("trials") for part in text.split(",") if part.strip()]
    numbers = list(dict.fromkeys(_number(part) for part in given))
    if not FEWEST_COMPARED <= len(numbers) <= MOST_COMPARED:
        count = f"{len(numbers)} trial{'' if len(numbers) == 1 else 's'}"
        raise HTTPException(
            400,
            f"Two to ten trials can be compared, but got {count}; write them into the address, such as "
            "?trials=3,7,12.",
        )
    return numbers


def branching(space: Group | None) -> list[Parameter]:
    """List the choices on which other parameters depend: those that trials can be filtered by."""
    known = [] if space is None else parameters(space)
    named = {name for parameter in known for name in parameter.conditions}
    return [parameter for parameter in known if parameter.name in named]


def wrong(name: str, given: str, rule: str, status: int = 400) -> HTTPException:
    """Give the error of a value of a query that is none of those that there are."""
    shown = given if len(given) <= _LONGEST else f"{given[:_LONGEST]}…"
    return HTTPException(status, f"`{name}` in the address must be {rule}, but got {shown!r}.")


def _branch(pair: str, space: Group | None) -> tuple[str, str]:
    name, _, option = pair.partition("=")
    for parameter in branching(space):
        if parameter.name == name:
            there = [str(each) for each in options(parameter.node)]
            if option in there:
                return name, option
            raise wrong("branch", pair, f"an option of {name}: {', '.join(there)}")
    names = ", ".join(parameter.name for parameter in branching(space))
    raise wrong("branch", pair, f"`CHOICE=OPTION` of one of {names}" if names else "left out: there are none")


def whole(name: str, given: str | None, most: int, *, least: int = 1, status: int = 400) -> int | None:
    """Read a whole number; None where none is given.

    Raises:
        HTTPException: with `status`, where it is none from `least` to `most`.
    """
    if not given:
        return None
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(most))
    if not is_number or not least <= int(given) <= most:
        raise wrong(name, given, f"a whole number from {least} to {most}", status)
    return int(given)


def _number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < len(str(MOST_PAGES)) + 3):
        raise wrong("trials", given, "numbers of trials, such as 3,7,12")
    return int(given)
