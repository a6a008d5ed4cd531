"""Random trainer sections, modules and data: what a study may hold, whether or not we support it."""

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.tuner.training.odd_modules import DATA, METRICS, OPTIMIZERS, SCHEDULES

_CALLBACKS = "pytorch_lightning.callbacks"
_PROFILER = {
    "class_path": "pytorch_lightning.profilers.SimpleProfiler",
    "init_args": {"dirpath": "profiles", "filename": "of"},
}
_LOGGER = {"class_path": "pytorch_lightning.loggers.CSVLogger", "init_args": {"save_dir": "logs"}}
_ODD = "tests.tuner.training.odd_modules"


@dataclass(frozen=True)
class Section:
    """A configuration of LightningCLI by which `score` is trained, with the seed of its training."""

    number: int
    configuration: dict[str, Any]
    seed: int


def draw_section(seed: int, number: int, accelerator: str = "cpu") -> Section:
    """Draw a section for an accelerator, by Lightning's name; the same arguments give the same."""
    draw = Random(f"{seed}-{number}")  # noqa: S311 - not for secrets
    model = {
        "metric": draw.choice(METRICS),
        "optimizer": draw.choice(OPTIMIZERS),
        "schedule": draw.choice(SCHEDULES),
        "noise": draw.random() < 0.5,
    }
    data = {"kind": draw.choice(DATA), "batch_size": draw.choice([4, 5])}
    if (model["optimizer"] == "sparse") != (data["kind"] == "indices"):
        model["optimizer"], data["kind"] = ("sparse", "indices") if draw.random() < 0.3 else ("adam", "map")
    trainer = _possible(_trainer(draw, model), model, data)
    configuration = {
        "trainer": {**trainer, "accelerator": accelerator, "devices": 1},
        "model": {"class_path": f"{_ODD}.OwnNet", "init_args": model},
        "data": {"class_path": f"{_ODD}.OwnData", "init_args": data},
    }
    return Section(number, configuration, seed=draw.randrange(10**6))


def _trainer(draw: Random, model: dict[str, Any]) -> dict[str, Any]:  # noqa: C901, PLR0912 - one line a key
    def maybe(share: float) -> bool:
        return draw.random() < share

    trainer: dict[str, Any] = {"max_epochs": draw.randint(1, 5)}
    if maybe(0.3):
        trainer["max_steps"] = draw.randint(3, 24)
        trainer["max_epochs"] = draw.choice([-1, 4, 6])
    if maybe(0.2):
        trainer["min_epochs"] = draw.randint(1, 4)
    if maybe(0.15):
        trainer["min_steps"] = draw.randint(1, 12)
    if maybe(0.1):
        trainer["max_time"] = {"minutes": 30}
    if maybe(0.35):
        trainer["val_check_interval"] = draw.choice([0.2, 0.4, 0.5, 1.0, 2, 3])
    if maybe(0.25):
        trainer["check_val_every_n_epoch"] = draw.choice([2, 3, None])
        if trainer["check_val_every_n_epoch"] is None:
            trainer["val_check_interval"] = draw.choice([2, 3, 7])
    if maybe(0.15):
        trainer["limit_train_batches"] = draw.choice([3, 0.5, 0.7])
    if maybe(0.2):
        trainer["limit_val_batches"] = draw.choice([0, 1, 2, 0.5])
    if maybe(0.07):
        trainer["overfit_batches"] = draw.choice([1, 2, 0.4])
    if model["optimizer"] != "manual":
        if maybe(0.25):
            trainer["accumulate_grad_batches"] = draw.choice([2, 3, 7])
        if maybe(0.25) and model["optimizer"] != "sparse":
            trainer["gradient_clip_val"] = draw.choice([0.1, 1.0])
            trainer["gradient_clip_algorithm"] = draw.choice(["norm", "value"])
    if maybe(0.2):
        trainer["precision"] = draw.choice(["bf16-mixed", "64-true", "bf16-true", 32])
    options: list[tuple[float, str, list[Any]]] = [
        (0.2, "num_sanity_val_steps", [1, 2, -1]),
        (0.15, "deterministic", [True, "warn"]),
        (0.15, "inference_mode", [False]),
        (0.05, "detect_anomaly", [True]),
        (0.08, "reload_dataloaders_every_n_epochs", [1, 2]),
        (0.08, "profiler", ["simple", _PROFILER]),
        (0.2, "log_every_n_steps", [1, 2]),
        (0.02, "barebones", [True]),
        (0.02, "fast_dev_run", [2]),
        (0.1, "enable_model_summary", [True]),
        (0.3, "logger", [True, _LOGGER]),
    ]
    for share, key, values in options:
        if maybe(share):
            trainer[key] = draw.choice(values)
    callbacks = _callbacks(draw, trainer)
    if model["metric"] == "callback":
        callbacks.append({"class_path": f"{_ODD}.OwnLogging"})
    if callbacks:
        trainer["callbacks"] = callbacks
    return trainer


