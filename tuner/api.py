"""The library under the commands: a study in a database, as one object."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from studies.database.open import Database, open_database, storage_url
from studies.definition.study_file import overrides_of
from studies.ledger.control import DRAINED, PREEMPTED
from studies.ledger.ledger import Ledger
from studies.ledger.making import delete
from studies.ledger.opening import open_ledger
from studies.ledger.status import Status, status_of
from studies.running.confirmation import Candidate, Recommendation, chosen, confirmed, confirming
from studies.running.confirmation import confirm as repeat
from studies.trials.record import TrialRecord
from tuner.errors import Refused
from tuner.preparation.question import read_question
from tuner.workers.events import View, unseen
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally
from tuner.workers.places import refuse_unreachable, results_folder
from tuner.workers.processes.interruption import EndedAtOnce, Interruption
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import GRACE

if TYPE_CHECKING:
    from studies.analysis.observations.of_study import StudyAnalysis
    from studies.analysis.observations.region import Where

OUTPUT = Path("runs")
TOP, SEEDS = 5, 3  # of a confirmation: how many of the best trials, on how many fresh seeds each


@dataclass(frozen=True)
class Manner:
    """How a study is worked on.

    Attributes:
        workers: how many trials are trained at a time; of several each is a process of its own.
        gpus: the GPUs that they share, such as `"0,1"`, or `"auto"`; None lets each see all of them.
        output: a folder in which the study gets one of its own, for weights, logs and checkpoints.
        checkpoints: a folder or URL that all machines reach, for trials that are interrupted.
        grace: seconds that a running epoch has to come to its end when the work is stopped.
    """

    workers: int = 1
    gpus: str | None = None
    output: Path = OUTPUT
    checkpoints: str | None = None
    grace: float = GRACE


class Study:
    """A study in a database.

    `Study.create` makes it from a study file, `Study.open` finds it by its name. The object keeps nothing
    but the way to the database: what other workers do is seen at the next call.

    Training happens in processes of its own, which import the main script again; so a script that calls `run`
    or `create` does so under `if __name__ == "__main__":`.

    Attributes:
        ledger: what the database holds of the study, for what this class does not offer.
        remarks: what has to be known beforehand, in sentences, such as why a trial that is interrupted
            may end otherwise than one that is not.
    """

    def __init__(self, ledger: Ledger, url: str, remarks: Sequence[str] = ()) -> None:
        """Take a study whose ledger is open in the database at `url`."""
        self.ledger, self.remarks = ledger, tuple(remarks)
        self._url = url

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
        question = read_question(str(study), changes, rehearses=rehearses)
        if question is None:
            raise Refused(f"{str(study)!r} is no study file and no shipped study; Study.open opens others.")
        url, database = _open(storage)
        seen = question.rehearse(database, threading.Event()) if rehearses else None
        remarks = list(question.remarks(seen))
        return cls(question.make(database), url, remarks)

    @classmethod
    def open(cls, name: str, *, storage: str | None = None) -> Self:
        """Open a study of the database.

        Raises:
            UnknownStudy: the database holds none of that name, or one that another program made.
            UnusableStudy: what the database holds of it cannot be read or worked with.
        """
        url, database = _open(storage)
        return cls(open_ledger(database, name), url)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.ledger.name

    @property
    def metric(self) -> str:
        """What it optimizes, as the module logs it."""
        return self.ledger.definition.settings.metric

    def run(
        self,
        manner: Manner = Manner(),
        *,
        trials: int | None = None,
        timeout: float | None = None,
        view: View | None = None,
    ) -> Status:
        """Work on the study until its budget is spent, and confirm the best where the study says so.

        A first Ctrl-C ends the work cleanly: the running epoch comes to its end, and the next call goes on.

        Args:
            manner: how it is worked on.
            trials: how many slots the study shall have; more than it has adds the rest.
            timeout: seconds after which the work is stopped.
            view: hears of every trial; by default nothing is shown.

        Raises:
            Refused: the results or the checkpoints cannot be written where `manner` says.
            StudyStopped: several trials in a row ended with an error; it holds the last one's traceback.
            DatabaseAway: the database did not answer for ten minutes.
        """
        settings = self.ledger.definition.settings
        refuse_unreachable(manner.checkpoints)
        self.reopen(trials)
        with Interruption(timeout) as interruption:
            self.work(manner, view or unseen, interruption.stop)
            if settings.confirm and not interruption.is_over and self.is_spent:
                self.confirm(settings.confirm, settings.confirm_seeds, manner, stop=interruption.stop)
        return self.status()

    def reopen(self, trials: int | None = None) -> None:
        """Let a study that was stopped take new trials, and add slots up to `trials`."""
        settings = self.ledger.definition.settings
        self.ledger.slots.grow(trials or settings.trials, settings.exploration)
        self.ledger.slots.control.open()

    def work(self, manner: Manner, view: View, stop: threading.Event) -> None:
        """Work on the study until its budget is spent or `stop` is set; errors as `run`'s."""
        folder = results_folder(manner.output, self.name)
        job = Job(self._url, self.name, folder, manner.grace, manner.checkpoints)
        work_locally(job, self.ledger, view, stop, workers=manner.workers, gpus=manner.gpus)

    @property
    def is_spent(self) -> bool:
        """Whether all slots are spent, and one of them with a completed trial."""
        budget = self.ledger.slots.budget()
        return budget.done == budget.total and self.ledger.best() is not None

    def status(self) -> Status:
        """Say how far the study is."""
        return status_of(self.ledger)

    def trials(self) -> list[TrialRecord]:
        """List its trials by number, attempts that were interrupted too."""
        return self.ledger.records()

    def best(self) -> Recommendation | None:
        """Give the trial that the study recommends; None where none is completed.

        It is the winner on fresh seeds where the best were confirmed, else the one with the best score.
        """
        return chosen(self.ledger)

    def confirm(
        self,
        top: int = TOP,
        seeds: int = SEEDS,
        manner: Manner = Manner(),
        *,
        view: View | None = None,
        stop: threading.Event | None = None,
    ) -> list[Candidate]:
        """Train the best trials again on fresh seeds, as far as they have not been.

        Args:
            top: how many of them.
            seeds: on how many fresh seeds each.
            manner: how it is worked on.
            view: hears of every trial.
            stop: is set to end; the next call goes on. Without it a first Ctrl-C does so.

        Returns: The trials by their mean on fresh seeds, the best first; none while repeats are missing.

        Raises:
            UnknownTrial: no trial is completed.
        """
        repeating = self.repeating(top, seeds)
        if stop is not None:
            repeating.work(manner, view or unseen, stop)
        else:
            with Interruption() as interruption:
                repeating.work(manner, view or unseen, interruption.stop)
        return confirmed(self.ledger)

    def repeating(self, top: int = TOP, seeds: int = SEEDS) -> "Study":
        """Make the study that trains the best trials on fresh seeds, or open it; errors as `confirm`'s."""
        return Study(repeat(self.ledger, top=top, seeds=seeds), self._url)

    def analyse(
        self,
        *,
        objective: int | None = None,
        where: "Where | None" = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> "StudyAnalysis":
        """Say what each parameter and each pair explains, with 90 % intervals.

        Args:
            objective: None; a study of ours has one.
            where: options of choices, such as `{"norm": "none"}`, and spans of ranges, such as
                `{"lr": Span(0.003, 0.1)}`, for that part of the space.
            progress: is told the fraction done.

        Raises:
            NothingToAnalyse: too few trials have a score.
        """
        from studies.analysis.observations.of_study import analyse

        return analyse(self.ledger.study, objective=objective, where=where, progress=progress)

    def report(self, path: Path, *, progress: Callable[[float], None] = lambda _: None) -> str | None:
        """Write the report as one HTML file.

        Returns: The study file that it proposes to run next, as YAML; None where there is none.
        """
        from studies.report.page import write_report
        from studies.report.subject import subject_of_ledger

        proposal = write_report(subject_of_ledger(self.ledger), path, progress=progress)
        return None if proposal is None else proposal.text

    def export(self, path: Path) -> None:
        """Write the configuration of the recommended trial, which plain LightningCLI trains.

        Raises:
            Refused: no trial is completed.
        """
        from tuner.results.export import export

        choice = self.best()
        if choice is None:
            raise Refused(f"The study {self.name!r} has no completed trial yet, so there is none to export.")
        export(choice.ledger, choice.trial, path)

    def stop(self, *, now: bool = False) -> None:
        """Let no new trial begin; with `now` running ones are interrupted, and continued later."""
        self.ledger.slots.control.stop(PREEMPTED if now else DRAINED)

    def delete(self) -> None:
        """Remove the study and those that confirmed it from the database; files stay."""
        database = self.ledger.database
        repeating = confirming(database, self.name)
        delete(database, self.name)
        if repeating is not None:
            delete(database, repeating.name)


def _open(storage: str | None) -> tuple[str, Database]:
    silence()
    url = storage_url(storage, os.environ)
    return url, open_database(url)


__all__ = ["Candidate", "EndedAtOnce", "Manner", "Recommendation", "Status", "Study", "TrialRecord"]
