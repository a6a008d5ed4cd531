"""A sampler of Optuna's kind, asked in a study in which each slot stands once, with the score of its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from optuna import Study, create_study, logging
from optuna.samplers import BaseSampler
from optuna.trial import TrialState, create_trial

from search_spaces.suggest import distributions, suggest
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.expected_ends import expected_ends
from studies.proposing.optuna_sampler import sampler_of
from studies.proposing.proposer import History, Origin, Proposal
from studies.trials.record import furthest_attempts

READ = 1000  # trials that a sampler is told of, the last ones: asking it takes ever longer


@dataclass(frozen=True)
class BySamplerOfEnds:
    """Asks a sampler that is told the expected end of each trial, where Optuna would show it two halves.

    A trial that diverged or failed is told at the worst loss, one that runs without a score as running.

    Attributes:
        make: makes the sampler of a slot.
    """

    make: Callable[[StudyDefinition, Slot], BaseSampler] = sampler_of

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Ask it for one slot after the other."""
        records = furthest_attempts(history.records)[-READ:]
        ends = expected_ends(records, history.definition.settings)
        worst = max(filter(isfinite, ends.values()), default=0.0)
        among = distributions(history.space)
        told = []
        for record in records:
            if not record.values or any(name not in among for name in record.values):
                continue
            end = ends.get(record.number)
            told.append(
                create_trial(
                    state=TrialState.RUNNING if end is None else TrialState.COMPLETE,
                    params=dict(record.values),
                    distributions={name: among[name] for name in record.values},
                    value=None if end is None else end if isfinite(end) else worst,
                )
            )
        found = []
        for slot in slots:
            study = _in_memory(self.make(history.definition, slot))
            study.add_trials(told)
            found.append(Proposal(suggest(study.ask(), history.space), Origin.SAMPLER))
        return found


def _in_memory(sampler: BaseSampler) -> Study:
    """Make a study that is gone as soon as it has been asked, and have nobody hear of it."""
    said = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        return create_study(sampler=sampler)
    finally:
        logging.set_verbosity(said)
