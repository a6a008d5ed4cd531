"""The study that a report proposes: what it changes, and that it can be run as it stands."""

import numpy as np
import pytest

from search_spaces.configuration import configure
from search_spaces.space.nodes import Choice, Float, Group, Int, Prior
from search_spaces.space.parameters import parameters
from studies.analysis.findings.best_so_far import BestSoFar
from studies.analysis.findings.coordinates import Coordinate
from studies.analysis.findings.drift import Drift
from studies.analysis.findings.narrowing import Narrowed
from studies.analysis.findings.range_ends import Boundary
from studies.analysis.shares.importance import Contribution
from studies.analysis.shares.projection import Projection
from studies.analysis.views import PairView, Views
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.report.next_study import next_study
from studies.surrogate.domain import domain_of
from tests.studies.samples import sample_definition

SPACE = Group(
    {
        "optimizer": Choice(
            {
                "sgd": Group({"lr": Float(1e-3, 1.0, log=True)}, class_path="torch.optim.SGD"),
                "adam": Group({"lr": Float(1e-5, 1e-2, log=True)}, class_path="torch.optim.Adam"),
            },
            target="optimizer",
            why="each has its own best rate",
        ),
        "model.init_args.width": Int(8, 64),
    },
    set={"callbacks.clip": {"class_path": "a.Clip", "init_args": {"at": 1.0}}},
)


def _views(
    *found: Boundary,
    idle: tuple[str, ...] = (),
    narrowed: tuple[Narrowed, ...] = (),
    pairs: tuple[PairView, ...] = (),
) -> Views:
    return Views(pairs, (), found, idle, narrowed, (), BestSoFar((), (), (), ()))


def _pair(coordinate: Coordinate, searched: tuple[float, float] | None) -> PairView:
    """Make a pair of which only the coordinate is read."""
    names = coordinate.names
    effect = Contribution(names, 0.4, 0.3, 0.5, 60, {})
    values = Projection(names, np.zeros((0, 2)), (), np.zeros(0), np.zeros((0, 0)))
    drift = Drift(*names, (), (), (), (), (), (0, 0), moves=False)
    axes = tuple(domain_of(Group({name: Float(0.1, 1.0)})).axes[0] for name in names)
    return PairView(effect, (axes[0], axes[1]), values, drift, coordinate, searched)


def test_ranges_are_widened_and_idle_parameters_fixed() -> None:
    """The file has the new range and the fixed value, says why, and what the space always sets stays."""
    definition = sample_definition(space=SPACE, name="asked", seed=3)
    widened = Boundary("optimizer.sgd.lr", "high", 0.8, 5, 1e-3, 10.0)
    found = next_study(
        definition,
        _views(widened, idle=("model.init_args.width",)),
        {"optimizer": "sgd", "optimizer.sgd.lr": 0.9, "model.init_args.width": 32},
    )
    read = define(parse_study_file(found.text, source="next"), lambda _: None)
    known = {parameter.name: parameter.node for parameter in parameters(read.space)}
    assert known["optimizer.sgd.lr"] == Float(1e-3, 10.0, log=True)
    assert known["model.init_args.width"] == Int(32, 32, default=32)
    assert known["optimizer.adam.lr"] == Float(1e-5, 1e-2, log=True)
    assert (read.settings.name, read.settings.seed) == ("asked-2", 4)
    assert read.fixed["trainer"]["callbacks"] == [{"class_path": "a.Clip", "init_args": {"at": 1.0}}]
    assert found.changes == (
        "optimizer.sgd.lr ranges over 0.001 .. 10: 80% of the 5 best trials lay at its high end, 1.",
        (
            "model.init_args.width is fixed at 32: where it exists it explains at most 2%, interactions "
            "included, and next to nothing among the better configurations."
        ),
    )
    assert all(f"# {change}" in found.text for change in found.changes)


def test_a_study_that_taught_nothing_is_repeated_with_another_seed() -> None:
    """Where no range is to be widened and nothing is idle, the file says that it changes nothing."""
    found = next_study(sample_definition(), _views(), {})
    assert "fix:" not in found.text
    assert found.changes[0].startswith("Nothing but the seed")


def test_ranges_are_narrowed_unless_they_are_widened() -> None:
    """A narrower range keeps its scale and moves its default; one whose end holds the best is widened."""
    rates = Narrowed("optimizer.sgd.lr", 0.01, 0.1), Narrowed("optimizer.adam.lr", 1e-4, 1e-3)
    widened = Boundary("optimizer.adam.lr", "high", 0.8, 5, 1e-5, 1e-1)
    found = next_study(sample_definition(space=SPACE, name="asked"), _views(widened, narrowed=rates), {})
    read = define(parse_study_file(found.text, source="next"), lambda _: None)
    known = {parameter.name: parameter.node for parameter in parameters(read.space)}
    assert known["optimizer.sgd.lr"] == Float(0.01, 0.1, log=True)
    assert known["optimizer.adam.lr"] == Float(1e-5, 1e-1, log=True)
    assert len(found.changes) == 2


