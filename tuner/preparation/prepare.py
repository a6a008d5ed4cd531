"""From a study file to a definition: its classes are imported, here, and its space is read."""

from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.catalogue.registry import made_for
from search_spaces.configuration import configure
from search_spaces.space.nodes import Group
from search_spaces.space.parameters import default_values
from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import StudyFile
from studies.errors import BadLength, StudyFileError
from tuner.errors import BadConfiguration
from tuner.preparation.target import for_target
from tuner.training.configuration.arguments import defaults_of, parameters_of
from tuner.training.configuration.class_paths import check_names, import_made, import_maker, package_of


def prepare(file: StudyFile) -> StudyDefinition:
    """Make the definition that a study file describes, checked as far as can be without training.

    Raises:
        StudyFileError: names the file, the key and the remedy.
    """
    file = for_target(file)
    try:
        definition = define(file, exposed_space, taking(file.data))
        defaults = configure(definition.fixed, definition.space, default_values(definition.space))
        check_names(defaults)
        TrialLength.of(defaults)
    except BadConfiguration as error:
        raise StudyFileError(file.source, "", str(error)) from error
    except BadLength as error:
        raise StudyFileError(file.source, error.key, error.message) from error
    return definition


def taking(sections: Mapping[str, Any]) -> Callable[[str], bool]:
    """Give what says whether the module and the data of LightningCLI's sections take an argument."""
    arguments: dict[str, set[str]] = {}
    for section in ("model", "data"):
        part = sections.get(section)
        path = part.get("class_path") if isinstance(part, Mapping) else part
        if isinstance(path, str):
            if section == "model":
                package_of({"model": {"class_path": path}})  # first of all, whether it is a module
            maker = import_maker(path, f"{section}.class_path")
            arguments[f"{section}.init_args"] = {*parameters_of(maker), *defaults_of(maker)}

    def takes(key: str) -> bool:
        place, _, name = key.rpartition(".init_args.")
        known = arguments.get(f"{place}.init_args")
        return known is None or name.partition(".")[0] in known

    return takes


def exposed_space(class_path: str, epochs: int | None = None) -> Group | None:
    """Give the space that a module exposes by a static method `search_space()`, or None.

    A method that takes `epochs` hears how many a trial has, if that is known.
    """
    module = import_made(class_path, "model.class_path")
    expose = getattr(module, "search_space", None)
    if expose is None:
        return None
    space = made_for(expose, epochs)
    if not isinstance(space, Group):
        raise BadConfiguration(
            "model.class_path", f"{module.__name__}.search_space() must return a Group, but gave {space!r}."
        )
    return space
