"""Optuna's storage whose calls wait for a database that is away, and one that keeps its trial in memory."""

import copy
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from studies.database.all_trials import AllTrials, DamagedTrial
from studies.database.retry import persistently


def persistent(plain: RDBStorage) -> BaseStorage:
    """Give a storage whose calls are repeated until the database answers, and that reads only what is new.

    All but two read, or write the same once more: Optuna ignores that a parameter is there, overwrites an
    attribute, and refuses a study whose name is taken. A trial is made once, since only whoever knows what
    it is for can find the one that was made without an answer; see `studies.running.asking`.
    """
    return _KeepingStorage(plain, AllTrials(plain.engine))


def _repeated(name: str) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        return persistently(lambda: getattr(self.backend, name)(*arguments, **named))

    return call


def _create_new_trial(self: Any, study_id: int, template_trial: Any = None) -> Any:
    return self.backend.create_new_trial(study_id, template_trial)


def _set_trial_state_values(
    self: Any, trial_id: int, state: TrialState, values: Sequence[float] | None = None
) -> Any:
    def change() -> Any:
        return self.backend.set_trial_state_values(trial_id, state, values)

    def change_again() -> Any:
        try:
            return change()
        except UpdateFinishedTrialError:
            if self.backend.get_trial(trial_id).state is not state:
                raise
            return True  # by the call whose answer was lost

    return persistently(change, again=change_again)


# Made of what Optuna's base class declares, so that no list is kept in step by hand.
PersistentStorage: Any = type(
    "PersistentStorage",
    (BaseStorage,),
    {
        name: _repeated(name)
        for name, method in vars(BaseStorage).items()
        if callable(method) and not name.startswith("_")
    }
    | {"create_new_trial": _create_new_trial, "set_trial_state_values": _set_trial_state_values},
)


class _KeepingStorage(PersistentStorage):  # type: ignore[misc] # that class is made of what Optuna declares
    """The storage that all that one process does with a database shares; see `all_trials`.

    Optuna's cache takes the number of a study or a trial for the same one for good. SQLite gives the numbers
    of what was deleted again, so what is asked by a number is asked of the database.
    """

    def __init__(self, plain: RDBStorage, kept: AllTrials) -> None:
        self.backend, self._plain, self._kept = get_storage(plain), plain, kept

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Give a trial."""
        return persistently(lambda: self._plain.get_trial(trial_id))

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """Give a trial's number in the tables."""
        find = self._plain.get_trial_id_from_study_id_trial_number
        return persistently(lambda: find(study_id, trial_number))

    def get_trial_number_from_id(self, trial_id: int) -> int:
        """Give a trial's number in its study."""
        return persistently(lambda: self._plain.get_trial_number_from_id(trial_id))

    def get_study_name_from_id(self, study_id: int) -> str:
        """Give a study's name."""
        return persistently(lambda: self._plain.get_study_name_from_id(study_id))

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Give whether a study minimizes or maximizes."""
        return persistently(lambda: self._plain.get_study_directions(study_id))

    get_n_trials = BaseStorage.get_n_trials  # by `get_all_trials`

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # noqa: FBT001, FBT002 - as Optuna's base class has it
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Give the trials of a study, those in `states` where some are named, by number."""
        # A study of several objectives is another program's, and of a damaged trial Optuna tells in its way.
        directions: Sequence[StudyDirection] = super().get_study_directions(study_id)  # how many is kept
        is_plain, trials = len(directions) == 1, None
        if is_plain:
            with suppress(DamagedTrial):
                trials = persistently(lambda: self._kept.read(study_id))
        if trials is None:
            return super().get_all_trials(study_id, deepcopy, states)  # type: ignore[no-any-return]
        found = [trial for trial in trials if states is None or trial.state in states]
        return copy.deepcopy(found) if deepcopy else found


class OneTrialStorage(PersistentStorage):  # type: ignore[misc] # that class is made of what Optuna declares
    """The storage as whoever runs one trial sees it: of that trial everything is kept in memory.

    Nobody else writes to a trial that runs, but for a worker that declares it lost, which whoever writes the
    next thing about it hears. Its values are taken down here only: they are stored together, with what else
    is settled with them. All else that Optuna writes of it is stored as well as taken down.

    Attributes:
        trial: as the database has it, but for what is not stored yet.
        identifier: its number in Optuna's tables.
        sees: gives of the study's trials those that whoever runs this one is shown; None shows all.
    """

    def __init__(
        self,
        backend: BaseStorage,
        trial: FrozenTrial,
        sees: Callable[[Sequence[FrozenTrial]], list[FrozenTrial]] | None = None,
    ) -> None:
        self.backend, self.trial, self.sees = backend, trial, sees
        self.identifier: int = trial._trial_id  # noqa: SLF001 - samplers and pruners read it there

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Give a trial; of the one that runs a copy of what is known."""
        if trial_id != self.identifier:
            return super().get_trial(trial_id)  # type: ignore[no-any-return]
        return copy.deepcopy(self.trial)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # noqa: FBT001, FBT002 - as Optuna's base class has it
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Give the trials of the study, of those that are shown the ones in `states`."""
        if self.sees is None:
            return super().get_all_trials(study_id, deepcopy, states)  # type: ignore[no-any-return]
        shown = self.sees(super().get_all_trials(study_id, deepcopy, None))
        return [trial for trial in shown if states is None or trial.state in states]

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Take down a value."""
        self.trial.distributions[param_name] = distribution
        self.trial.params[param_name] = distribution.to_external_repr(param_value_internal)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Store and take down a score."""
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        self.trial.intermediate_values[step] = intermediate_value

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Store and take down an attribute."""
        super().set_trial_user_attr(trial_id, key, value)
        if trial_id == self.identifier:
            self.trial.user_attrs[key] = value

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Store and take down an attribute."""
        super().set_trial_system_attr(trial_id, key, value)
        if trial_id == self.identifier:
            self.trial.system_attrs[key] = value

    # As Optuna's base class has them: by `get_trial`.
    get_trial_params = BaseStorage.get_trial_params
    get_trial_param = BaseStorage.get_trial_param
    get_trial_user_attrs = BaseStorage.get_trial_user_attrs
    get_trial_system_attrs = BaseStorage.get_trial_system_attrs
    get_trial_number_from_id = BaseStorage.get_trial_number_from_id


def trial_of(study: Study, identifier: int) -> FrozenTrial:
    """Give a trial by its number in Optuna's tables, as whoever holds the study knows it."""
    return study._storage.get_trial(identifier)  # noqa: SLF001 - as below


def seen_by(study: Study, storage: OneTrialStorage) -> Study:
    """Give a study as whoever runs one trial sees it, with a sampler and a cache of its own.

    Optuna's way to a study of another storage asks the database for what is known here, so this sets the
    name under which a study has its storage. A contract test fails if that changes.
    """
    own = copy.copy(study)
    own._storage = storage  # noqa: SLF001
    return own
