"""Notes and figures for optuna-dashboard, kept in memory and made by its own functions.

`save_note` and `save_plotly_graph_object` write to a storage. The one that they are given here keeps what
they write, so that the database stays as it is.
"""

from collections.abc import Mapping
from typing import Any

import optuna
import plotly.graph_objects as go
from optuna.storages import BaseStorage
from optuna_dashboard import get_note, save_note, save_plotly_graph_object

from studies.database.optuna_storage import PersistentStorage
from tuner.results.dashboard_note import with_ours
from tuner.web.beside.shown import Drawn


class Sketch(PersistentStorage):  # type: ignore[misc] # that class is made of what Optuna declares
    """A storage that reads the database, and keeps what is written to a study's system attributes.

    Attributes:
        written: what was written.
    """

    def __init__(self, backend: BaseStorage) -> None:
        self.backend = backend
        self.written: Drawn = {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Give what the database holds, and what was written."""
        return {**super().get_study_system_attrs(study_id), **self.written}

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Keep what is written."""
        self.written[key] = value


def drawn_note(storage: BaseStorage, name: str, note: str) -> Drawn:
    """Give the system attributes that show our part of a note; what a person wrote stands around it."""
    sketch = Sketch(storage)
    study = optuna.load_study(study_name=name, storage=sketch)
    save_note(study, with_ours(get_note(study), note))
    return sketch.written


def drawn_figures(storage: BaseStorage, name: str, figures: Mapping[str, go.Figure]) -> Drawn:
    """Give the system attributes that show figures, which have names that are fit for HTML."""
    sketch = Sketch(storage)
    study = optuna.load_study(study_name=name, storage=sketch)
    for identifier, figure in figures.items():
        save_plotly_graph_object(study, figure, graph_object_id=identifier)
    return sketch.written
