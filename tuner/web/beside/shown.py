"""The database as optuna-dashboard is shown it: readable attributes, artifacts, and what was drawn of it.

optuna-dashboard asks one of Optuna's storages. This is one: it reads the database by another, and puts what
belongs to a page on top, in memory. So nobody's note is written over, no worker pays for a page, and the
database is as it was. What is read of a finished trial is kept, and what is read of all studies and of the
trials of one for a second, since the page of one study asks for both again and again.
"""

import copy
import threading
import time
from collections.abc import Callable, Container, Mapping
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from studies.database.identity import LEDGER, OWNER
from studies.database.optuna_storage import PersistentStorage
from studies.trials import attributes
from tuner.web.beside import attributes as shown_attributes
from tuner.web.beside.artifacts import listed_of_study, listed_of_trial
from tuner.web.beside.raised import noted
from tuner.web.files import Files

_KEPT = 1.0  # seconds
LARGEST = 2**31 - 1  # that a number of Optuna's tables can be
READING = ("get_", "check_", "remove_session")  # how the calls of a storage begin that change nothing

_CALLS = frozenset(name for name in vars(BaseStorage) if not name.startswith("_"))

Drawn = dict[str, Any]  # system attributes that a page shows, beside those of the database


class ReadOnly(PermissionError):
    """A call would change the database, which is open for reading only."""


class ShownStorage(PersistentStorage):  # type: ignore[misc] # that class is made of what Optuna declares
    """A storage to show.

    Attributes:
        drawn: what is shown of a study beside what the database holds, by the study's number.
        asked: when each study was asked for last, by its number; by the clock.
    """

    def __init__(
        self,
        backend: BaseStorage,
        files: Files,
        *,
        writer: BaseStorage | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backend, self._files, self._clock = backend, files, clock
        self._writer = writer
        self.drawn: Mapping[int, Drawn] = {}
        self.asked: dict[int, float] = {}
        self._lock = threading.Lock()
        self._studies: tuple[float, list[Any]] | None = None
        self._of_studies: dict[int, tuple[float, list[FrozenTrial]]] = {}
        self._trials: dict[int, tuple[FrozenTrial, FrozenTrial]] = {}

    def __getattribute__(self, name: str) -> Any:
        """Take down what a call raises, and refuse those that change something, unless that is allowed."""
        found = super().__getattribute__(name)
        if name not in _CALLS:
            return found
        if name.startswith(READING):
            return noted(found)
        if self._writer is None:
            raise ReadOnly(f"{name}: nothing can be changed here")
        self._of_studies = {}
        return noted(found if name in vars(ShownStorage) else getattr(self._writer, name))

    def get_all_studies(self) -> list[Any]:
        """Give the studies as they are shown."""
        return [self._shown_study(study) for study in self._raw_studies()]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Give the attributes of a study as they are shown."""
        found: dict[str, Any] = self._study(study_id).user_attrs
        return found

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Give what Optuna and optuna-dashboard keep of a study, and what is drawn."""
        found: dict[str, Any] = self._study(study_id).system_attrs
        return found

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Change the database, where changes are allowed, and show it at once."""
        assert self._writer is not None  # else the call would have been refused
        self._writer.set_study_system_attr(study_id, key, value)
        with self._lock:
            self._studies = None
            self.drawn = {number: drawn for number, drawn in self.drawn.items() if number != study_id}

    def get_study_name_from_id(self, study_id: int) -> str:
        """Give a study's name."""
        return str(self._study(study_id).study_name)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # noqa: FBT001, FBT002 - as Optuna's base class has it
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Give the trials of a study as they are shown."""
        self.asked[study_id] = self._clock()
        shown = [t for t in self._of_study(study_id) if states is None or t.state in states]
        return copy.deepcopy(shown) if deepcopy else shown

    def _of_study(self, study_id: int) -> list[FrozenTrial]:
        name, kept = self.get_study_name_from_id(study_id), self._of_studies.get(study_id)
        if kept is None or self._clock() - kept[0] > _KEPT:
            trials = super().get_all_trials(study_id, deepcopy=False)
            kept = self._clock(), [self._shown_trial(study_id, name, trial) for trial in trials]
            self._of_studies[study_id] = kept
        return kept[1]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Give a trial as it is shown.

        Raises:
            KeyError: there is none.
        """
        if not 0 < trial_id <= LARGEST:
            raise KeyError(trial_id)
        trial: FrozenTrial = super().get_trial(trial_id)
        ledger = trial.user_attrs.get(attributes.LEDGER)
        for study in self._raw_studies():
            number = study._study_id  # noqa: SLF001 - as below
            told = study.user_attrs
            if ledger is not None and told.get(LEDGER) == ledger and told.get(OWNER, number) == number:
                return self._shown_trial(number, study.study_name, trial)
        return trial  # another program's, which is shown as it is

    # As Optuna's base class has them: by the calls above.
    get_best_trial = BaseStorage.get_best_trial
    get_n_trials = BaseStorage.get_n_trials
    get_trial_params = BaseStorage.get_trial_params
    get_trial_param = BaseStorage.get_trial_param
    get_trial_user_attrs = BaseStorage.get_trial_user_attrs
    get_trial_system_attrs = BaseStorage.get_trial_system_attrs
    get_trial_number_from_id = BaseStorage.get_trial_number_from_id

    def _raw_studies(self) -> list[Any]:
        with self._lock:
            kept = self._studies
        if kept is None or self._clock() - kept[0] > _KEPT:
            kept = self._clock(), sorted(super().get_all_studies())
            with self._lock:
                self._studies = kept
        return kept[1]

    def _study(self, study_id: int) -> Any:
        for study in self.get_all_studies():
            if study._study_id == study_id:  # noqa: SLF001 - optuna-dashboard reads it there, too
                return study
        raise KeyError(study_id)

    def _shown_study(self, study: Any) -> Any:
        number = study._study_id  # noqa: SLF001 - as above
        shown = copy.copy(study)
        shown.user_attrs = shown_attributes.of_study(study.user_attrs)
        artifacts = listed_of_study(number, study.study_name, self._files)
        shown.system_attrs = {**study.system_attrs, **artifacts, **self.drawn.get(number, {})}
        return shown

    def _shown_trial(self, study: int, name: str, trial: FrozenTrial) -> FrozenTrial:
        identifier = trial._trial_id  # noqa: SLF001 - as above
        kept = self._trials.get(identifier)
        if kept is not None and kept[0] is trial:
            return kept[1]
        shown = copy.copy(trial)
        shown.user_attrs = shown_attributes.of_trial(trial)
        artifacts = listed_of_trial(study, name, trial, self._files)
        shown.system_attrs = {**trial.system_attrs, **artifacts}
        if trial.constraints:  # as optuna-dashboard 0.21 reads them; Optuna 5 writes each by its name
            shown.system_attrs.setdefault("constraints", list(trial.constraints.values()))
        self._trials[identifier] = trial, shown
        return shown
