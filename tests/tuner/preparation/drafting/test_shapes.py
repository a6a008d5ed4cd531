"""A module that knows nothing of the tuner becomes a study whose first trial is the user's configuration."""

import importlib
from typing import Any

import pytest
from jsonargparse import ArgumentParser

from search_spaces.configuration import configure
from search_spaces.space.parameters import default_values, parameters
from studies.definition.study_file import read_study_file
from tests.tuner.command_line import CommandLine
from tests.tuner.preparation.drafting.shape import HEAD, Shape
from tests.tuner.preparation.drafting.shapes import SHAPES
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

PACKAGES = ("pytorch_lightning", "lightning.pytorch")


def written(tuner: CommandLine, shape: Shape, package: str) -> str:
    """Write the module and the configuration of a shape into the folder; give the module's name."""
    number = list(SHAPES.values()).index(shape) if shape in SHAPES.values() else 99
    module = f"foreign_{package.replace('.', '_')}_{number}"
    tuner.write(f"{module}.py", (HEAD + shape.source).format(package=package))
    if shape.config:
        tuner.write("config.yaml", shape.config.format(package=package, module=module))
    return module


def named(data: Any, module: str) -> Any:
    """Put a module's name into plain data."""
    if isinstance(data, dict):
        return {name: named(part, module) for name, part in data.items()}
    return data.replace("{module}", module) if isinstance(data, str) else data


def read(sections: dict[str, Any], package: str) -> Any:
    """Read module and data as LightningCLI does, with every default."""
    lightning = importlib.import_module(package)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(lightning.LightningModule, "model", fail_untyped=False)
    parser.add_subclass_arguments(lightning.LightningDataModule, "data", fail_untyped=False, required=False)
    return parser.parse_object({key: part for key, part in sections.items() if key in ("model", "data")})


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", list(SHAPES))
def test_no_foreign_module_needs_an_edit(tuner: CommandLine, name: str, package: str) -> None:
    """`init` writes what `validate` accepts unchanged, and slot 0 trains the user's own configuration."""
    shape = SHAPES[name]
    module = written(tuner, shape, package)
    answer = tuner(f"init {shape.asked.format(module=module)} --output study.yaml")
    assert (answer.code, answer.err) == (0, "")
    text = (tuner.folder / "study.yaml").read_text()
    assert "ANSWER" not in text
    answer = tuner("validate study.yaml")
    assert answer.code == 0, answer.out + answer.err + text

    from tuner.preparation.prepare import prepare

    definition = prepare(read_study_file(tuner.folder / "study.yaml"))
    assert definition.settings.metric == shape.metric
    assert {parameter.name for parameter in parameters(definition.space)} >= set(shape.searched)
    first = configure(definition.fixed, definition.space, default_values(definition.space))
    filled = {"width": 1, "batch_size": 1} if "links" in name else {}  # what links give
    both = []
    for sections in (named(shape.sections, module), first):
        model = dict(sections["model"])
        model["init_args"] = {**(model.get("init_args") or {}), **filled}
        both.append(read({**sections, "model": model}, package))
    assert both[0] == both[1]
