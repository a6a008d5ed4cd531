"""What is read in sources is what importing would have said."""

import importlib
import inspect

import pytest

from tests.tuner.training.probes import IN_MEMORY
from tuner.errors import BadConfiguration
from tuner.preparation.sources import TRAINERS, check_sources, taken_by

pytestmark = IN_MEMORY

MODULES = (
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.nn",
    "torchmetrics",
    "pytorch_lightning",
    "pytorch_lightning.callbacks",
    "pytorch_lightning.loggers",
    "lightning.pytorch",
    "lightning.pytorch.callbacks",
    "optuna.samplers",
    "sklearn.linear_model",
    "tuner.modules.perceptron",
    "tuner.data",
    "tuner.modules.convolution",
    "tests.tuner.small_modules",
    "tests.tuner.training.odd_modules",
)


@pytest.mark.parametrize("module", MODULES)
def test_no_class_that_exists_is_refused(module: str) -> None:
    """Every class that a module gives is accepted, with every argument that it takes."""
    for name, cls in vars(importlib.import_module(module)).items():
        if not isinstance(cls, type):
            continue
        path = f"{module}.{name}"
        try:
            taken = list(inspect.signature(cls).parameters)
        except ValueError:  # a class of C
            taken = []
        check_sources({"model": {"class_path": path, "init_args": dict.fromkeys(taken)}})
        assert taken_by(path) in (None, tuple(taken)), path


@pytest.mark.parametrize("path", TRAINERS)
def test_the_keys_of_the_trainer_are_known(path: str) -> None:
    """They are those that Lightning's signature names."""
    module, _, name = path.rpartition(".")
    trainer = getattr(importlib.import_module(module), name)
    assert taken_by(path) == tuple(inspect.signature(trainer).parameters)


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"model": {"class_path": "torch.optim.AdamWX"}}, "model.class_path"),
        (
            {"optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lrr": 1}}},
            "optimizer.init_args.lrr",
        ),
        ({"model": {"class_path": "tuner.trainin.Linear"}}, "model.class_path"),
        ({"data": {"class_path": "absent_package.Data"}}, "data.class_path"),
        ({"optimizer": "torch.optim.Adm"}, "optimizer.class_path"),
        ({"trainer": {"max_epoch": 1}}, "trainer.max_epoch"),
        (
            {"trainer": {"logger": {"class_path": "pytorch_lightning.loggers.Csv"}}},
            "trainer.logger.class_path",
        ),
    ],
)
def test_what_does_not_exist_is_refused(sections: dict[str, object], key: str) -> None:
    """The sentence begins with the key at which it stands."""
    with pytest.raises(BadConfiguration) as refused:
        check_sources(sections)
    assert str(refused.value).startswith(key)
