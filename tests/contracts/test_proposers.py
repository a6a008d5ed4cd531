"""What every proposer behind the door keeps to, ours and Optuna's samplers."""

import math
import warnings
from collections.abc import Callable

import optuna
import pytest
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from search_spaces.catalogue.recipes import quick
from search_spaces.space.nodes import Group
from search_spaces.space.parameters import parameters
from search_spaces.suggest import distributions, suggest
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.by_ends import BySamplerOfEnds
from studies.proposing.model import JointModel
from studies.proposing.optuna_sampler import BySampler, ProposerSampler, sampler_of
from studies.proposing.planned import Candidates, Exploration, Planned
from studies.proposing.proposer import History, Origin, Proposal, Proposer
from studies.trials.record import TrialRecord
from tests.studies.analysis.known_functions import random_conditional
from tests.studies.samples import TPE

SAMPLERS = {
    "TPE": TPE,
    "TPE in groups": {
        "class_path": "optuna.samplers.TPESampler",
        "init_args": {"multivariate": True, "group": True, "n_startup_trials": 3},
    },
    "random": {"class_path": "optuna.samplers.RandomSampler", "init_args": {}},
    "quasi-random": {"class_path": "optuna.samplers.QMCSampler", "init_args": {}},
}
SPACES = {"quick": quick(), "nested": random_conditional(5).space, "parallel": random_conditional(9).space}

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def trials_of(space: Group, count: int) -> list[FrozenTrial]:
    """Draw some trials at random, with a score that depends on their values; some were pruned."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for number in range(count):
        trial = study.ask()
        values = suggest(trial, space)
        score = sum(math.sin(len(name) + hash_of(value)) for name, value in values.items())
        trial.report(score, 1)
        if number % 4 == 3:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, score)
    return study.get_trials(deepcopy=False)


def hash_of(value: object) -> float:
    """Give a number for a value, the same in every process."""
    return float(value) if isinstance(value, int | float) else float(sum(map(ord, str(value))))


def slot_of(number: int) -> Slot:
    """Give a claimed slot."""
    return Slot(number, explore=True, attempt=1, draw=0, trial=None, lapsed=False, worker="a test")


def by_sampler(definition: StudyDefinition, trials: list[FrozenTrial]) -> Proposer:
    """Give the study's sampler as a proposer, in a study in memory with its trials."""

    def begin(slot: Slot) -> optuna.Trial:
        study = optuna.create_study(sampler=sampler_of(definition, slot))
        study.add_trials(trials)
        return study.ask()

    return BySampler(begin)


@pytest.fixture(params=[*SAMPLERS, "candidates", "exploration", "planned", "model", "ends"])
def make(request: pytest.FixtureRequest) -> Callable[[Group], tuple[Proposer, History]]:
    """Every proposer, in a study of a space that has had some trials."""
    kind: str = request.param

    def made(space: Group) -> tuple[Proposer, History]:
        trials = trials_of(space, 16)
        records = [TrialRecord.of(trial) for trial in trials]
        candidates = [{"trial": n, "values": dict(records[n].values)} for n in range(3)]
        definition = StudyDefinition(
            StudySettings("contract", "value", seed=5),
            {},
            space,
            SAMPLERS["TPE"] if kind == "ends" else SAMPLERS.get(kind),
            candidates=candidates if kind == "candidates" else (),
        )
        proposer: Proposer = {
            "candidates": Candidates(),
            "exploration": Exploration(),
            "model": JointModel(),
            "ends": BySamplerOfEnds(),
            "planned": Planned(records[0].values, Origin.AGAIN),
        }.get(kind) or by_sampler(definition, trials)
        return proposer, History(definition, lambda: records)

    return made


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_no_proposal_leaves_the_space_or_names_what_does_not_exist(
    make: Callable[[Group], tuple[Proposer, History]], space: Group
) -> None:
    """Exactly the parameters that exist have values, each of its range, under every kind of tree."""
    proposer, history = make(space)
    among = distributions(space)
    for proposal in proposer.propose(history, [slot_of(number) for number in range(16, 22)]):
        values: dict[str, object] = {}
        for parameter in parameters(space):
            if parameter.is_active(proposal.values):
                values[parameter.name] = proposal.values[parameter.name]
        assert values == proposal.values
        frozen = optuna.trial.create_trial(
            value=0.0, params=values, distributions={n: among[n] for n in values}
        )
        assert frozen.params == values
        assert isinstance(proposal.origin, Origin)


def test_no_proposal_depends_on_who_asks_when_or_for_how_many(
    make: Callable[[Group], tuple[Proposer, History]],
) -> None:
    """The same slot of the same history has the same proposal, alone, among others and in another order."""
    slots = [slot_of(number) for number in range(16, 21)]

    def proposed(asked: list[Slot]) -> dict[int, Proposal]:
        proposer, history = make(SPACES["nested"])
        return {slot.number: one for slot, one in zip(asked, proposer.propose(history, asked), strict=True)}

    together = proposed(slots)
    assert together == dict(sorted(proposed(slots[::-1]).items()))
    assert together == {slot.number: proposed([slot])[slot.number] for slot in slots}


def test_a_proposer_is_a_sampler_of_plain_optuna() -> None:
    """A study of plain Optuna gets the proposals for its trials' numbers; what the space lacks is drawn."""
    space = SPACES["nested"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study = optuna.create_study(sampler=ProposerSampler(Exploration(), space, seed=4))
    wanted = StudyDefinition(StudySettings("contract", "value", seed=4), {}, space)
    for number in range(6):
        trial = study.ask()
        values = suggest(trial, space)
        (proposal,) = Exploration().propose(History(wanted, list), [slot_of(number)])
        assert values == proposal.values
        assert 0.0 <= trial.suggest_float("beside", 0.0, 1.0) <= 1.0
        study.tell(trial, float(number))
