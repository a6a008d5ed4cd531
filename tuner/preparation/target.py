"""The shipped study of a table takes the module that its target needs: classes or a quantity."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from studies.definition.study_file import StudyFile
from tuner.data.tabular.columns import decide_task
from tuner.data.tabular.reading import read_table
from tuner.errors import BadData

CLASSIFIER, REGRESSOR = "tuner.modules.MLPClassifier", "tuner.modules.MLPRegressor"
_SHIPPED = ("shipped", "table.yaml")


def for_target(file: StudyFile) -> StudyFile:
    """Give the shipped study `table` the module of a quantity where the target is one; no other changes."""
    model, data = (file.data.get(section) or {} for section in ("model", "data"))
    is_shipped = Path(file.source).parts[-2:] == _SHIPPED
    if not is_shipped or not isinstance(model, Mapping) or not isinstance(data, Mapping):
        return file
    if model.get("class_path") != CLASSIFIER or _task(data.get("init_args") or {}) != "regression":
        return file
    given = {name: value for name, value in (model.get("init_args") or {}).items() if name != "classes"}
    return replace(file, data={**file.data, "model": {"class_path": REGRESSOR, "init_args": given}})


def _task(arguments: Mapping[str, Any]) -> str | None:
    """Say what is to be predicted; None where the file cannot be read, which the rehearsal says better."""
    if (task := arguments.get("task", "auto")) != "auto":
        return str(task)
    missing = arguments.get("missing") or ()
    with suppress(BadData, KeyError, TypeError):
        frame = read_table(
            Path(str(arguments["path"])).expanduser(),
            separator=str(arguments.get("separator", ",")),
            missing=(missing,) if isinstance(missing, str) else missing,
        )
        return decide_task(frame[arguments["target"]])
    return None
