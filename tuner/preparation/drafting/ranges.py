"""Ranges for the arguments whose names tell what they are, around the user's own values."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Range = dict[str, Any]  # a node of a space as plain data

_FAR = 30.0  # times below and above a learning rate
_DECADES = 100.0  # times below and above a rate that is known less well
# Words of a name that say that something else than the rate itself is meant.
_NO_RATE = frozenset(
    [
        "decay",
        "scheduler",
        "schedule",
        "factor",
        "gamma",
        "step",
        "steps",
        "patience",
        "warmup",
        "ratio",
        "epochs",
        "final",
        "end",
        "min",
        "mult",
    ]
)
_NO_SIZE = frozenset(["in", "out", "input", "output", "classes", "test", "val", "valid", "eval", "predict"])
_RATE = re.compile(r"(^|_)(lr|learning_?rate)(_|$)")
_DECAY = re.compile(r"^(weight_decay|wd|l1|l2|l1_(reg|weight|lambda)|l2_(reg|weight|lambda))$|_weight_decay$")
_DROP = re.compile(r"dropout|^drop(_?(path|rate|prob|p))+$|^p_drop$")
_MOMENTUM = re.compile(r"^momentum$|^(sgd|optimizer)_momentum$")
_DEPTH = re.compile(r"^(n|num)_(hidden_)?(layers|blocks)$|^(n_)?layers$|^depth$")
_WIDTH = re.compile(
    r"^(n_|num_|d_|dim_)?hidden(_(dim|size|units|features|channels|width))?$|^width$|^(n_|num_)?units$|^d_model$"
    r"|^(dim_feedforward|d_ff|ff_dim|ffn_dim)$|^(emb|embed|embedding)_(dim|size)$|^(num_|n_)?(filters|channels)$"
)
_BATCH = re.compile(r"(^|_)batch_?size$")
_HEADS = re.compile(r"^(n_?|num_)(attention_)?heads?$")
_CLIP = re.compile(r"^(gradient_clip_val|grad(ient)?_clip|clip_grad(_norm)?)$")
_SMOOTHING = re.compile(r"^label_smoothing$")
_GAMMA = re.compile(r"^gamma$")


def range_of(name: str, value: Any, class_path: str, beside: Mapping[str, Any]) -> Range | None:
    """Give a range around a value; None where the name does not tell what it is.

    Args:
        name: the argument's.
        value: the user's own; it lies in the range and is its default.
        class_path: the class that takes the argument.
        beside: the other arguments' values, which may restrict this one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    word = name.lower()
    for matches, make in _RULES:
        if matches(word, class_path):
            return make(value, beside)
    return None


def _rate(value: float, beside: Mapping[str, Any]) -> Range | None:
    return _log(value, _FAR, max(1.0, 3 * value)) if value > 0 else None


def _decay(value: float, beside: Mapping[str, Any]) -> Range | None:
    if value == 0:  # a logarithm has no zero, so zero is one of a few choices
        return {"choices": [0.0, 1e-5, 1e-4, 1e-3, 1e-2], "default": 0.0}
    return _log(value, _DECADES, max(1.0, value)) if value > 0 else None


def _clip(value: float, beside: Mapping[str, Any]) -> Range | None:
    return _log(value, 10.0, 10.0 * value) if value > 0 else None


def _share(value: float, beside: Mapping[str, Any]) -> Range | None:
    if not 0 <= value < 1:
        return None
    return {"low": 0.0, "high": max(0.5, _up(min(0.9, value + 0.2), value)), "default": float(value)}


def _smoothing(value: float, beside: Mapping[str, Any]) -> Range | None:
    return {"low": 0.0, "high": max(0.3, value), "default": float(value)} if 0 <= value < 1 else None


def _momentum(value: float, beside: Mapping[str, Any]) -> Range | None:
    low = min(0.5, value) if beside.get("nesterov") else 0.0  # torch refuses Nesterov's step without momentum
    is_legal = (value > 0 if beside.get("nesterov") else value >= 0) and value < 1
    return {"low": low, "high": max(0.99, value), "default": float(value)} if is_legal else None


def _gamma(value: float, beside: Mapping[str, Any]) -> Range | None:
    return (
        {"low": min(0.1, value), "high": max(0.99, value), "default": float(value)} if 0 < value < 1 else None
    )


def _depth(value: float, beside: Mapping[str, Any]) -> Range | None:
    if not isinstance(value, int) or value < 1:
        return None
    return {"type": "int", "low": max(1, value - 2), "high": value + 2, "default": value}


def _width(value: float, beside: Mapping[str, Any]) -> Range | None:
    if not isinstance(value, int) or value < 1:
        return None
    heads = [
        other for name, other in beside.items() if _HEADS.match(name) and isinstance(other, int) and other
    ]
    if heads:  # the width of attention is divided among its heads
        sizes = {size for size in (value // 4, value // 2, value, 2 * value) if size and size % heads[0] == 0}
        return {"choices": sorted(sizes | {value}), "default": value} if sizes - {value} else None
    return {"type": "int", "low": max(1, value // 4), "high": 4 * value, "log": True, "default": value}


def _batch(value: float, beside: Mapping[str, Any]) -> Range | None:
    if not isinstance(value, int) or value < 1:
        return None
    return {"choices": sorted({max(1, value // 2), value, 2 * value}), "default": value}


def _log(value: float, times: float, most: float) -> Range:
    low, high = _down(value / times, value), _up(min(value * times, most), value)
    return {"low": low, "high": high, "log": True, "default": float(value)}


def _down(bound: float, value: float) -> float:
    return min(float(f"{bound:.0e}"), float(value))


def _up(bound: float, value: float) -> float:
    return max(float(f"{bound:.0e}"), float(value))


def _words(name: str) -> frozenset[str]:
    return frozenset(name.split("_"))


_RULES: tuple[tuple[Callable[[str, str], Any], Callable[[Any, Mapping[str, Any]], Range | None]], ...] = (
    (lambda name, _: _RATE.search(name) and not _words(name) & _NO_RATE, _rate),
    (lambda name, _: _DECAY.search(name), _decay),
    (lambda name, _: _DROP.search(name), _share),
    (lambda name, path: _MOMENTUM.search(name) and "Norm" not in path, _momentum),
    (lambda name, _: _SMOOTHING.search(name), _smoothing),
    (lambda name, _: _CLIP.search(name), _clip),
    (lambda name, path: _GAMMA.search(name) and "lr_scheduler" in path, _gamma),  # elsewhere a discount
    (lambda name, _: _DEPTH.search(name), _depth),
    (lambda name, _: _WIDTH.search(name) and not _words(name) & _NO_SIZE, _width),
    (lambda name, _: _BATCH.search(name) and not _words(name) & _NO_SIZE, _batch),
)
