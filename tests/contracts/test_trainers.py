"""What every trainer behind the door keeps to, whether it trains one lane or many at a time."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.tuner.function_trainer import FunctionTrainer
from tests.tuner.training.probes import IN_MEMORY
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending, Fault, Fit, Raised, Reply
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.trainer import Trainer
from tuner.workers.processes.executor import ProcessTrainer

pytestmark = IN_MEMORY


def _function(configuration: Mapping[str, Any], epoch: int) -> float:
    if configuration["model"]["class_path"].endswith("Raising"):
        raise ZeroDivisionError("the mistake")
    return 1.0 / (epoch + configuration["model"].get("init_args", {}).get("width", 4))


@pytest.fixture(params=["processes", "function"])
def trainer(request: pytest.FixtureRequest) -> Trainer:
    """Every trainer that there is."""
    return ProcessTrainer() if request.param == "processes" else FunctionTrainer(_function)


@dataclass
class HeardLine:
    """Notes what it hears, and says to a lane's validation what it is to say."""

    replies: dict[int, dict[int, Reply]] = field(default_factory=dict)
    leaves_after: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    grace: float = 20.0
    said: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    scores: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))

    def sized(self, lane: int, size: EpochSize) -> tuple[int, ...] | None:
        """Decide everywhere."""
        self.said[lane].append("sized")

    def resumed(self, lane: int, scores: Mapping[int, float]) -> None:
        """Note it."""
        self.said[lane].append("resumed")

    def scored(self, lane: int, step: int, score: float) -> Reply:
        """Note it."""
        self.said[lane].append(f"scored {step}")
        self.scores[lane][step] = score
        if self.leaves_after == step:
            self.stop.set()
        return self.replies.get(lane, {}).get(step, Reply.GO_ON)


def small(folder: Path, lane: int, module: str = "Small", *, epochs: int = 3) -> Assignment:
    """Ask for a fit of some epochs, each lane's of its own."""
    configuration = {
        "trainer": {"max_epochs": epochs, "accelerator": "cpu"},
        "model": {"class_path": f"tests.tuner.small_modules.{module}", "init_args": {"width": 3 + lane}},
    }
    return Assignment(configuration, lane, Objective("val_loss"), log=folder / f"{lane}.log")


def test_no_lane_hears_or_ends_for_another(trainer: Trainer, tmp_path: Path) -> None:
    """Each lane is sized, then scored in order; one stops, one raises, the others are what they are alone."""
    line = HeardLine(replies={2: {2: Reply.STOP}})
    lanes = [small(tmp_path, 0), small(tmp_path, 1, "Raising"), small(tmp_path, 2), small(tmp_path, 3)]
    ends = trainer.fit(lanes, line)
    whole = ["sized", "scored 1", "scored 2", "scored 3"]
    assert line.said == {0: whole, 1: ["sized"], 2: whole[:3], 3: whole}
    first, raised, stopped, last = ends
    for lane, end, ending in (
        (0, first, Ending.COMPLETED),
        (2, stopped, Ending.STOPPED),
        (3, last, Ending.COMPLETED),
    ):
        assert isinstance(end, Fit)
        assert (end.ending, dict(zip(end.steps, end.scores, strict=True))) == (ending, line.scores[lane])
        assert end.score == (min(end.scores) if ending is Ending.COMPLETED else None)
    assert isinstance(raised, Raised)
    assert (raised.fault, raised.cause) == (Fault.CODE, "ZeroDivisionError: the mistake")
    (alone,) = trainer.fit([lanes[3]], HeardLine())
    assert isinstance(alone, Fit)
    assert isinstance(last, Fit)
    assert alone.scores == last.scores


def test_no_lane_goes_on_when_all_have_to_leave(trainer: Trainer, tmp_path: Path) -> None:
    """Every lane that had not ended is interrupted, those that had not begun too."""
    line = HeardLine(leaves_after=1)
    ends = trainer.fit([small(tmp_path, lane, epochs=10_000) for lane in range(2)], line)
    assert [end.ending for end in ends if isinstance(end, Fit)] == [Ending.INTERRUPTED] * 2


def test_no_lane_that_pauses_ends_otherwise_than_one_that_does_not(trainer: Trainer, tmp_path: Path) -> None:
    """A lane is paused behind its first validation; taken up, it says the rest of what it would have said."""
    whole = HeardLine()
    (completed,) = trainer.fit([small(tmp_path, 0)], whole)
    first = HeardLine(replies={0: {1: Reply.PAUSE}})
    paused = replace(small(tmp_path, 0), checkpoint=str(tmp_path / "paused.ckpt"))
    (end,) = trainer.fit([paused], first)
    assert isinstance(end, Fit)
    assert (end.ending, end.score, first.scores[0]) == (Ending.PAUSED, None, {1: whole.scores[0][1]})
    second = HeardLine()
    (end,) = trainer.fit([replace(paused, checkpoint=None, resume=paused.checkpoint)], second)
    assert second.said[0] == ["sized", "resumed", "scored 2", "scored 3"]
    assert isinstance(completed, Fit)
    assert isinstance(end, Fit)
    assert (end.scores, end.score) == (completed.scores, completed.score)


def test_no_lane_pauses_that_could_not_be_taken_up(trainer: Trainer, tmp_path: Path) -> None:
    """One that keeps no checkpoint goes on to its end."""
    line = HeardLine(replies={0: {1: Reply.PAUSE}})
    (end,) = trainer.fit([small(tmp_path, 0)], line)
    assert isinstance(end, Fit)
    assert (end.ending, len(end.scores)) == (Ending.COMPLETED, 3)
