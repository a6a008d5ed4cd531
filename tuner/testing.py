"""What authors of modules need for their own tests."""

from collections.abc import Mapping
from typing import Any

from studies.definition.study_file import parse_study_file
from tuner.api.question import Maker, Space, study_file
from tuner.preparation.apart import prepare_apart
from tuner.preparation.rehearsing import rehearse, rehearse_branches

_NAME = "check-module"


def check_module(
    module: Maker,
    data: Any = None,
    space: Space = None,
    *,
    metric: str = "val_loss",
    trainer: Mapping[str, Any] | None = None,
) -> list[str]:
    """Check that a module trains with every option of its space, and logs the metric; a matter of seconds.

    In a test of your own: `check_module(MyModule, MyData, trainer={"accelerator": "cpu"})`. A few steps are
    trained of the defaults and of each option of each choice, each in a process of its own.

    Args:
        module: a LightningModule's class, a function that returns one, or a `functools.partial` of either.
        data: a LightningDataModule, its class, or a function that makes one; None where the module has
            loaders.
        space: as `tuner.tune` takes it; None takes the module's own `search_space()`.
        metric: what has to be logged.
        trainer: the Trainer's arguments.

    Returns: What should be known and is no mistake, such as why a trial cannot be resumed exactly.

    Raises:
        StudyFileError: the space is wrong, a parameter goes nowhere, or the defaults do not train.
        AssertionError: options of choices do not train; a line for each.
    """
    settings = {"name": _NAME, "metric": metric}
    file = parse_study_file(study_file(module, data, space, settings, trainer or {}), source="check_module")
    definition = prepare_apart(file)
    seen = rehearse(file, definition)
    rehearsals = list(rehearse_branches(definition))
    failed = [f"{each.choice} = {each.branch}: {each.cause}" for each in rehearsals if each.cause]
    if failed:
        raise AssertionError("\n".join(["some options do not train:", *failed]))
    known = [] if seen is None else [seen.remark, *seen.inexact]
    known += [said for each in rehearsals for said in (each.remark, *each.inexact)]
    return list(dict.fromkeys(filter(None, known)))
