"""A trainer without any training: scores are those of a function, all lanes epoch by epoch."""

import json
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.training.assignment import Assignment
from tuner.training.ends import End, Ending, Fault, Fit, Raised, Reply
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.trainer import Line

Function = Callable[[Mapping[str, Any], int], float]  # of a configuration and an epoch, counted from 1


@dataclass(frozen=True)
class FunctionTrainer:
    """Gives a function's values as the scores of trainings that all go on at once."""

    function: Function

    def fit(self, assignments: Sequence[Assignment], line: Line) -> list[End]:
        """Go through the epochs of all lanes together."""
        ends: dict[int, End] = {}
        scores: list[list[float]] = [[] for _ in assignments]
        due: dict[int, tuple[int, ...] | None] = {}
        for lane, assignment in enumerate(assignments):
            due[lane] = line.sized(lane, EpochSize(1, 1, validates=True, accumulated=1, devices=1))
            if assignment.resume is not None:
                scores[lane] = json.loads(Path(assignment.resume).read_text())
                line.resumed(lane, dict(enumerate(scores[lane], start=1)))
        while len(ends) < len(assignments):
            for lane, assignment in enumerate(assignments):
                if lane not in ends and (end := self._epoch(lane, assignment, line, scores[lane], due[lane])):
                    ends[lane] = end
        return [ends[lane] for lane in range(len(assignments))]

    def _epoch(
        self,
        lane: int,
        assignment: Assignment,
        line: Line,
        scores: list[float],
        due: tuple[int, ...] | None,
    ) -> End | None:
        if line.stop.is_set():
            return Fit(Ending.INTERRUPTED, (), None)
        step = len(scores) + 1
        try:
            scores.append(self.function(assignment.configuration, step))
        except Exception as error:  # noqa: BLE001 - whatever it raises is an end
            trace = "".join(traceback.format_exception(error))
            return Raised(f"{type(error).__name__}: {error}", trace, Fault.CODE, time.monotonic())
        steps = tuple(range(1, step + 1))
        reply = line.scored(lane, step, scores[-1])
        if due is not None and step not in due:
            reply = Reply.GO_ON
        if reply is Reply.STOP:
            return Fit(Ending.STOPPED, tuple(scores), None, steps=steps)
        if reply is Reply.PAUSE and assignment.checkpoint is not None:
            Path(assignment.checkpoint).write_text(json.dumps(scores))
            return Fit(Ending.PAUSED, tuple(scores), None, steps=steps)
        if step == assignment.configuration["trainer"]["max_epochs"]:
            score = assignment.objective.score_of(scores)
            return Fit(Ending.COMPLETED, tuple(scores), score, steps=steps)
        return None
