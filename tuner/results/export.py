"""A trial as a configuration file with which plain LightningCLI trains it again, without the tuner."""

import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from studies.definition.length import TrialLength
from studies.definition.yaml_text import yaml_text
from studies.ledger.ledger import Ledger
from studies.proposing.seeds import training_seed
from studies.trials.record import TrialRecord, kept_in_words
from studies.trials.trained import planned_validations, trained
from tuner.errors import Refused
from tuner.training.configuration.trainer_defaults import TRAINER_DEFAULTS
from tuner.training.process.ranks import for_ranks
from tuner.workers.code.here import elsewhere
from tuner.workers.processes.working_directory import shown, unmoved

_SANITY = "num_sanity_val_steps"  # a check before the training would take numbers from the data's generators


def export(ledger: Ledger, trial: TrialRecord, path: Path) -> None:
    """Write a trial's configuration as a file that plain LightningCLI trains: `fit --config best.yaml`."""
    with unmoved():  # whatever the module does while it is imported
        configuration = complete(ledger, trial)
        if _has_fixed_classes(ledger, trial):
            fixed = {name: configuration[name].get("init_args") or {} for name in _classes(configuration)}
            configuration |= fixed
    # A name with a line break must not end the comment that it stands in.
    text = "".join(f"# {' '.join(line.split())}\n" for line in _head(ledger, trial, path))
    path.write_text(text + yaml_text(configuration, compact=False), encoding="utf-8")


def complete(ledger: Ledger, trial: TrialRecord) -> dict[str, Any]:
    """Give a trial's whole configuration: with its seed, a logger, and callbacks that keep its weights.

    A search logs nothing, keeps no checkpoint and shows no progress; this is for one training, so it does.
    None of it changes what is trained.

    Raises:
        Refused: the study names no module, or one that is defined elsewhere.
        BadConfiguration: the module cannot be imported, so its Lightning is not known.
    """
    if reason := elsewhere(ledger.definition):
        raise Refused(
            f"Trial {trial.number} of {ledger.name!r} is no configuration for LightningCLI: {reason}; "
            f"`tuner trial {ledger.name} {trial.number}` shows its values."
        )
    from tuner.training.configuration.assembly import for_package
    from tuner.training.configuration.class_paths import package_of

    configuration = for_package(_without_dead(trained(ledger.definition, trial)))
    package, settings = package_of(configuration), ledger.definition.settings
    configuration.pop("cli", None)  # the command that trains it names the class
    trainer = dict(configuration.get("trainer") or {})
    trainer.setdefault(_SANITY, TRAINER_DEFAULTS[_SANITY])
    trainer.update(for_ranks({"trainer": trainer}, TrialLength.of(configuration).devices or 1)["trainer"])
    if trainer.get("logger", False) is False:
        folder = str(trainer.get("default_root_dir") or ".")
        trainer["logger"] = {"class_path": f"{package}.loggers.CSVLogger", "init_args": {"save_dir": folder}}
    if not trainer.get("enable_checkpointing", False):
        trainer.pop("enable_checkpointing", None)
    given = trainer.get("callbacks") or []
    callbacks = [given] if isinstance(given, Mapping | str) else list(given)
    mode = "min" if ledger.minimizes else "max"
    wanted = (
        [{"monitor": settings.metric, "mode": mode, "verbose": True}] if _monitored(ledger, trial) else []
    )
    if settings.score == "last" or not wanted:
        wanted.append({"filename": "last-{epoch}-{step}"})
    there = [
        (callback.get("init_args") or {}).get("monitor")
        for callback in map(_as_class, callbacks)
        if callback["class_path"].rpartition(".")[2] == "ModelCheckpoint"
    ]
    callbacks += [
        {"class_path": f"{package}.callbacks.ModelCheckpoint", "init_args": arguments}
        for arguments in wanted
        if arguments.get("monitor") not in there
    ]
    return {
        "seed_everything": training_seed(ledger.definition, trial.slot or 0, trial.last_training),
        **configuration,
        "trainer": {**trainer, "callbacks": callbacks},
    }


def _without_dead(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out arguments that would make an optimizer or a scheduler which nothing uses."""
    from tuner.training.fitting.own_optimizer import dead_arguments

    dead = dead_arguments(configuration)
    if not dead:
        return dict(configuration)
    model = configuration["model"]
    kept = {name: value for name, value in model["init_args"].items() if name not in dead}
    return {**configuration, "model": {**model, "init_args": kept}}


def _head(ledger: Ledger, trial: TrialRecord, path: Path) -> list[str]:
    from tuner.training.configuration.class_paths import package_of

    settings = ledger.definition.settings
    score = "" if trial.score is None else f", {settings.metric} {trial.score:.6g}"
    count = "" if trial.threads is None else f"OMP_NUM_THREADS={trial.threads} "
    configuration = trained(ledger.definition, trial)
    home, _, cli = str(
        configuration.get("cli") or f"{package_of(configuration)}.cli.LightningCLI"
    ).rpartition(".")
    is_curve_of_it = settings.score == "best" and not trial.repeats
    at = trial.best_validation(minimizes=ledger.minimizes) if is_curve_of_it else None
    what = f"The score is that of the {settings.score} validation."
    if at is not None:
        what = (
            f"The score is that of validation {at} of {len(trial.curve)}, the best one: its "
            f"weights are kept by ModelCheckpoint, and the training goes on to its end."
        )
    paths = list(_classes(configuration).values()) if _has_fixed_classes(ledger, trial) else []
    named = [path.rpartition(".") for path in paths]
    imports = [f"from {module} import {name}; " for module, _, name in named]
    called = ", ".join(name for _, _, name in named)
    start = f"{''.join(imports)}from {home} import {cli}; {cli}({called})"
    train = f"{count}PYTHONPATH=. python -c '{start}'"
    made_by = f"written by interplay-tuner {version('interplay-tuner')}."
    where = "in lightning_logs, unless another logger is named below."
    return [
        f"Trial {trial.number} of the study {ledger.name}{score}; {made_by}",
        *_repeated(trial),
        *([f"It kept: {kept_in_words(trial)}"] if trial.metrics else []),
        f"Train it: {train} fit --config {shlex.quote(str(shown(path)))}",
        what,
        f"Each validation's metrics are written to metrics.csv beside the checkpoints, {where}",
    ]


def _repeated(trial: TrialRecord) -> list[str]:
    """Say of a trial that was trained several times which training the file describes."""
    if len(trial.repeats) < 2:  # noqa: PLR2004 - nothing was repeated
        return []
    mean = f"The score is the mean of {len(trial.repeats)} trainings, standard deviation {trial.spread:.3g}; "
    return [f"{mean}this is the last of them, which scored {trial.repeats[-1]:.6g}."]


def _has_fixed_classes(ledger: Ledger, trial: TrialRecord) -> bool:
    """Say whether the configuration is one of `MyCLI(MyModule, MyData)`, which names no classes."""
    from tuner.training.configuration.links import wants_fixed_classes

    return wants_fixed_classes(trained(ledger.definition, trial))


def _classes(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Give the class paths of the module and the data."""
    return {name: configuration[name]["class_path"] for name in ("model", "data") if configuration.get(name)}


def _monitored(ledger: Ledger, trial: TrialRecord) -> bool:
    """Say whether the metric is logged in every validation; ModelCheckpoint refuses one that is not."""
    planned = planned_validations(ledger.definition, trial)
    return planned is None or len(trial.curve) >= planned


def _as_class(callback: Any) -> dict[str, Any]:
    return {"class_path": callback} if isinstance(callback, str) else dict(callback)
