"""How long the analysis takes on one core, and how much memory: all pairs with intervals.

    python -m tests.benchmarks.analysis_speed [size ...]

A size is a name of the table, such as `200x12`; by default all. Each is measured in a process of its own.
Seconds are of the processor, so what others do on the machine counts only where they slow it down.
"""

import resource
import sys
import time
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_limits

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from studies.analysis.shares.importance import measure_importance
from studies.surrogate.domain import domain_of
from tests.studies.analysis.known_functions import Known

NOISE = 0.2  # of the function's deviation


def wide(count: int) -> Known:
    """Make a sum of waves of so many ranges, of which two interact and every one matters."""
    space = Group({f"x{i}": Float(1e-4, 1.0, log=True) if i % 2 else Float(0.0, 1.0) for i in range(count)})
    return Known(
        f"{count} ranges",
        space,
        lambda u, _: sum(np.sin((2 + i / 3) * u[:, i]) for i in range(count)) + 2 * u[:, 1] * u[:, 2],
    )


def mixed() -> Known:
    """Make twelve parameters, most of them idle: ranges, a choice with a parameter of its own, an option."""
    space = Group(
        {f"x{i}": Float(1e-4, 1.0, log=True) if i % 2 else Float(0.0, 1.0) for i in range(9)}
        | {"c": Choice({"a": Group({"w": Float(0.0, 1.0)}), "b": Group()}), "e": Categorical(("p", "q", "r"))}
    )
    return Known(
        "twelve",
        space,
        lambda u, a: np.sin(5 * u[:, 0]) + 2 * u[:, 1] * u[:, 2] + np.where(a[:, 10], u[:, 10], 0.2),
    )


def branched() -> Known:
    """Make forty parameters of which 24 stand on the branches of two choices, and every one matters."""
    branches = {
        f"c{j}": Choice(
            {name: Group({f"{name}{i}": Float(0.0, 1.0) for i in range(6)}) for name in ("p", "q")}
        )
        for j in range(2)
    }
    space = Group({**{f"x{i}": Float(0.0, 1.0) for i in range(14)}, **branches})
    axes = domain_of(space).axes
    weights = np.random.default_rng(0).uniform(0.3, 1.0, len(axes))

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        total = u[:, 0] * u[:, 1]
        for d, (axis, weight) in enumerate(zip(axes, weights, strict=True)):
            along = np.sin(3 * u[:, d] + d) if axis.ordered else u[:, d]
            total = total + np.where(a[:, d], weight * along, 0.0)
        return total

    return Known("branched", space, function)


# What is asked in seconds, or None.
SIZES = {
    "200x12, most idle": (200, mixed, None),
    "200x12": (200, lambda: wide(12), 8.0),
    "500x12": (500, lambda: wide(12), 12.0),
    "1000x12": (1000, lambda: wide(12), 15.0),
    "2000x12": (2000, lambda: wide(12), 20.0),
    "10000x12": (10000, lambda: wide(12), 60.0),
    "5000x4": (5000, lambda: wide(4), None),
    "200x40, branched": (200, branched, 8.0),
}


def measure(size: str) -> tuple[float, float]:
    """Give the seconds of one core and the largest memory in MB."""
    count, make, _ = SIZES[size]
    table = make().table(count, 1, NOISE)
    begun = time.process_time()
    with threadpool_limits(limits=1):
        measure_importance(table)
    used = time.process_time() - begun
    return used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured_alone(size: str) -> tuple[float, float]:
    """Measure in a process of its own, whose memory is only the analysis's."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (size,))


def main(sizes: list[str]) -> None:
    """Print a row for each size."""
    print("| trials x parameters | asked, seconds | seconds of one core | MB at most |")
    print("| --- | --- | --- | --- |")
    for size in sizes or SIZES:
        asked = SIZES[size][2]
        used, memory = measured_alone(size)
        print(f"| {size} | {asked or '-'} | {used:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
