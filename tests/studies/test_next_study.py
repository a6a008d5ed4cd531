"""The study that a report proposes: what it changes, and that it can be run as it stands."""

from search_spaces.parameters import parameters
from search_spaces.space import Choice, Float, Group, Int
from studies.analysis.boundary import Boundary
from studies.analysis.evidence import Evidence
from studies.analysis.history import History
from studies.analysis.importance import Effect, Importance
from studies.analysis.views import Views
from studies.definition import define
from studies.report.next_study import next_study
from studies.study_file import parse_study_file
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


def _views(*found: Boundary) -> Views:
    return Views((), (), found, (), History((), (), (), ()))


def _importance(totals: dict[str, float], confidence: float = 0.9) -> Importance:
    evidence = Evidence(confidence, 0.0, 60, 1.0, {}, ())
    main = tuple(Effect((name,), total, 0.0, total, 60, {}, total) for name, total in totals.items())
    return Importance("", evidence, main, (), ())


def test_ranges_are_widened_and_idle_parameters_fixed() -> None:
    """The file has the new range and the fixed value, says why, and what the space always sets stays."""
    definition = sample_definition(space=SPACE, name="asked", seed=3)
    widened = Boundary("optimizer.sgd.lr", "high", 0.8, 5, 1e-3, 10.0)
    found = next_study(
        definition,
        _importance({"model.init_args.width": 0.004, "optimizer": 0.9, "optimizer.sgd.lr": 0.5}),
        _views(widened),
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
        "model.init_args.width is fixed at 32: it explains at most 1%, interactions included.",
    )
    assert all(f"# {change}" in found.text for change in found.changes)


def test_what_is_uncertain_is_not_fixed() -> None:
    """Where the confidence is low nothing is fixed, and a file without a change says so."""
    found = next_study(sample_definition(), _importance({"model.init_args.width": 0.0}, 0.4), _views(), {})
    assert "fix:" not in found.text
    assert found.changes[0].startswith("Nothing but the seed")
