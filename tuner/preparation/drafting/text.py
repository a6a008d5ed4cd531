"""The text of a study file, with comments on what was found and what is left to the user."""

from collections.abc import Iterator, Mapping
from typing import Any

from studies.definition.yaml_text import yaml_text
from tuner.preparation.drafting.found import Argument, Found, Metric, Part, arguments_of
from tuner.preparation.drafting.metrics import direction_of
from tuner.preparation.drafting.ranges import Range, range_of

MARK = "ANSWER"
_EPOCHS, _TRIALS = 10, 30
_SECTIONS = ("model", "data", "optimizer", "lr_scheduler")
_LONGEST = 80  # characters of a value in a comment
_OTHERS = 4  # metrics that a comment lists
_PLAIN = ("int", "float", "str", "bool", "list", "tuple", "dict", "Literal", "Sequence", "Path")
# What stands for a value without which a class cannot be made, until the user has given one.
_USUAL: Mapping[str, Any] = {
    "lr": 1e-3, "learning_rate": 1e-3, "weight_decay": 1e-4, "dropout": 0.1, "momentum": 0.9,
    "batch_size": 32,    "hidden_dim": 64, "hidden_size": 64, "num_layers": 2, "width": 64,
}  # fmt: skip


def study_text(found: Found, asked: str) -> str:
    """Write a study file.

    Args:
        found: what was found out.
        asked: the command that asked for it, for the first line.
    """
    searched = dict(_searched(found))
    body = "".join(
        [
            _study(found),
            f"cli: {found.cli}\n" if found.cli else "",
            _trainer(found, searched),
            *(_section(name, found.parts[name], searched) for name in _SECTIONS if name in found.parts),
            _space(found, searched),
        ]
    )
    count = sum(f"# {MARK}" in line for line in body.splitlines())
    marked = f"# Lines to answer first, marked {MARK}: {count}.\n" if count else ""
    return (
        f"# Written by `{asked}`.\n"
        f"# The first trial is your own configuration; `tuner validate` tries it, `tuner run` starts.\n"
        f"{marked}{body}"
    )


def _searched(found: Found) -> Iterator[tuple[str, Range]]:
    """Go through what is searched: the key, and the range around the user's own value."""
    if found.exposed is not None:
        return
    for section, part in found.parts.items():
        for key, argument, owner in arguments_of(part, section):
            value = _value(argument)
            if argument.part is None and argument.state != "linked" and value is not None:
                beside = {other.name: other.value for other in owner.arguments}
                node = range_of(argument.name, value, owner.class_path, beside)
                if node is not None:
                    yield key, node
    clip = found.trainer.get("gradient_clip_val")
    node = range_of("gradient_clip_val", clip, "", {})
    if node is not None:
        yield "trainer.gradient_clip_val", node


def _value(argument: Argument) -> Any:
    return _USUAL.get(argument.name) if argument.state == "missing" else argument.value


def _study(found: Found) -> str:
    metric = found.metrics[0] if found.metrics else Metric("val_loss", "")
    direction = metric.direction or direction_of(metric.name)
    why = metric.where
    if not found.metrics:
        why = f"{MARK}: the score, a name that your module logs; its source shows none"
    elif not metric.is_whole:
        why = f"{MARK}: {metric.where} for single batches only; log it with on_epoch=True, or name another"
    others = [other.name for other in found.metrics[1:] if other.is_whole][:_OTHERS]
    also = f"; also logged: {', '.join(others)}" if others else ""
    unsure = "" if direction else f"  # {MARK}: minimize or maximize"
    return (
        "study:\n"
        f"  name: {_inline(found.name)}\n"
        f"  metric: {_inline(metric.name)}  # {why}{also}\n"
        f"  direction: {direction or 'minimize'}{unsure}\n"
        f"  trials: {_TRIALS}\n"
        f"  seed: {found.seed}\n"
    )


