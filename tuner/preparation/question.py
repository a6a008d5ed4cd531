"""A study that is not in the database yet: its file, read and checked, and how it gets there."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studies.database.open import Database
from studies.definition.study import StudyDefinition
from studies.definition.study_file import StudyFile
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import is_known
from studies.shipped.catalogue import find_study_file
from tuner.training.messages import Rehearsed
from tuner.workers.gpus import Gpus, lent
from tuner.workers.processes.fork_server import modules_of, warm_up


@dataclass(frozen=True)
class Question:
    """A study as its file asks it; nothing of it is in a database."""

    file: StudyFile
    definition: StudyDefinition

    def rehearse(
        self, database: Database, stop: threading.Event, gpus: Gpus | None = None
    ) -> Rehearsed | None:
        """Train a few steps of the defaults, unless the database holds the study already.

        Args:
            database: where the study will be.
            stop: is set to end at once.
            gpus: of which it takes one; None lets it see all.

        Returns: What was seen; None where the study is there, or `stop` came first.

        Raises:
            StudyFileError: it does not train.
            Refused: other runs have the GPUs.
        """
        from tuner.preparation.rehearsing import rehearse

        if is_known(database, self.definition.settings.name):
            return None
        with lent(gpus) as names:
            return rehearse(self.file, self.definition, stop, names)

    def remarks(self, seen: Rehearsed | None) -> Iterator[str]:
        """Say in sentences what cannot be exact, and what a rehearsal could not see."""
        from tuner.training.resuming.exactness import announced, reasons_of_configuration

        if seen is not None and seen.remark:
            yield seen.remark
        for reason in seen.inexact if seen else reasons_of_configuration(self.definition.fixed):
            yield announced(reason)

    def make(self, database: Database) -> Ledger:
        """Put the study in the database, or open the one that is there and was made from the same file.

        Raises:
            StudyChanged: there is another study of that name.
        """
        from tuner.workers.code.named import remember_code

        ledger = create(database, self.definition, self.file.text)
        remember_code(ledger)
        return ledger


def read_question(
    study: str, overrides: Sequence[str] = (), *, workers: int = 0, rehearses: bool = False
) -> Question | None:
    """Read and check a study file; None where `study` names neither a file nor a shipped study.

    The processes that a rehearsal and `workers` will train it in are prepared meanwhile.

    Raises:
        StudyFileError: names the file, the key and the remedy.
    """
    file = find_study_file(study, tuple(overrides))
    if file is None:
        return None
    if workers or rehearses:
        also = {"tuner.workers.launchers.local"} if workers > 1 else set()
        warm_up(modules_of(file.data) | also)  # before the processes that need it
    from tuner.preparation.apart import prepare_apart

    return Question(file, prepare_apart(file))
