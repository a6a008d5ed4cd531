"""What a space expects of its parameters before any trial, as draws and as a density."""

import math

import numpy as np
import optuna
import pytest

from search_spaces.catalogue.normalization import norm
from search_spaces.catalogue.optimizers import optimizer
from search_spaces.space.algebra import combine
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Prior
from search_spaces.suggest import suggest
from studies.proposing.joint.priors import DEFAULT, FURTHEST, WIDER, Priors
from studies.proposing.model import FEWEST, JointSampler
from studies.surrogate.domain import domain_of, value_at
from studies.surrogate.integration import quasi_random
from tests.studies.analysis.known_functions import flat

SPACE = Group(
    {
        "lr": Float(1e-5, 1e-1, log=True, prior=Prior(1e-2, 0.5)),
        "layers": Int(1, 9, prior=Prior(3, 2)),
        "free": Float(0.0, 1.0),
        "shift": Float(-2.0, 2.0, prior=Prior(0.5, 0.3)),
        "undeclared": Categorical(("a", "b")),
        "kind": Choice(
            {"off": Group({}), "on": Group({"rate": Float(0.0, 1.0, prior=Prior(0.3, 0.1))})}, default="off"
        ),
        "size": Categorical((1, 2, 4), default=2),
    }
)
DOMAIN = domain_of(SPACE)
PRIORS = Priors(DOMAIN)


def drawn(name: str) -> np.ndarray:
    """Give the coordinates of many draws of a parameter."""
    uniform = (np.arange(100_000) + 0.5) / 100_000
    places = PRIORS.places(np.repeat(uniform[:, None], len(DOMAIN.axes), axis=1))
    return places[:, DOMAIN.names.index(name)]


@pytest.mark.parametrize("name", ["lr", "layers", "shift", "kind", "kind.on.rate", "size"])
def test_the_density_is_that_of_the_draws(name: str) -> None:
    """Counted in cells, of which one is the highest; the density is told up to that factor."""
    d = DOMAIN.names.index(name)
    found = drawn(name)
    axis = DOMAIN.axes[d]
    cells = axis.nodes if axis.is_discrete else (np.arange(50) + 0.5) / 50
    counts = np.array(
        [(np.abs(found - cell) < (0.01 if not axis.is_discrete else 1e-9)).sum() for cell in cells]
    )
    places = quasi_random(DOMAIN, 1, 0).repeat(len(cells), axis=0)
    places[:, DOMAIN.names.index("kind")] = name == "kind.on.rate"
    places[:, DOMAIN.names.index("kind.on.rate")] = 0.3
    places[:, d] = cells
    density = np.exp(PRIORS.log_density(places))
    seen = counts > 100
    ratio = counts[seen] / counts.sum() / density[seen]
    assert ratio == pytest.approx(np.median(ratio), rel=0.2 if name == "layers" else 0.05)


def test_the_default_is_the_likelier_option_and_the_centre_the_middle() -> None:
    """As said: a share of the draws takes the default, and half of a range's lie below its centre."""
    assert np.mean(drawn("size") == 1) == pytest.approx(DEFAULT + (1 - DEFAULT) / 3, abs=0.001)
    assert np.mean(drawn("undeclared") == 0) == pytest.approx(0.5, abs=0.001)
    middle, spread = np.quantile(drawn("shift"), [0.5, 0.8413])
    assert middle == pytest.approx(0.625, abs=0.002)
    assert spread - middle == pytest.approx(WIDER * 0.3 / 4, rel=0.02)
    assert np.quantile(drawn("free"), [0.1, 0.9]) == pytest.approx([0.1, 0.9], abs=0.001)


def test_no_draw_is_heaped_at_the_end_of_a_range() -> None:
    """A prior near an end keeps its shape within the range."""
    space = Group({"x": Float(0.0, 1.0, prior=Prior(0.0, 0.2))})
    places = Priors(domain_of(space)).places(np.linspace(0, 1, 1001)[1:-1, None])
    assert np.unique(places).size == places.size
    assert places.min() < 0.01


@pytest.mark.parametrize(("centre", "low", "high"), [(-9.0, 0.0, 0.3), (40.0, 0.7, 1.0)])
def test_a_prior_beyond_its_range_leads_to_the_near_end(centre: float, low: float, high: float) -> None:
    """However far beyond, its draws lie at the end that is nearer, and a place there is the likeliest."""
    priors = Priors(domain_of(Group({"x": Float(0.0, 1.0, prior=Prior(centre, 0.05))})))
    places = priors.places(np.linspace(0.01, 0.99, 99)[:, None])
    assert ((places >= low) & (places <= high)).all()
    assert priors.log_density(np.array([[round(low)]])) == 0.0


@pytest.mark.parametrize("width", [1e6, 1e17, 1.7e308])
def test_a_prior_without_end_says_nothing(width: float) -> None:
    """Of any width its draws follow the range, and no place is likelier than another."""
    priors = Priors(domain_of(Group({"x": Float(1.0, 3.0, prior=Prior(2.0, width))})))
    uniform = np.linspace(0.01, 0.99, 99)[:, None]
    assert priors.places(uniform) == pytest.approx(uniform, abs=1e-3)
    assert priors.log_density(uniform) == pytest.approx(0.0, abs=1e-3)


