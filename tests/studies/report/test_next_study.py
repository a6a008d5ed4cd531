"""The study that a report proposes: what it changes, and that it can be run as it stands."""

from search_spaces.space.nodes import Choice, Float, Group, Int
from search_spaces.space.parameters import parameters
from studies.analysis.findings.best_so_far import History
from studies.analysis.findings.narrowing import Narrowed
from studies.analysis.findings.range_ends import Boundary
from studies.analysis.views import Views
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.report.next_study import next_study
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


def _views(*found: Boundary, idle: tuple[str, ...] = (), narrowed: tuple[Narrowed, ...] = ()) -> Views:
    return Views((), (), found, idle, narrowed, (), History((), (), (), ()))


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
