"""A rehearsal: the training that a trial will be, as it stands, ended after some steps and a validation.

It runs in a process of its own. Nothing that a module may read of its trainer is changed: neither
`max_epochs` nor a limit. What is changed is when a validation is due, and when an epoch is over.
"""

import importlib
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer, seed_everything

from tuner.errors import BadConfiguration, BadData, IllegalTraining, KeptNotLogged, MetricNotLogged
from tuner.training.assignment import BUILT_IN, Assignment
from tuner.training.configuration.assembly import assemble, check_readable
from tuner.training.configuration.class_paths import PACKAGES, package_of
from tuner.training.configuration.refusals import told
from tuner.training.fitting.fresh import two_kinds
from tuner.training.fitting.kept_metrics import not_logged
from tuner.training.fitting.own_optimizer import announced, refuse_manual
from tuner.training.fitting.rehearsal_hooks import VALIDATIONS, OutOfTime, RehearsalHooks
from tuner.training.logs.loggers import at_place, unplaced
from tuner.training.logs.silent_loggers import announced_silent, put_silent, without_servers
from tuner.training.messages import Rehearsed, Unfit
from tuner.training.process.ranks import alone_among, on_one_device
from tuner.training.resuming.exactness import reasons_beforehand


def rehearse(
    assignment: Assignment, seconds: float, stepped: Callable[[], None] = lambda: None
) -> Rehearsed | Unfit:
    """Train a configuration for some steps, on one device.

    Args:
        assignment: what to train; of what a trial leaves behind nothing is kept.
        seconds: within which training and validation shall end.
        stepped: is called behind the first batch.

    Returns:
        What was seen, or why the configuration cannot be trained: nothing is raised but what no program can
        survive.
    """
    try:
        with TemporaryDirectory() as folder:  # for what loggers and checkpoints write
            return _rehearsed(assignment, seconds, stepped, Path(folder) / "study" / "rehearsal")
    except (BadConfiguration, MetricNotLogged, BadData, IllegalTraining) as error:
        key = {MetricNotLogged: "study.metric", BadData: "data"}.get(type(error), "")
        said = str(error) if str(error).endswith((".", "?")) else f"{error}."
        return Unfit(key, said, "".join(traceback.format_exception(error)))
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises, SystemExit too
        # Lightning turns a KeyboardInterrupt of the user's code into an exit.
        is_exit = isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt)
        cause: BaseException = error.__context__ or error if is_exit else error
        reason = f"a few steps of training ended with {told(cause)}; `tuner --debug` shows where."
        return Unfit(_place(cause, assignment), reason, "".join(traceback.format_exception(error)))


def _rehearsed(assignment: Assignment, seconds: float, stepped: Callable[[], None], place: Path) -> Rehearsed:
    configuration, silent = without_servers(on_one_device(assignment.configuration))
    if silent:
        check_readable(on_one_device(assignment.configuration))  # the arguments of what is not made
    configuration = at_place(unplaced(configuration), place)
    if assignment.threads is not None:
        torch.set_num_threads(assignment.threads)
    seed_everything(assignment.seed, workers=True, verbose=False)
    callback = importlib.import_module(package_of(configuration)).Callback
    metric = assignment.objective.metric
    hooks = type("Rehearsal", (RehearsalHooks, callback), {})(metric, place, seconds, stepped)
    assembly = assemble(configuration)
    _check_optimizer(assembly.module)
    refuse_manual(assembly.module, configuration)
    replaced = announced(assembly.module, configuration)
    trainer: Any = assembly.trainer
    put_silent(trainer, silent, place)
    trainer.callbacks.insert(0, hooks)
    is_over = False
    try:
        trainer.fit(assembly.module, datamodule=assembly.data)
    except OutOfTime:
        is_over = True
    seen = f"{hooks.batches} batches and {hooks.validations} whole validations"
    if hooks.in_validation and hooks.in_training and _validates_late(trainer):
        raise MetricNotLogged(two_kinds(metric, assembly.module))
    inexact = tuple(reasons_beforehand(assignment.configuration, trainer) + hooks.unsaved)
    alone = alone_among(assignment.configuration, torch.cuda.device_count())
    alone = " ".join(filter(None, (announced_silent(silent), replaced, alone)))
    if hooks.is_logged:
        for name in assignment.metrics:
            if name not in hooks.logged and name not in BUILT_IN:
                raise KeptNotLogged(not_logged(name, assembly.module, hooks.logged))
        size = hooks.size
        if size is not None and not hooks.in_validation:
            size = replace(size, validates=False)
        return Rehearsed(size, alone, inexact)
    if is_over and hooks.validations < VALIDATIONS:
        names = f"it logged {', '.join(sorted(hooks.logged))}" if hooks.logged else "it logged nothing"
        remark = (
            f"The {seconds:.0f} s of the rehearsal sufficed for {seen}, in which {metric} was not "
            f"logged; {names}."
        )
        return Rehearsed(hooks.size, f"{remark} {alone}".rstrip(), inexact)
    raise MetricNotLogged(_missing(metric, assembly.module, hooks, trainer))


def _missing(metric: str, module: LightningModule, hooks: RehearsalHooks, trainer: Trainer) -> str:
    if trainer.barebones or metric in hooks.logged:
        return hooks.fresh.why_missing(module, barebones=trainer.barebones)
    if metric in hooks.of_batches:
        return hooks.fresh.of_batches(module)
    logged = ", ".join(sorted(hooks.offered or hooks.logged))
    single = ", ".join(sorted(hooks.of_batches))
    if not trainer.enable_validation:
        training = f", or set study.metric to one that is logged in training: {logged}" if logged else ""
        remedy = f"which logs nothing; log it with self.log, and give the data a val_dataloader{training}"
    elif logged:
        remedy = f"which logs {logged}; set study.metric to one of them, or log it with self.log"
    elif single:
        remedy = f"which logs only {single}, for single batches; log it with self.log(..., on_epoch=True)"
    else:
        remedy = "which logs nothing; log it with self.log"
    sentence = f"The metric {metric!r} is not logged by {type(module).__name__} in validation, {remedy}"
    if hooks.epochs and hooks.epochs == trainer.max_epochs:
        return sentence  # the whole training has been seen
    return f"{sentence}; if it is logged later than in {max(hooks.epochs, 1)} epochs, give --no-rehearsal"


def _validates_late(trainer: Trainer) -> bool:
    """Say whether an epoch ends before the first validation, and there is one at all."""
    every, of_fit = trainer.check_val_every_n_epoch, trainer.max_epochs
    if every is None:
        return trainer.val_check_batch is not None and trainer.val_check_batch > trainer.num_training_batches
    return every > 1 and (of_fit is None or of_fit < 0 or every <= of_fit)


def _check_optimizer(module: Any) -> None:
    # LightningCLI gives the module a `configure_optimizers` where the configuration names an optimizer.
    if module.configure_optimizers.__module__.startswith(tuple(f"{name}.core." for name in PACKAGES)):
        raise BadConfiguration(
            "optimizer",
            f"is missing, and {type(module).__name__} has no `configure_optimizers`; write such as "
            f"`optimizer: {{class_path: torch.optim.AdamW}}`, or use a space with optimizers: recipe.quick.",
        )


def _place(error: BaseException, assignment: Assignment) -> str:
    """Name the section whose class raised an error: the data's if its code did, else the model's."""
    package = (assignment.configuration.get("data") or {}).get("class_path", "").rpartition(".")[0]
    raised_in = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    is_datas = bool(package) and any(name == package or name.startswith(f"{package}.") for name in raised_in)
    return "data" if is_datas else "model"