def _possible(  # noqa: C901 - one case after the other
    trainer: dict[str, Any], model: dict[str, Any], data: dict[str, Any]
) -> dict[str, Any]:
    """Take out what plain Lightning refuses."""
    trainer = dict(trainer)
    without: set[str] = set()
    if model["optimizer"] == "manual":
        without |= {
            "StochasticWeightAveraging",
            "GradientAccumulationScheduler",
            "LearningRateFinder",
            "BatchSizeFinder",
        }
    if "accumulate_grad_batches" in trainer:
        without.add("GradientAccumulationScheduler")
    if data["kind"] == "iterable":
        trainer.pop("overfit_batches", None)
        if isinstance(trainer.get("val_check_interval"), float):
            trainer["val_check_interval"] = 1.0
        if isinstance(trainer.get("limit_train_batches"), float):
            trainer["limit_train_batches"] = 3
        if isinstance(trainer.get("limit_val_batches"), float):
            trainer["limit_val_batches"] = 1
    if trainer.get("barebones"):
        for key in ("logger", "log_every_n_steps", "num_sanity_val_steps", "profiler", "detect_anomaly",
                    "enable_model_summary", "fast_dev_run"):  # fmt: skip
            trainer.pop(key, None)
        without |= {
            "ModelCheckpoint",
            "OnExceptionCheckpoint",
            "LearningRateMonitor",
            "TQDMProgressBar",
            "ModelSummary",
        }
    if model["metric"] not in {"train", "both", "train_end", "callback"}:
        trainer.pop("barebones", None)
        if trainer.get("limit_val_batches") == 0:
            trainer.pop("limit_val_batches")
    if "overfit_batches" in trainer and isinstance(trainer.get("val_check_interval"), int):
        trainer.pop("overfit_batches")
    if trainer.get("max_epochs") == -1 or data["kind"] == "iterable":
        without.add("StochasticWeightAveraging")
    named = [
        callback
        for callback in trainer.pop("callbacks", [])
        if callback["class_path"].rpartition(".")[2] not in without
    ]
    return {**trainer, "callbacks": named} if named else trainer


def _callbacks(draw: Random, trainer: dict[str, Any]) -> list[dict[str, Any]]:
    best = {"monitor": "score", "mode": "min"}
    two = {**best, "dirpath": "ckpts", "save_top_k": 2}
    offered: list[tuple[float, str, dict[str, Any]]] = [
        (0.2, "EarlyStopping", {**best, "patience": draw.choice([0, 1]), "strict": False}),
        (0.2, "ModelCheckpoint", draw.choice([{}, two, {"save_last": True}, {"every_n_train_steps": 3}])),
        (0.1, "OnExceptionCheckpoint", {"dirpath": "exceptions"}),
        (0.1, "StochasticWeightAveraging", {"swa_lrs": 0.01, "swa_epoch_start": draw.choice([0.5, 2])}),
        (0.08, "EMAWeightAveraging", {"decay": 0.9}),
        (0.08, "GradientAccumulationScheduler", {"scheduling": {0: 2, 2: 1}}),
        (0.05, "Timer", {"duration": {"minutes": 40}}),
        (0.05, "ModelSummary", {}),
        (0.05, "TQDMProgressBar", {}),
        (0.04, "LearningRateFinder", {"num_training_steps": 5}),
        (0.03, "BatchSizeFinder", {"steps_per_trial": 1, "max_trials": 2}),
    ]
    found = []
    for share, name, arguments in offered:
        if draw.random() < share:
            found.append({"class_path": f"{_CALLBACKS}.{name}", "init_args": arguments})
    if trainer.get("logger") and draw.random() < 0.3:
        found.append({"class_path": f"{_CALLBACKS}.LearningRateMonitor", "init_args": {}})
    return found
