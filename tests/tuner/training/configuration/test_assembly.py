"""From a configuration to objects: every wrong name or value is one sentence that names its key."""

from typing import Any

import pytest

from tests.tuner.training.probes import IN_MEMORY, MLP
from tuner.errors import BadConfiguration
from tuner.training.configuration.assembly import assemble

pytestmark = IN_MEMORY

GOOD = {
    "trainer": {"max_epochs": 1},
    "model": {"class_path": MLP, "init_args": {"hidden": [4]}},
    "data": {"class_path": "tuner.data.Digits"},
    "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}},
}

# what is changed -> the key that is named, and what to write instead
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "trainer key": ({"trainer": {"max_epoch": 3}}, "trainer.max_epoch", "did you mean max_epochs"),
    "trainer type": ({"trainer": {"max_epochs": "many"}}, "trainer.max_epochs", "a whole number"),
    "module path": ({"model": {"class_path": "nowhere.Net"}}, "model.class_path", "install it, or run from"),
    "class name": (
        {"model": {"class_path": "tuner.modules.MLPClasifier"}},
        "model.class_path",
        "did you mean tuner.modules.MLPClassifier",
    ),
    "no path": ({"model": {"class_path": "Net"}}, "model.class_path", "package.module.Net"),
    "no module": (
        {"model": {"class_path": "torch.nn.Linear"}},
        "model.class_path",
        "name a subclass of LightningModule",
    ),
    "argument": (
        {"model": {"class_path": MLP, "init_args": {"hiden": [4]}}},
        "model.init_args.hiden",
        "did you mean hidden",
    ),
    "argument's type": (
        {"model": {"class_path": MLP, "init_args": {"features": "x"}}},
        "model.init_args.features",
        "a whole number",
    ),
    "argument's value": (
        {"data": {"class_path": "tuner.data.Digits", "init_args": {"batch_size": 0}}},
        "data",
        "batch_size >= 1 must hold, but got batch_size=0; name at least one sample.",
    ),
    "one of a few": (
        {"model": {"class_path": MLP, "init_args": {"activation": "rulu"}}},
        "model.init_args.activation",
        "must be one of 'relu', 'gelu', 'silu', but got rulu.",
    ),
    "needed argument": (
        {"data": {"class_path": "tuner.data.Table", "init_args": {"path": "mine.csv"}}},
        "data.init_args.target",
        "is missing, and Table needs it.",
    ),
    "beside init_args": ({"data": {"class_path": "torch.nn.Linear", "batch": 3}}, "data.batch", "init_args"),
    "optimizer": ({"optimizer": {"class_path": "torch.optim.SDG"}}, "optimizer.class_path", "optim.SGD"),
    "rate": (
        {"optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": "fast"}}},
        "optimizer.init_args.lr",
        "a number",
    ),
    "section": ({"data": 3}, "data", "class_path"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_name_or_value_is_one_sentence_with_its_key(case: str) -> None:
    """What LightningCLI says in a dozen nested lines is said in one, with the key and the remedy."""
    changes, key, remedy = WRONG[case]
    with pytest.raises(BadConfiguration) as caught:
        assemble({**GOOD, **changes})
    message = str(caught.value)
    assert message.startswith(f"{key}: ")
    assert remedy in message
    assert "\n" not in message


def test_what_a_search_does_not_want_is_off_unless_asked_for() -> None:
    """No checkpoints and progress bars from trials, but a study's `trainer` section has the last word."""
    assert assemble(GOOD).trainer.checkpoint_callback is None
    asked = {**GOOD, "trainer": {"max_epochs": 1, "enable_checkpointing": True}}
    assert assemble(asked).trainer.checkpoint_callback is not None


def test_a_configuration_is_left_as_it_was() -> None:
    """Making objects changes nothing in the description that the ledger keeps."""
    before = repr(GOOD)
    assemble(GOOD)
    assert repr(GOOD) == before


def test_nothing_of_one_configuration_reaches_the_next() -> None:
    """One parser serves every assembly of a process, and yet each is made of its own configuration alone."""
    other = {
        **GOOD,
        "trainer": {"max_epochs": 7, "gradient_clip_val": 0.5},
        "model": {"class_path": MLP, "init_args": {"hidden": [4], "dropout": 0.5}},
    }
    before, _, after = (assemble(configuration) for configuration in (GOOD, other, GOOD))
    assert after.trainer.max_epochs == 1
    assert after.trainer.gradient_clip_val is None
    assert after.module.hparams == before.module.hparams


def test_a_module_keeps_every_argument_that_made_it() -> None:
    """`save_hyperparameters` finds what LightningCLI hands it: arguments, defaults and the class's path."""
    kept = assemble(GOOD).module.hparams
    assert kept["hidden"] == [4]
    assert kept["dropout"] == 0.0
    assert kept["_class_path"] == MLP
