"""Why a class could not be made: told in one sentence with the error's own type and words."""

import random
from itertools import product
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningDataModule
from pytorch_lightning.loggers import CSVLogger
from torch import nn

from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tuner.errors import BadConfiguration
from tuner.training.configuration.assembly import assemble

pytestmark = IN_MEMORY

SAMPLE = 40  # of all combinations in the suite; all 792 were tried once
HERE = __name__


class OwnError(Exception):
    """An error of the user's own."""


KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        ValueError, TypeError, KeyError, RuntimeError, FileNotFoundError, AssertionError, AttributeError,
        ZeroDivisionError, ImportError, NotImplementedError, OwnError,
    )
}  # fmt: skip
TEXTS = (
    "wrong size 7",
    "two\nlines of it",
    "",
    None,
    "Errors: - nothing",
    "Given value: 3",
    'Parser key "model": x',
    "a {brace} and 'quotes'",
    "- a dash",
)


def fail(kind: str, text: str | None) -> None:
    """Raise what was asked for."""
    if kind:
        raise KINDS[kind](*([] if text is None else [text]))


class OwnPart(nn.Module):
    """A part of a network."""

    def __init__(self, kind: str = "", text: str | None = None, inner: nn.Module | None = None) -> None:
        super().__init__()
        fail(kind, text)
        self.inner = inner


class OwnModel(Small):
    """A module with parts."""

    def __init__(
        self,
        kind: str = "",
        text: str | None = None,
        part: nn.Module | None = None,
        parts: list[nn.Module] | None = None,
    ) -> None:
        super().__init__()
        fail(kind, text)
        self.part, self.parts = part, torch.nn.ModuleList(parts or [])


class OwnData(LightningDataModule):
    """Data."""

    def __init__(self, kind: str = "", text: str | None = None) -> None:
        super().__init__()
        fail(kind, text)


class OwnCallback(Callback):
    """A callback."""

    def __init__(self, kind: str = "", text: str | None = None) -> None:
        fail(kind, text)


class OwnLogger(CSVLogger):
    """A logger."""

    def __init__(self, kind: str = "", text: str | None = None) -> None:
        super().__init__("logs")
        fail(kind, text)


def configuration(place: str, kind: str, text: str | None) -> tuple[dict[str, Any], str]:  # noqa: PLR0911 - one a place
    """Write a configuration with a class that fails in one place; give it with the key of that place."""

    def named(cls: type, **init_args: Any) -> dict[str, Any]:
        return {"class_path": f"{HERE}.{cls.__name__}", "init_args": init_args}

    def failing(cls: type) -> dict[str, Any]:
        return named(cls, kind=kind, text=text)

    model, trainer = named(OwnModel), {"max_epochs": 1}
    match place:
        case "model":
            return {"model": failing(OwnModel), "trainer": trainer}, "model"
        case "data":
            return {"model": model, "data": failing(OwnData), "trainer": trainer}, "data"
        case "callback":
            callbacks = [{"class_path": "pytorch_lightning.callbacks.Timer"}, failing(OwnCallback)]
            return {"model": model, "trainer": {**trainer, "callbacks": callbacks}}, "trainer.callbacks.1"
        case "logger":
            return {"model": model, "trainer": {**trainer, "logger": failing(OwnLogger)}}, "trainer.logger"
        case "loggers":
            return {
                "model": model,
                "trainer": {**trainer, "logger": [failing(OwnLogger)]},
            }, "trainer.logger.0"
        case "part":
            part = named(OwnModel, part=failing(OwnPart))
            return {"model": part, "trainer": trainer}, "model.init_args.part"
        case "parts":
            parts = named(OwnModel, parts=[failing(OwnPart)])
            return {"model": parts, "trainer": trainer}, "model.init_args.parts.0"
        case _:
            inner = named(OwnModel, part={"class_path": "torch.nn.Sequential", "init_args": {}})
            inner["init_args"]["part"] = named(OwnPart, inner=failing(OwnPart))
            return {"model": inner, "trainer": trainer}, "model.init_args.part"


PLACES = ("model", "data", "callback", "logger", "loggers", "part", "parts", "inner")
ALL = [*product(PLACES, KINDS, TEXTS)]


@pytest.mark.parametrize(("place", "kind", "text"), random.Random(0).sample(ALL, SAMPLE))  # noqa: S311
def test_no_error_of_a_class_is_swallowed(place: str, kind: str, text: str | None) -> None:
    """Wherever a class stands, the sentence has the key, and the type and the words of what it raised."""
    given, key = configuration(place, kind, text)
    with pytest.raises(BadConfiguration) as caught:
        assemble(given)
    said = str(caught.value)
    assert said.startswith(f"{key}: Own")
    words = " ".join(str(KINDS[kind](*([] if text is None else [text]))).split())
    assert f"cannot be made: {kind}: {words}." in said or (not words and f"made: {kind}." in said)
    assert "\n" not in said
