"""What was raised while a request is answered: optuna-dashboard says "internal server error" of all alike."""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

raised: ContextVar[list[BaseException] | None] = ContextVar("raised", default=None)


def noted(call: Callable[P, T]) -> Callable[P, T]:
    """Take down what a call raises, for whoever answers the request."""

    @functools.wraps(call)
    def made(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return call(*arguments, **named)
        except Exception as error:
            if (found := raised.get()) is not None:
                found.append(error)
            raise

    return made
