"""The shipped study of a table takes the module and the metric that its target needs."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studies.definition.study_file import StudyFile
from studies.errors import StudyFileError
from tuner.data import Table
from tuner.data.tabular.columns import decide_task
from tuner.data.tabular.reading import read_table
from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import DataFrame

CLASSIFIER, REGRESSOR = "tuner.modules.MLPClassifier", "tuner.modules.MLPRegressor"
# A quantity's error in its own unit, in the order of `val_loss`; what classes that count alike are told by.
OF_QUANTITY, OF_BALANCED = "val_rmse", "val_balanced_error"
_SHIPPED = ("shipped", "table.yaml")


def is_shipped_table(file: StudyFile) -> bool:
    """Say whether a study file is the shipped study `table`, whatever `--set` has changed in it."""
    return Path(file.source).parts[-2:] == _SHIPPED


def for_target(file: StudyFile) -> StudyFile:
    """Give the shipped study `table` the module and the metric that suit its target; no other study changes.

    What `--set` names stays as it was asked for.

    Raises:
        StudyFileError: nothing has named the table, or the column to predict.
    """
    model, data = (file.data.get(section) or {} for section in ("model", "data"))
    if not is_shipped_table(file) or not isinstance(model, Mapping) or not isinstance(data, Mapping):
        return file
    arguments = data.get("init_args") or {}
    if not isinstance(arguments, Mapping):
        return file
    frame = _frame(arguments)
    _refuse_unnamed(file, arguments, frame)
    if model.get("class_path") != CLASSIFIER:
        return file
    if _task(arguments, frame) == "regression":
        given = {name: value for name, value in (model.get("init_args") or {}).items() if name != "classes"}
        file = replace(file, data={**file.data, "model": {"class_path": REGRESSOR, "init_args": given}})
        return _scored_by(file, OF_QUANTITY)
    return _scored_by(file, OF_BALANCED) if arguments.get("class_weights") == "balanced" else file


def _refuse_unnamed(file: StudyFile, arguments: Mapping[str, Any], frame: "DataFrame | None") -> None:
    """Refuse a table or a target that nobody has named; the file's own are only places to fill in.

    A name that the data do not take is told first, elsewhere: it may be a misspelt `target`.
    """
    if set(arguments) - set(signature(Table).parameters):
        return
    if frame is None:
        if not file.is_changed("data.init_args.path"):
            said = "is not given; add `--set path=FILE.csv --set target=COLUMN`, with the column to predict."
            raise StudyFileError("table", "data.init_args.path", said)
    elif not file.is_changed("data.init_args.target") and arguments.get("target") not in frame.columns:
        listed = ", ".join(map(str, frame.columns))
        said = f"is not given; add `--set target=COLUMN`, with the column to predict, of {listed}."
        raise StudyFileError("table", "data.init_args.target", said)


def _scored_by(file: StudyFile, metric: str) -> StudyFile:
    study = file.data.get("study")
    if not isinstance(study, Mapping) or file.is_changed("study.metric"):
        return file
    return replace(file, data={**file.data, "study": {**study, "metric": metric}})


def _frame(arguments: Mapping[str, Any]) -> "DataFrame | None":
    """Read the table; None where it cannot be read, which the rehearsal says better."""
    missing = arguments.get("missing") or ()
    with suppress(BadData, KeyError, TypeError):
        return read_table(
            Path(str(arguments["path"])).expanduser(),
            separator=str(arguments.get("separator", ",")),
            missing=(missing,) if isinstance(missing, str) else missing,
        )
    return None


def _task(arguments: Mapping[str, Any], frame: "DataFrame | None") -> str | None:
    """Say what is to be predicted; None where nobody can say."""
    if (task := arguments.get("task", "auto")) != "auto":
        return str(task)
    with suppress(BadData, KeyError, TypeError):
        return None if frame is None else decide_task(frame[arguments["target"]])
    return None
