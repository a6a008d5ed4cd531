"""From what is typed to the sections of LightningCLI that a study file begins with; nothing is imported."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studies.definition.plain_yaml import load_yaml
from studies.definition.study_file import FIXED_SECTIONS
from studies.errors import StudyFileError
from tuner.errors import Refused
from tuner.preparation.drafting.errors import CannotBeMade
from tuner.preparation.drafting.found import Asked

_SUBCOMMAND = "fit"
# Keys of a configuration that a study does not need: a study makes the seeds, and each trial begins anew.
_DROPPED = ("seed_everything", "ckpt_path", "weights_only", "verbose")
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_HYDRA = """\
# adapted.yaml: a class is named by `class_path`, its arguments stand under `init_args`
model:
  class_path: my_package.MyModule
  init_args:
    net: {class_path: my_package.Net, init_args: {width: 64}}
    optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.001}}
data:
  class_path: my_package.MyData
# In MyModule: `from lightning.pytorch.cli import OptimizerCallable`, and the argument
# `optimizer: OptimizerCallable = torch.optim.Adam`, which the module calls as before: optimizer(params=...).
"""


def ask(model: str | None, data: str | None, config: Path | None, cli: str | None) -> Asked:
    """Put together what is typed.

    Args:
        model: path of a module's class, or of a function that makes one.
        data: path of the data's class.
        config: a configuration of LightningCLI.
        cli: path of a subclass of LightningCLI.

    Raises:
        Refused: neither a module nor a configuration is named.
        StudyFileError: the configuration cannot be read.
        CannotBeMade: the configuration is not LightningCLI's.
    """
    if model is None and config is None:
        raise Refused("name your module by --model my_package.MyModule, or a configuration by --config FILE.")
    sections: dict[str, Any] = {}
    seed, source = 0, "tuner init"
    if config is not None:
        source = str(config)
        given = _read(config)
        seed = _seed(given.get("seed_everything"))
        sections = _sections(given, source, cli)
    for section, path in (("model", model), ("data", data)):
        if path is not None:
            sections[section] = {"class_path": path, "init_args": _arguments(sections.get(section))}
    if cli is not None:
        sections["cli"] = cli
    if not isinstance(sections.get("model"), Mapping):
        raise StudyFileError(source, "model", "is missing; name the module by --model my_package.MyModule.")
    for section in ("model", "data", "optimizer", "lr_scheduler"):
        part = sections.get(section)
        if part is not None and (not isinstance(part, Mapping) or not part.get("class_path")):
            raise StudyFileError(
                source,
                section,
                f"does not name its class; give it by --{section} my_package.MyClass, or write "
                f"{{class_path: my_package.MyClass, init_args: {{...}}}}.",
            )
    return Asked(sections, source, seed)


def _read(config: Path) -> Mapping[str, Any]:
    try:
        text = config.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "It is not UTF-8 text"
        raise StudyFileError(
            str(config), "", f"the configuration cannot be read: {reason}; check the path."
        ) from error
    data = load_yaml(text, source=str(config))
    if not isinstance(data, Mapping):
        raise StudyFileError(
            str(config), "", "is no configuration of LightningCLI, which maps sections to what they hold."
        )
    inner = data.get(_SUBCOMMAND)
    given = inner if isinstance(inner, Mapping) else data
    for key, _ in _mappings(given):
        if key.rpartition(".")[2] in ("_target_", "_partial_"):
            raise CannotBeMade(
                f"{config}: {key} is hydra's, and LightningCLI itself cannot make it; name classes by "
                "class_path and give optimizers as callables, as these lines do.",
                _HYDRA,
            )
    return given


def _seed(given: Any) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) else 0


def _arguments(section: Any) -> Mapping[str, Any]:
    """Give the arguments of a section that may or may not name its class."""
    if not isinstance(section, Mapping):
        return {}
    return section.get("init_args") or {} if "class_path" in section else section


def _sections(given: Mapping[str, Any], source: str, cli: str | None) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for section, held in given.items():
        if held is None or section in _DROPPED:
            continue
        if section not in FIXED_SECTIONS:
            whose = cli or given.get("cli") or "a subclass of LightningCLI"
            raise StudyFileError(
                source,
                section,
                f"is an argument that {whose} adds, and a study file holds only {', '.join(FIXED_SECTIONS)}; "
                "move a callback to trainer.callbacks, and take the section out.",
            )
        is_class = section in ("model", "data", "optimizer", "lr_scheduler") and isinstance(held, str)
        kept[section] = {"class_path": held} if is_class else _followed(held, given, source, section)
    return kept


def _followed(held: Any, whole: Mapping[str, Any], source: str, key: str) -> Any:
    """Resolve the references to what a study file does not hold; those within its sections stay."""
    if isinstance(held, Mapping):
        return {name: _followed(part, whole, source, f"{key}.{name}") for name, part in held.items()}
    if isinstance(held, list):
        return [_followed(part, whole, source, key) for part in held]
    if not isinstance(held, str):
        return held
    text = held
    for found in _REFERENCE.finditer(held):
        place: Any = whole
        for name in found[1].split("."):
            place = place.get(name) if isinstance(place, Mapping) else None
        if place is None or ":" in found[1]:
            raise StudyFileError(
                source,
                key,
                f"refers to {found[0]}, which this configuration does not hold; write the value there.",
            )
        if found[1].partition(".")[0] not in FIXED_SECTIONS:
            if held == found[0]:
                return place
            text = text.replace(found[0], str(place))
    return text


def _mappings(data: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Go through every key of plain data."""
    if isinstance(data, Mapping):
        for name, part in data.items():
            inside = f"{key}.{name}".lstrip(".")
            yield inside, part
            yield from _mappings(part, inside)
    elif isinstance(data, list):
        for part in data:
            yield from _mappings(part, key)