def test_the_width_of_whole_numbers_is_in_whole_numbers() -> None:
    """Of many and of few: their spread is that which was asked for, as far as the range lets it be."""
    for node in (Int(0, 400, prior=Prior(200, 20)), Int(1, 9, prior=Prior(5, 1))):
        domain = domain_of(Group({"n": node}))
        places = Priors(domain).places((np.arange(20_000)[:, None] + 0.5) / 20_000)
        numbers = [value_at(domain.axes[0], place) for (place,) in places.tolist()]
        assert node.prior is not None
        assert np.std(np.array(numbers, dtype=float)) == pytest.approx(WIDER * node.prior.width, rel=0.05)


def test_what_does_not_exist_is_not_expected() -> None:
    """The parameter of a branch that is not taken changes no density; of one that is, it does."""
    places = quasi_random(DOMAIN, 64, 3)
    gate, rate = DOMAIN.names.index("kind"), DOMAIN.names.index("kind.on.rate")
    moved = places.copy()
    moved[:, rate] = (places[:, rate] + 0.37) % 1.0
    same = PRIORS.log_density(places) == PRIORS.log_density(moved)
    assert np.array_equal(same, places[:, gate] == 0.0)


def test_a_space_without_priors_expects_nothing() -> None:
    """No density and no draw differs from the declared measure."""
    space = Group({"x": Float(0.0, 1.0), "kind": Categorical(("a", "b"))})
    domain = domain_of(space)
    assert not Priors(domain)
    assert not Priors(domain).log_density(quasi_random(domain, 8, 1)).any()


def test_a_rule_moves_a_prior_where_its_choice_is_not_the_default() -> None:
    """SGD's rate is expected as written with batch norm, the default, and at a third of it without."""
    space = combine(optimizer(epochs=10), norm())
    domain = domain_of(space)
    rate, gate = (domain.names.index(name) for name in ("optimizer.sgd.lr_effective", "norm"))
    places = Priors(domain).places(quasi_random(domain_of(flat(len(domain.axes))), 2**13, 1))
    medians = {
        option: np.median(
            [float(value_at(domain.axes[rate], u)) for u in places[places[:, gate] == at, rate]]
        )
        for at, option in enumerate(("none", "batch", "layer"))
    }
    assert medians["batch"] == pytest.approx(0.5, rel=0.1)
    assert medians["none"] == pytest.approx(0.5 / 3, rel=0.1)
    assert medians["layer"] == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_prior_is_overcome(seed: int) -> None:
    """With the centre two decades and the default an option off, the best is found all the same."""
    space = Group(
        {
            "lr": Float(1e-5, 1.0, log=True, prior=Prior(1e-4, 0.4)),
            "kind": Categorical(("good", "bad", "worse"), default="worse"),
        }
    )

    def loss(trial: optuna.Trial) -> float:
        values = suggest(trial, space)
        return (math.log10(float(values["lr"])) + 2) ** 2 + {"good": 0.0, "bad": 1.0, "worse": 2.0}[
            str(values["kind"])
        ]

    study = optuna.create_study(sampler=JointSampler(space, seed=seed))
    study.optimize(loss, n_trials=30)
    assert study.best_params["kind"] == "good"
    assert 3e-3 < study.best_params["lr"] < 3e-2


def test_a_narrow_wrong_prior_is_not_forever() -> None:
    """Within a twentieth of a decade, two decades off, it says no more at the optimum than anywhere else."""
    domain = domain_of(Group({"lr": Float(1e-5, 1e-1, log=True, prior=Prior(1e-4, 0.05))}))
    away = Priors(domain).log_density(np.array([[0.5], [0.75], [1.0]]))
    assert away.tolist() == [-0.5 * FURTHEST**2] * 3


def test_no_draw_repeats_a_trial() -> None:
    """Where most draws are the defaults again, the first trials still differ."""
    space = Group({name: Categorical(("a", "b"), default="a") for name in "klmno"})
    study = optuna.create_study(sampler=JointSampler(space, seed=1))
    for number in range(FEWEST):
        trial = study.ask()
        suggest(trial, space)
        study.tell(trial, float(number))
    assert len({tuple(trial.params.items()) for trial in study.trials}) == FEWEST


def test_where_nothing_expected_works_the_search_looks_elsewhere() -> None:
    """Every default breaks down: trials that ended without a score count, and the others are tried."""
    space = Group({"kind": Categorical(("bad", "good"), default="bad"), "x": Float(0.0, 1.0)})
    study = optuna.create_study(sampler=JointSampler(space, seed=2))
    found = []
    for _ in range(24):
        trial = study.ask()
        values = suggest(trial, space)
        found.append(values["kind"])
        if found[-1] == "bad":
            trial.report(math.nan, 1)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, float(values["x"]))
    assert found[16:].count("good") >= 5


def test_the_first_trials_are_drawn_where_good_values_are_expected() -> None:
    """Before there is a model, most of them have the default and a rate within two widths of the centre."""
    study = optuna.create_study(sampler=JointSampler(SPACE, seed=3))
    trials = []
    for number in range(FEWEST):
        trial = study.ask()
        trials.append(suggest(trial, SPACE))
        study.tell(trial, float(number))
    assert sum(values["size"] == 2 for values in trials) >= FEWEST / 2
    assert sum(abs(math.log10(float(values["lr"])) + 2) < 2 * 0.5 * WIDER for values in trials) >= FEWEST - 2
