"""The ways to a study: a study file, a call from Python, the database."""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from search_spaces.space.nodes import Choice, Group, Node
from search_spaces.space.parameters import parameters
from studies.definition.settings import read_settings
from studies.definition.study import StudyDefinition
from studies.definition.study_file import StudyFile, overrides_of
from studies.errors import StudyFileError
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import is_known, open_ledger
from studies.trials.attributes import is_count
from tuner.api.asking import Asking
from tuner.api.storage import opened
from tuner.errors import Refused
from tuner.preparation.question import Question, read_question
from tuner.workers.code.named import changed_code
from tuner.workers.gpus import wanted

_DEFINE = "Study.define"  # the source of what it is given, in errors


class Made(Asking):
    """A study that was made, or opened.

    Attributes:
        remarks: what has to be known beforehand, in sentences.
    """

    def __init__(self, ledger: Ledger, url: str, remarks: Sequence[str] = ()) -> None:
        """Take a study whose ledger is open in the database at `url`."""
        super().__init__(ledger, url)
        self.remarks = tuple(remarks)

    @classmethod
    def create(
        cls,
        study: str | Path,
        *,
        name: str | None = None,
        trials: int | None = None,
        overrides: Sequence[str] = (),
        storage: str | None = None,
        rehearses: bool = True,
    ) -> Self:
        """Make a study, or open the one that is there and was made from the same file.

        Args:
            study: a study file, or the name of a shipped study.
            name: what to call it instead of what the file says.
            trials: how many slots it has, instead of what the file says; more than before adds the rest.
            overrides: changes of the file, such as `"trainer.max_epochs=50"`.
            storage: the database's URL; else TUNER_STORAGE, OPTUNA_STORAGE, or `sqlite:///tuner.db`.
            rehearses: whether a few steps are trained first, in a process of their own.

        Raises:
            Refused: there is no such file and no shipped study of that name.
            StudyFileError: the file is wrong, or what it describes does not train.
            StudyChanged: the database holds another study of that name.
            StorageError: the database cannot be used.
        """
        changes = overrides_of(overrides, name, trials)

        def read() -> Question:
            question = read_question(str(study), changes, rehearses=rehearses)
            if question is None:
                raise Refused(
                    f"{str(study)!r} is no study file and no shipped study; Study.open opens others."
                )
            return question

        return cls.of(read, storage=storage, rehearses=rehearses)

    @classmethod
    def of(
        cls,
        read: Callable[[], Question],
        *,
        storage: str | None = None,
        rehearses: bool = True,
        gpus: str | None = None,
    ) -> Self:
        """Make a study of a question, once `read` has given it, and rehearse on one of `gpus`.

        Errors as `create`'s.
        """
        refuse_in_training()
        question = read()
        url, database = opened(storage)
        is_new = not is_known(database, question.definition.settings.name)
        with wanted(gpus) as held:
            seen = question.rehearse(database, threading.Event(), held) if rehearses else None
        remarks = list(question.remarks(seen)) if is_new else []
        ledger = question.make(database)
        if changed := changed_code(ledger):
            remarks.append(
                f"{', '.join(changed)} changed since {ledger.name} was made: its scores may not compare."
            )
        return cls(ledger, url, remarks)

    @classmethod
    def open(cls, name: str, *, storage: str | None = None) -> Self:
        """Open a study of the database.

        Raises:
            UnknownStudy: the database holds none of that name, or one that another program made.
            UnusableStudy: what the database holds of it cannot be read or worked with.
        """
        url, database = opened(storage)
        return cls(open_ledger(database, name), url)

    @classmethod
    def define(
        cls,
        name: str,
        space: Group | Mapping[str, Node],
        *,
        metric: str,
        trials: int = 60,
        direction: str = "minimize",
        epochs: int | None = None,
        settings: Mapping[str, Any] | None = None,
        storage: str | None = None,
    ) -> Self:
        """Make a study whose trials a program trains by `ask` and `tell`, or open the one that is there.

        Args:
            name: of the study.
            space: what varies, by name.
            metric: what is optimized is called so.
            trials: how many slots it has; more than before adds the rest.
            direction: `"minimize"` or `"maximize"`.
            epochs: how many scores a trial reports; the default pruner needs it.
            settings: further keys of the section `study` of a study file, for which there is no argument.
            storage: the database's URL; else as for `create`.

        Raises:
            Refused: nothing varies, or what varies is no parameter.
            StudyFileError: a setting is not known, or it or `epochs` is not what it must be.
            StudyChanged: the database holds another study of that name.
        """
        section: dict[str, Any] = {"name": name, "metric": metric, "direction": direction, "trials": trials}
        group = _group(space)
        if not parameters(group):
            raise Refused("space: nothing varies; give a mapping of names to such as tuner.Float(0.0, 1.0).")
        section |= further_settings(settings, section, _DEFINE)
        if epochs is not None and (not is_count(epochs) or epochs == 0):
            raise StudyFileError(
                _DEFINE, "epochs", f"must be a whole number that is at least 1, but got {epochs!r}."
            )
        asked = read_settings(StudyFile(_DEFINE, "", {"study": section}))
        fixed = {} if epochs is None else {"trainer": {"max_epochs": epochs}}
        url, database = opened(storage)
        return cls(create(database, StudyDefinition(asked, fixed, group), source=""), url)


def further_settings(
    given: Mapping[str, Any] | None, arguments: Mapping[str, Any], source: str
) -> Mapping[str, Any]:
    """Take the settings that have no argument of their own, beside those that have.

    Raises:
        StudyFileError: it is no mapping, or holds one of the arguments; the error names `source`.
    """
    further = {} if given is None else given
    if not isinstance(further, Mapping):
        raise StudyFileError(
            source, "settings", f"must be a mapping such as {{'seed': 1}}, but got {further!r}."
        )
    if twice := [key for key in arguments if key in further]:
        raise StudyFileError(
            source, "settings", f"must not hold {twice[0]!r}; give it as the argument {twice[0]}."
        )
    return further


def _group(space: object) -> Group:
    """Take a space as it was given.

    Raises:
        Refused: it is none, or what varies is no parameter.
    """
    if not isinstance(space, Group | Mapping):
        raise Refused(
            f"space: must be a mapping of names to such as tuner.Float(0.0, 1.0), but got {space!r}."
        )
    group = space if isinstance(space, Group) else Group(dict(space))
    _check(group, "space")
    return group


def _check(group: Group, place: str) -> None:
    for name, node in group.children.items():
        if not isinstance(node, Node):
            raise Refused(
                f"{place}: {name} is {node!r}; write such as tuner.Float(0.0, 1.0) for what varies, and "
                "leave out what is fixed."
            )
        for key, branch in node.branches.items() if isinstance(node, Choice) else ():
            _check(branch, f"{place}.{name}.{key}")


def refuse_in_training() -> None:
    """End a process that is about to train where the main script, which it imports, makes a study."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") != "__mp_main__":
        frame = frame.f_back
    if frame is not None:
        raise SystemExit(
            "The processes that train import the main script too, so what it does by itself has to stand "
            'under if __name__ == "__main__":'
        )
