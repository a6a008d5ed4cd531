"""A study in a database, as one object."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from studies.ledger.control import DRAINED, PREEMPTED
from studies.ledger.making import delete
from studies.ledger.status import Status, status_of
from studies.running.confirmation import Candidate, chosen, confirmed, confirming
from studies.running.confirmation import confirm as repeat
from studies.running.retraining import retrained
from studies.trials.record import TrialRecord
from tuner.api.making import Made
from tuner.api.manner import USUAL, Manner
from tuner.errors import Refused
from tuner.terminal.markup import Shown
from tuner.workers.code.here import refuse_elsewhere
from tuner.workers.events import View, unseen
from tuner.workers.gpus import Gpus, wanted
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally
from tuner.workers.places import refuse_unreachable, results_folder
from tuner.workers.processes.interruption import Interruption

if TYPE_CHECKING:
    from studies.analysis.observations.region import Where
    from tuner.api.shown import Analysis, Best

TOP, SEEDS = 5, 3  # of a confirmation: how many of the best trials, on how many fresh seeds each


class Study(Made, Shown):
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
        manner: Manner = USUAL,
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
            Refused: nothing can be written where `manner` says, or only another program can train it.
            StudyStopped: several trials in a row ended with an error; it holds the last one's traceback.
            DatabaseAway: the database did not answer for ten minutes.
        """
        settings = self.ledger.definition.settings
        refuse_unreachable(manner.checkpoints)
        self.reopen(trials)
        with Interruption(timeout) as interruption, wanted(manner.gpus) as gpus:
            self.work(manner, view or unseen, interruption.stop, gpus)
            if settings.confirm and not interruption.is_over and self.is_spent:
                repeating = self.repeating(settings.confirm, settings.confirm_seeds)
                repeating.work(manner, unseen, interruption.stop, gpus)
        return self.status()

    def reopen(self, trials: int | None = None) -> None:
        """Let a study that was stopped take new trials, and add slots up to `trials`; errors as `run`'s."""
        refuse_elsewhere(self.name, self.ledger.definition)
        settings = self.ledger.definition.settings
        self.ledger.slots.grow(trials or settings.trials, settings.exploration)
        self.ledger.slots.control.open()

    def work(self, manner: Manner, view: View, stop: threading.Event, gpus: Gpus | None = None) -> None:
        """Work on the study until its budget is spent or `stop` is set; errors as `run`'s.

        Args:
            manner: how it is worked on.
            view: hears of every trial.
            stop: is set to end.
            gpus: what the caller holds of those that `manner` names; by default they are taken for the work.
        """
        folder = results_folder(manner.output, self.name)
        job = Job(self.url, self.name, folder, manner.grace, manner.checkpoints)
        with nullcontext(gpus) if gpus is not None else wanted(manner.gpus) as held:
            work_locally(job, self.ledger, view, stop, workers=manner.workers, gpus=held)

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

    def best(self) -> "Best | None":
        """Give the trial that the study recommends; None where none is completed.

        It is the winner on fresh seeds where the best were confirmed, else the one with the best score. It
        draws itself in a notebook, and by `rich.print`; so does an analysis.
        """
        from tuner.api.shown import Best

        choice = chosen(self.ledger)
        return None if choice is None else Best.of(choice)

    def confirm(
        self,
        top: int = TOP,
        seeds: int = SEEDS,
        manner: Manner = USUAL,
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
        refuse_elsewhere(self.name, self.ledger.definition)
        repeating = self.repeating(top, seeds)
        if stop is not None:
            repeating.work(manner, view or unseen, stop)
        else:
            with Interruption() as interruption:
                repeating.work(manner, view or unseen, interruption.stop)
        return confirmed(self.ledger)

    def repeating(self, top: int = TOP, seeds: int = SEEDS) -> "Study":
        """Make the study that trains the best trials on fresh seeds, or open it; errors as `confirm`'s."""
        return Study(repeat(self.ledger, top=top, seeds=seeds), self.url)

    def analyse(
        self,
        *,
        objective: int | None = None,
        where: "Where | None" = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> "Analysis":
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
        from tuner.api.shown import Analysis

        return Analysis.of(analyse(self.ledger.study, objective=objective, where=where, progress=progress))

    def draw(self, screen: Console) -> None:
        """Print how far the study is, and its best trial."""
        from tuner.api.shown import draw_status

        draw_status(screen, self.status(), chosen(self.ledger))

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
        """Remove the study and those that train its best again from the database; files stay."""
        database = self.ledger.database
        derived = (confirming(database, self.name), retrained(database, self.name))
        delete(database, self.name)
        for each in filter(None, derived):
            delete(database, each.name)
