"""`tuner.testing`: what an author of a module writes into a test of her own."""

import pytest
from pytorch_lightning import LightningModule

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from studies.errors import StudyFileError
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tuner.testing import check_module

pytestmark = IN_MEMORY

CPU = {"accelerator": "cpu", "max_epochs": 2}


class Good(Small):
    """A module that exposes what it obeys."""

    @staticmethod
    def search_space() -> Group:
        """Give its space."""
        return Group({"width": Categorical((3, 4), default=4, target="model.init_args.width")})


class Bad(Good):
    """A module one of whose options does not train."""

    def __init__(self, width: int = 4) -> None:
        super().__init__(width)
        if width == 3:
            raise ValueError("three is too few")


class Nowhere(Small):
    """A module with a parameter that fills nothing."""

    @staticmethod
    def search_space() -> Group:
        """Give its space."""
        return Group({"width": Float(1.0, 2.0), "kind": Choice({"a": Group(), "b": Group()})})


def test_a_module_that_obeys_its_space_passes() -> None:
    """Nothing is to be known of it."""
    assert check_module(Good, trainer=CPU) == []


@pytest.mark.parametrize(
    ("module", "error", "sentence"),
    [
        (Bad, AssertionError, "width = 3: .*three is too few"),
        (Nowhere, StudyFileError, "is searched, but its value goes nowhere"),
        (Small, StudyFileError, "exposes no space"),
    ],
)
def test_what_does_not_obey_is_told(
    module: type[LightningModule], error: type[Exception], sentence: str
) -> None:
    """An option that does not train, a parameter that fills nothing, and a space that is not there fail."""
    with pytest.raises(error, match=sentence):
        check_module(module, trainer=CPU)


def test_the_metric_has_to_be_logged() -> None:
    """A test with a misspelt metric fails, and says what is logged."""
    with pytest.raises(StudyFileError, match="which logs val_loss"):
        check_module(Good, metric="val_lss", trainer=CPU)