def _trainer(found: Found, searched: Mapping[str, Range]) -> str:
    given = dict(found.trainer)
    lines = ["trainer:"]
    if not {"max_epochs", "max_steps", "max_time"} & set(given):
        lines.append(f"  max_epochs: {_EPOCHS}  # of a trial; Lightning's own default is 1000")
    for key, value in given.items():
        note = "  # searched" if f"trainer.{key}" in searched else ""
        lines += _entry("  ", key, value, note)
    if found.left_out:
        lines.append(
            f"  # A search does without: {', '.join(found.left_out)}. The best configuration logs again."
        )
    return "\n".join(lines) + "\n"


def _section(name: str, part: Part, searched: Mapping[str, Range]) -> str:
    return "\n".join([f"{name}:", *_part(part, name, searched, "  ")]) + "\n"


def _part(part: Part, key: str, searched: Mapping[str, Range], indent: str) -> list[str]:
    lines = [f"{indent}class_path: {part.class_path}"]
    inside: list[str] = []
    for argument in part.arguments:
        inside += _argument(argument, f"{key}.init_args.{argument.name}", searched, f"{indent}  ")
    is_empty = all(line.lstrip().startswith("#") for line in inside)
    lines.append(f"{indent}init_args: {{}}" if is_empty else f"{indent}init_args:")
    return [*lines, *inside]


def _argument(argument: Argument, key: str, searched: Mapping[str, Range], indent: str) -> list[str]:
    kind = f"{argument.kind}" if argument.kind else "of any type"
    name, part = argument.name, argument.part
    if argument.state == "linked":
        return [f"{indent}# {name}: filled by a link of your command line"]
    if argument.state == "missing":
        value = _USUAL.get(name)
        plainly = kind.partition("[")[0] in _PLAIN or not argument.kind
        how = "" if plainly else "; name a class by {class_path: ..., init_args: {...}}"
        return [f"{indent}{name}: {_inline(value)}  # {MARK}: {kind}, without a default{how}"]
    if part is not None and (argument.state == "given" or any(at.startswith(f"{key}.") for at in searched)):
        return [f"{indent}{name}:", *_part(part, key, searched, f"{indent}  ")]
    if argument.state == "given":
        return _entry(indent, name, argument.value, "  # searched" if key in searched else "")
    if key in searched:
        return [f"{indent}{name}: {_inline(argument.value)}  # searched"]
    shown = argument.shown or (part.class_path if part else _inline(argument.value))
    return [f"{indent}# {name}: {_short(shown)}  ({kind})"]


def _entry(indent: str, key: str, value: Any, note: str) -> list[str]:
    if not isinstance(value, Mapping | list):
        return [f"{indent}{key}: {_inline(value)}{note}"]
    first, *rest = yaml_text({key: value}).rstrip("\n").splitlines()
    return [f"{indent}{first}{note if not rest else ''}", *(f"{indent}{line}" for line in rest)]


def _space(found: Found, searched: Mapping[str, Range]) -> str:
    if found.exposed is not None:
        lines = ["space:", "  use: model  # what your module's search_space() returns"]
        if found.exposed:
            lines += ["  narrow:  # your own values are the first trial's"]
            lines += [f"    {name}: {{default: {_inline(value)}}}" for name, value in found.exposed.items()]
        return "\n".join(lines) + "\n"
    if not found.own_optimizer and not found.is_manual:
        lines = ["space:", "  use: optimizer  # your module configures none"]
    else:
        lines = ["space:"]
    if searched:
        lines.append("  add:  # around your own values, which are the defaults")
        for key, node in searched.items():
            inside = ", ".join(f"{name}: {_inline(value)}" for name, value in node.items())
            lines.append(f"    {key}: {{{inside}}}")
    elif lines == ["space:"]:
        lines += [
            "  add:",
            f"    # {MARK}: no argument has a name that tells its range; write one, such as",
            "    # model.init_args.width: {type: int, low: 8, high: 128, log: true, default: 32}",
        ]
        if not found.is_manual:
            lines.append(
                "    # or, in the place of `add:`, `use: optimizer`, which replaces your module's own."
            )
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    text = yaml_text([value]).strip()
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text.removeprefix("- ")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}..."
