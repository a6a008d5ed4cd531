"""Optuna's samplers as proposers, and a proposer as one of Optuna's samplers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from search_spaces.space.nodes import Group, Value
from search_spaces.suggest import suggest
from studies.definition.classes import JOINT_MODEL, ClassConfig, make_sampler
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.proposer import History, Origin, Proposal, Proposer
from studies.proposing.seeds import seed_of
from studies.trials.record import TrialRecord

# Of a study whose file names none: the joint model, which the class path keeps out of this module's imports.
DEFAULT_SAMPLER: ClassConfig = {"class_path": JOINT_MODEL}

# Threads propose one after the other, so that each knows of the others. A sampler's own could not be pickled.
_PROPOSING = Lock()


def sampler_of(definition: StudyDefinition, slot: Slot) -> BaseSampler:
    """Make a study's sampler for a slot, seeded by the slot and not by who asks or when."""
    config = definition.sampler or DEFAULT_SAMPLER
    seed = seed_of(definition, slot.number, slot.draw)
    sampler = make_sampler(config, seed=seed)
    if isinstance(sampler, QMCSampler):  # its trials are one sequence, which one seed scrambles
        return make_sampler(config, seed=seed_of(definition))
    return sampler


def reads_pruned(sampler: BaseSampler) -> bool:
    """Say whether a sampler learns from pruned trials too, or from none, and not from completed ones alone.

    A sampler of another library may say so by an attribute `reads_pruned`.
    """
    return isinstance(sampler, TPESampler | RandomSampler | QMCSampler) or bool(
        getattr(sampler, "reads_pruned", False)
    )


@dataclass(frozen=True)
class BySampler:
    """Asks a sampler of Optuna's kind, which reads the history in its own way.

    Attributes:
        begin: gives Optuna's trial of a slot, of a study that has the sampler.
    """

    begin: Callable[[Slot], Trial]

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Ask it for one slot after the other."""
        return [Proposal(suggest(self.begin(slot), history.space), Origin.SAMPLER) for slot in slots]


class ProposerSampler(BaseSampler):
    """A proposer as a sampler for plain Optuna: `optuna.create_study(sampler=ProposerSampler(...))`.

    Args:
        proposer: proposes the values.
        space: what the objective suggests. A parameter beside it is drawn at random.
        seed: of the proposals.

    Attributes:
        proposer: proposes the values; a study of the tuner asks it, and not this sampler.
    """

    reads_pruned = True
    repeatable = True  # a proposer keeps nothing

    def __init__(self, proposer: Proposer, space: Group | None, *, seed: int = 0) -> None:
        self.proposer, self._space, self._seed = proposer, space, seed
        self._values: dict[tuple[str, int], dict[str, Value]] = {}  # of open trials, by study and number
        self._otherwise = RandomSampler(seed=seed)

    # What Optuna passes and a method has no use for, its base class still asks to accept.
    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Sample nothing in Optuna's own joint manner, which knows no conditions."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample nothing so."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Give the value that is proposed for the trial."""
        if self._space is None:
            raise ValueError("outside the tuner, say what the objective suggests: space=...")
        key = study.study_name, trial.number
        with _PROPOSING:
            if key not in self._values:
                self._values[key] = self._proposed(study, self._space, trial.number)
            values = self._values[key]
        if param_name in values:
            return values[param_name]
        return self._otherwise.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Forget what was proposed for the trial."""
        self._values.pop((study.study_name, trial.number), None)

    def _proposed(self, study: Study, space: Group, number: int) -> dict[str, Value]:
        """Propose a trial's values beside those proposed for the others that run, suggested yet or not."""
        known = history_of(study, space, seed=self._seed)

        def others() -> list[TrialRecord]:
            return [self._whole(study, record) for record in known.records if record.number != number]

        slot = Slot(number, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        (proposal,) = self.proposer.propose(History(known.definition, others), [slot])
        return dict(proposal.values)

    def _whole(self, study: Study, record: TrialRecord) -> TrialRecord:
        proposed = self._values.get((study.study_name, record.number))
        if record.outcome is not None or proposed is None:
            return record
        return replace(record, values={**proposed, **record.values})


def history_of(study: Study, space: Group, *, seed: int = 0) -> History:
    """Give what is known of a study of plain Optuna, each of whose trials is a slot of its own."""
    minimizes = study.direction is StudyDirection.MINIMIZE
    settings = StudySettings(
        study.study_name,
        "value",
        direction="minimize" if minimizes else "maximize",
        seed=seed,
        score="last",
    )
    return History(
        StudyDefinition(settings, {}, space),
        lambda: [TrialRecord.of(other, slot=other.number) for other in study.get_trials(deepcopy=False)],
    )
