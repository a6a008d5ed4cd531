"""`tuner.tune`: a study of what a script or a notebook has, made and worked on in one call."""

import re
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from tuner.api.making import further_settings, refuse_in_training
from tuner.api.manner import USUAL, Manner
from tuner.api.question import SOURCE, Maker, Space, study_file
from tuner.api.study import Study
from tuner.preparation.apart import prepare_apart
from tuner.preparation.question import Question
from tuner.workers.events import View
from tuner.workers.processes.fork_server import modules_of, warm_up

TRIALS = 60


def tune(
    module: Maker,
    data: Any = None,
    space: Space = None,
    *,
    metric: str,
    trials: int = TRIALS,
    direction: str = "minimize",
    name: str | None = None,
    trainer: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    manner: Manner = USUAL,
    storage: str | None = None,
    timeout: float | None = None,
    shows: bool = True,
) -> Study:
    """Tune a module, and give the study when its slots are spent, or a first Ctrl-C has ended the work.

    The same call goes on with the same study. Classes and functions of a notebook, of the script or of a
    function reach the processes that this one starts by value; another worker cannot work on such a study.

    Args:
        module: a LightningModule's class, a function that says that it returns one, or a `functools.partial`
            of either with arguments that are fixed.
        data: a LightningDataModule, its class, or a function that returns one; None where the module has
            loaders.
        space: what varies, by the argument that it fills: `{"lr": Float(1e-4, 1e-1, log=True), "width": 64}`
            varies one and fixes the other. A name of the catalogue, such as `"recipe.quick"`. None takes the
            module's own `search_space()`.
        metric: what is optimized, as the module logs it.
        trials: how many slots the study has; more than before adds the rest.
        direction: `"minimize"` or `"maximize"`.
        name: of the study; by default that of the module.
        trainer: the Trainer's arguments, such as `{"max_epochs": 10}`.
        settings: further keys of the section `study` of a study file, such as `{"seed": 1, "confirm": 3}`.
        manner: how it is worked on.
        storage: the database's URL; else TUNER_STORAGE, OPTUNA_STORAGE, or `sqlite:///tuner.db`.
        timeout: seconds after which the work is stopped.
        shows: whether progress is shown.

    Raises:
        Refused: an argument can be no part of a study, or the GPUs that `manner` names cannot be had.
        StudyFileError: what the call describes is wrong, or does not train.
        StudyChanged: the database holds another study of that name.
        StudyStopped: several trials in a row ended with an error; it holds the last one's traceback.
        StorageError: the database cannot be used.
    """
    refuse_in_training()
    named = name or _name_of(module)
    asked: dict[str, Any] = {"name": named, "metric": metric, "direction": direction, "trials": trials}
    asked |= further_settings(settings, asked, SOURCE)
    file = parse_study_file(study_file(module, data, space, asked, trainer or {}), source=SOURCE)
    also = {"tuner.workers.launchers.local"} if manner.workers > 1 else set()
    warm_up(modules_of(file.data) | also)  # before the processes that need it
    study = Study.of(lambda: Question(file, prepare_apart(file)), storage=storage, gpus=manner.gpus)
    for remark in study.remarks:
        if shows:
            sys.stderr.write(f"{remark}\n")
    stop = threading.Event()
    with _shown(study.ledger, stop, manner.workers, shows=shows) as view:
        study.run(manner, trials=trials, timeout=timeout, view=view)
    return study


def _shown(
    ledger: Ledger, stop: threading.Event, workers: int, *, shows: bool
) -> AbstractContextManager[View]:
    """Give the view that suits where the call was made: a notebook, a terminal, or a file."""
    from tuner.terminal.live_view import view_for
    from tuner.terminal.notebook_view import in_notebook, notebook_view

    if shows and in_notebook():
        return notebook_view(ledger, stop, workers)
    return view_for(ledger, stop, quiet=not shows, workers=workers)


def _name_of(module: Maker) -> str:
    """Make a study's name of a class or function: `LitModel` gives `lit-model`."""
    own = getattr(getattr(module, "func", module), "__name__", "study").strip("_<>") or "study"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", own).replace("_", "-").lower()
