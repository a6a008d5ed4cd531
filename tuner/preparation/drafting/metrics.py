"""Which metrics a module logs, read in its source."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tuner.preparation.drafting.found import Metric

_LOGS = ("log", "log_dict")
_LIBRARIES = ("pytorch_lightning", "lightning", "torch", "builtins")
_VALIDATION = ("val", "valid", "validation")
_STAGES = (*_VALIDATION, "train", "training", "test")
_SMALL = re.compile(r"loss|err|mse|mae|mape|nll|perplexity|ppl|fid|wer|cer|elbo|crps|brier")
_LARGE = re.compile(
    r"acc|f1|auc|auroc|precision|recall|iou|dice|r2|reward|return|psnr|ssim|bleu|rouge|kappa|ndcg|mcc|spearman"
)


def direction_of(name: str) -> Literal["minimize", "maximize"] | None:
    """Say whether a metric of that name is better when it is small; None where nobody can know."""
    word = name.lower()
    if _SMALL.search(word):
        return "minimize"
    return "maximize" if _LARGE.search(word) else None


def monitored(trainer: Mapping[str, Any]) -> Iterator[Metric]:
    """Give the metrics that the callbacks of a trainer watch, those that stop a training first."""
    listed = trainer.get("callbacks") or []
    for callback in listed if isinstance(listed, list) else [listed]:
        arguments = callback.get("init_args") if isinstance(callback, Mapping) else None
        if isinstance(arguments, Mapping) and isinstance(arguments.get("monitor"), str):
            name, mode = arguments["monitor"], arguments.get("mode")
            directions: dict[Any, Any] = {"min": "minimize", "max": "maximize"}
            where = f"which {str(callback.get('class_path')).rpartition('.')[2]} watches"
            yield Metric(name, where, direction=directions.get(mode, direction_of(name)))


def logged(module: type) -> tuple[Metric, ...]:
    """Give the metrics that a module and the classes that it inherits from log, the likeliest score first.

    A name that is put together while it runs is known where one of its parts is the stage, such as
    `f"{stage}_loss"`.
    """
    found: dict[str, Metric] = {}
    for cls in inspect.getmro(module):
        if cls.__module__.partition(".")[0] in _LIBRARIES:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        except (OSError, TypeError, SyntaxError):
            continue
        for metric in _in_class(tree, cls.__name__):
            found.setdefault(metric.name, metric)
    return tuple(sorted(found.values(), key=_rank))


def _rank(metric: Metric) -> tuple[bool, bool, bool, bool]:
    words = re.split(r"[_/. -]", metric.name.lower())
    in_validation = "validation" in metric.where or bool(set(words) & set(_VALIDATION))
    return ("test" in words, not in_validation, not metric.is_whole, "loss" not in words)


def _in_class(tree: ast.Module, cls: str) -> Iterator[Metric]:
    spoken = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    stages = [stage for stage in _STAGES if stage in spoken]
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in ast.walk(function):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in _LOGS
            ):
                is_whole = _is_whole(call, function.name)
                for name in _names(call, stages):
                    yield Metric(name, f"logged in {cls}.{function.name}", is_whole, direction_of(name))
    for name in _collected(tree):
        yield Metric(name, f"of a MetricCollection of {cls}", direction=direction_of(name))


def _collected(tree: ast.Module) -> Iterator[str]:
    """Give the names under which `torchmetrics.MetricCollection` logs, as `prefix`, key and `postfix`."""
    calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call)]
    made = [call for call in calls if _called(call) == "MetricCollection"]
    clones = [call for call in calls if _called(call) == "clone" and _affixes(call) != ("", "")]
    keys = list(dict.fromkeys(key for call in made for key in _keys(call)))
    for prefix, postfix in dict.fromkeys(map(_affixes, clones or made)):
        yield from (f"{prefix}{key}{postfix}" for key in keys)


def _called(call: ast.Call) -> str:
    named = call.func
    return named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""


def _affixes(call: ast.Call) -> tuple[str, str]:
    """Give the constant `prefix` and `postfix` of a call."""
    said = {k.arg: str(k.value.value) for k in call.keywords if isinstance(k.value, ast.Constant)}
    return said.get("prefix", ""), said.get("postfix", "")


def _keys(call: ast.Call) -> Iterator[str]:
    """Give the keys of a collection: of a dictionary its own, of a list the names of the classes."""
    for given in call.args:
        if isinstance(given, ast.Dict):
            yield from (str(key.value) for key in given.keys if isinstance(key, ast.Constant))
        for part in given.elts if isinstance(given, ast.List | ast.Tuple) else [given]:
            if isinstance(part, ast.Call) and (name := _called(part)):
                tasks = [k.value for k in part.keywords if k.arg == "task"]  # `Accuracy(task="binary")`
                if all(isinstance(task, ast.Constant) for task in tasks):
                    yield "".join(str(getattr(task, "value", "")).capitalize() for task in tasks) + name


def _names(call: ast.Call, stages: list[str]) -> Iterator[str]:
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "name"), None)
    parts = given.keys if isinstance(given, ast.Dict) else [given]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.JoinedStr):
            unknown = [value for value in part.values if isinstance(value, ast.FormattedValue)]
            for stage in stages if len(unknown) == 1 else ():
                yield "".join(str(v.value) if isinstance(v, ast.Constant) else stage for v in part.values)


def _is_whole(call: ast.Call, function: str) -> bool:
    """Say whether a call logs the value of a whole epoch, as Lightning decides where nothing is said."""
    said = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
    if "on_epoch" in said and said["on_epoch"] is not None:
        return bool(said["on_epoch"])
    is_step = function.startswith("training_step") or "batch" in function
    return not is_step
