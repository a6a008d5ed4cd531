"""Optuna's storage with calls that wait for a database that is away."""

from collections.abc import Callable, Sequence
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from studies.database.retry import persistently


def persistent(backend: BaseStorage) -> BaseStorage:
    """Give a storage whose calls are repeated until the database answers.

    All but two read, or write the same once more: Optuna ignores that a parameter is there, overwrites an
    attribute, and refuses a study whose name is taken. A trial is made once, since only whoever knows what
    it is for can find the one that was made without an answer; see `studies.running.asking`.
    """
    storage: BaseStorage = PersistentStorage()
    storage.backend = backend  # type: ignore[attr-defined] # of the class below
    return storage


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