def test_a_prior_does_not_outlive_its_centre() -> None:
    """A file without the priors whose centres its ranges exclude is read, and says which it left out."""
    rates = {
        "model.init_args.near": Float(0.0, 1.0, prior=Prior(0.6, 0.1)),
        "model.init_args.far": Float(0.0, 1.0, prior=Prior(0.1, 0.1)),
        "model.init_args.fixed": Float(0.5, 0.5, prior=Prior(0.1, 0.1)),
    }
    narrowed = tuple(Narrowed(name, 0.5, 0.9) for name in list(rates)[:2])
    found = next_study(sample_definition(space=Group(rates)), _views(narrowed=narrowed), {})
    read = define(parse_study_file(found.text, source="next"), lambda _: None)
    assert {parameter.name: parameter.node for parameter in parameters(read.space)} == {
        "model.init_args.near": Float(0.5, 0.9, prior=Prior(0.6, 0.1)),
        "model.init_args.far": Float(0.5, 0.9),
        "model.init_args.fixed": Float(0.5, 0.5),
    }
    assert found.changes[2:] == (
        "model.init_args.far has no prior: its centre, 0.1, lies outside 0.5 .. 0.9.",
    )


SGD = Group(
    {"lr": Float(1e-4, 1.0, log=True), "one_minus_momentum": Float(0.01, 1.0, log=True)},
    class_path="torch.optim.SGD",
)
LINEAR = Group({"lr": Float(1e-4, 1.0, log=True), "momentum": Float(0.0, 0.99)}, class_path="torch.optim.SGD")
RATE = "optimizer.sgd.lr"


@pytest.mark.parametrize(
    ("branch", "other", "factor"),
    [
        (SGD, "optimizer.sgd.one_minus_momentum", "optimizer.sgd.one_minus_momentum"),
        (LINEAR, "optimizer.sgd.momentum", "(1 - optimizer.sgd.momentum)"),
    ],
)
@pytest.mark.parametrize("inverted", [False, True])
def test_a_ridge_along_the_effective_rate_is_searched_along_it(
    branch: Group, other: str, factor: str, *, inverted: bool
) -> None:
    """Whichever of the two comes first, lr_effective and 1 - momentum take the place of lr and momentum."""
    space = Group({"optimizer": Choice({"sgd": branch}, target="optimizer")})
    names, factors, ends = (RATE, other), (RATE, factor), (0.05, 5.0)
    if inverted:
        names, factors, ends = names[::-1], factors[::-1], (1 / 5.0, 1 / 0.05)
    pair = _pair(Coordinate(names, factors, -1.0, 0.97), ends)
    best = {"optimizer": "sgd", RATE: 0.02, other: 0.1 if branch is SGD else 0.9}
    found = next_study(sample_definition(space=space, name="asked"), _views(pairs=(pair,)), best)
    read = define(parse_study_file(found.text, source="next"), lambda *_: None)
    known = {parameter.name: parameter.node for parameter in parameters(read.space)}
    assert set(known) == {"optimizer", "optimizer.sgd.lr_effective", "optimizer.sgd.one_minus_momentum"}
    rate, slowness = known["optimizer.sgd.lr_effective"], known["optimizer.sgd.one_minus_momentum"]
    assert isinstance(rate, Float)
    assert isinstance(slowness, Float)
    assert (rate.low, rate.high, rate.default) == pytest.approx((0.05, 5.0, 0.2))
    assert (slowness.low, slowness.high) == pytest.approx((0.01, 1.0))
    values = {"optimizer": "sgd", "optimizer.sgd.lr_effective": 0.2, "optimizer.sgd.one_minus_momentum": 0.1}
    arguments = configure({}, read.space, values)["optimizer"]["init_args"]
    assert arguments == pytest.approx({"lr": 0.02, "momentum": 0.9})
    assert "97%" in found.changes[0]
    assert found.notes == ()


def test_a_combination_that_no_file_can_name_is_told_and_not_searched() -> None:
    """Where our notation has no name for it, both parameters stay and a sentence says so."""
    pair = _pair(
        Coordinate(("optimizer.sgd.lr", "decay"), ("optimizer.sgd.lr", "decay"), -0.5, 0.97), (0.1, 1.0)
    )
    space = Group({**SPACE.children, "decay": Float(0.1, 1.0, target="model.init_args.decay")})
    found = next_study(sample_definition(space=space), _views(pairs=(pair,)), {})
    assert found.changes[0].startswith("Nothing but the seed")
    assert "Along optimizer.sgd.lr / sqrt(decay) about 97%" in found.notes[0]
    assert f"# {found.notes[0]}" in found.text
    read = define(parse_study_file(found.text, source="next"), lambda *_: None)
    assert {p.name for p in parameters(read.space)} == {p.name for p in parameters(space)}


def test_a_rate_that_is_widened_is_not_searched_in_another_way() -> None:
    """What the best trials say of an end comes first: the learning rate keeps its name and gets its range."""
    space = Group({"optimizer": Choice({"sgd": SGD}, target="optimizer")})
    other = "optimizer.sgd.one_minus_momentum"
    pair = _pair(Coordinate((RATE, other), (RATE, other), -1.0, 0.97), (0.05, 5.0))
    widened = Boundary(RATE, "high", 0.8, 5, 1e-4, 10.0)
    found = next_study(sample_definition(space=space), _views(widened, pairs=(pair,)), {})
    read = define(parse_study_file(found.text, source="next"), lambda *_: None)
    assert {p.name for p in parameters(read.space)} == {p.name for p in parameters(space)}
