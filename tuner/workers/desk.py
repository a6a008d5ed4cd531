"""What a training is asked for: the assignment that answers a running trial, and where its files lie."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from studies.definition.length import TrialLength
from studies.definition.limits import Limit, kept_metrics, limits_of
from studies.definition.study import StudyDefinition
from studies.ledger.ledger import Ledger
from studies.proposing.seeds import training_seed
from studies.running.trial import RunningTrial
from studies.trials.attributes import ANEW, FOLDER
from tuner.training.assignment import PARAMETERS, Assignment, Objective, Tracked
from tuner.training.configuration.permit import Permit
from tuner.training.resuming.checkpoints import Checkpoints
from tuner.workers.places import LOG_FILES, folder_name, log_name
from tuner.workers.weights import Weights

UNTOLD = "untold"  # folder beside the results: how trials ended that no database could be told
TABLES = "tables"  # folder beside the results: what trainings share of prepared tables, while they run
_OWN_FOLDER = re.compile(r"trial-\d{1,18}", re.ASCII)


def objective_of(definition: StudyDefinition) -> Objective:
    """Give what a study optimizes."""
    settings = definition.settings
    minimizes = settings.direction == "minimize"
    return Objective(settings.metric, minimizes, settings.score, settings.diverged_beyond)


def _allowed(limits: Sequence[Limit], name: str) -> tuple[float, float] | None:
    """Give the least and the greatest value that a limit allows; None where nothing is limited."""
    for limit in limits:
        if limit.name == name:
            return (-inf, limit.bound) if limit.is_upper else (limit.bound, inf)
    return None


@dataclass(frozen=True)
class Desk:
    """Where a worker keeps the files of one study, and what it asks of the trainings of its trials.

    `folder` takes weights and logs, `checkpoints` is a folder or a URL from which another worker goes on; by
    default it lies in `folder`. `threads` are torch's where the study names none, and `gpus` those that a
    training may see, None all of them. `permit` is what trials may name; None allows all.
    """

    ledger: Ledger
    folder: Path
    checkpoints: str | None = None
    threads: int | None = None
    gpus: str | None = None
    permit: Permit | None = None

    def assignment(self, running: RunningTrial) -> Assignment:
        """Give what the training that is due is asked for to answer a trial."""
        settings, slot, trainings = self.ledger.definition.settings, running.slot, running.trainings
        leader = self.ledger.leader_of(slot.number)
        checkpoints, owner = self.checkpoint_files(), f"{self.ledger.slots.ledger}/{slot.number}/{slot.draw}"
        owner += f"/{trainings.next}" if trainings.next else ""
        resume = self._resumable(running, checkpoints, owner)
        place = self._folder_of(running, resume)
        return Assignment(
            configuration=trainings.repetition.configuration(running.configuration, trainings.next),
            seed=training_seed(self.ledger.definition, slot.number, trainings.next),
            objective=objective_of(self.ledger.definition),
            # Of a trial that is trained several times the weights of the last training are kept.
            keep=self.weights().begun(running.number) if trainings.is_last else None,
            earlier=trainings.scores,
            better_than=leader.score if leader else None,
            threads=settings.threads or self.threads,
            facts=settings.facts,
            checkpoint=checkpoints.file(slot.number, slot.draw, slot.attempt),
            resume=resume,
            owner=owner,
            place=self.folder.absolute()
            / (f"{place}-training-{trainings.next + 1}" if trainings.next else place),
            tables=self.folder.absolute() / TABLES,
            permit=self.permit,
            log=self.log(running),
            ranks=TrialLength.of(running.configuration).devices or 1,
            gpus=self.gpus,
            limit=settings.trial_timeout,
            tracked=Tracked(self.ledger.name, self.ledger.slots.ledger, running.number, running.values),
            metrics=kept_metrics(settings.keep_metrics, settings.limits),
            parameters=_allowed(limits_of(settings.limits), PARAMETERS),
        )

    def _resumable(self, running: RunningTrial, checkpoints: Checkpoints, owner: str) -> str | None:
        """Find the checkpoint that a trial goes on from; where its state is lost, the trial says so."""
        slot = running.slot
        if slot.trial is None or running.trainings.next > running.trainings.taken:
            return None
        file, reason = checkpoints.resumable(slot.number, slot.draw, slot.attempt, owner)
        if file is None and self.ledger.trial(slot.trial).intermediate_values:
            number, count = running.trainings.next, running.trainings.repetition.count
            what = f"its training {number + 1} of {count}" if number else "it"
            sentence = f"{what} began anew with the same values: {reason}"
            running.trial.set_user_attr(ANEW, sentence)
            with self.log(running).open("a", encoding="utf-8") as log:
                log.write(f"Trial {running.number}: {sentence}.\n")
        return file

    def log(self, running: RunningTrial) -> Path:
        """Name the file that takes what a training prints."""
        return self.folder.absolute() / LOG_FILES / log_name(running.number)

    def _folder_of(self, running: RunningTrial, resume: str | None) -> str:
        """Name the folder of a trial; one that goes on from a checkpoint uses the folder of its attempt."""
        own = f"trial-{running.number}"
        if resume is None:
            return str(running.trial.user_attrs.get(FOLDER, own))
        attempt = self.checkpoint_files().attempt_of(resume)
        for trial in self.ledger.records():
            if (trial.slot, trial.attempt) == (running.slot.number, attempt):
                told = trial.folder or ""
                # The database may have been written to by anyone, and this is a path.
                own = told if _OWN_FOLDER.fullmatch(told) else f"trial-{trial.number}"
                running.trial.set_user_attr(FOLDER, own)
        return own

    def checkpoint_files(self) -> Checkpoints:
        """Give the checkpoints of the study."""
        if self.checkpoints is None:
            return Checkpoints(str(self.folder.absolute() / "checkpoints"))
        root = self.checkpoints if "://" in self.checkpoints else str(Path(self.checkpoints).absolute())
        own = folder_name(f"{self.ledger.name}-{self.ledger.slots.ledger[:8]}")
        return Checkpoints(f"{root.rstrip('/')}/{own}")

    def weights(self) -> Weights:
        """Give the weights of the study."""
        return Weights(self.ledger, self.folder.absolute())
