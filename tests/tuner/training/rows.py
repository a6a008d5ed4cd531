"""What each schedule multiplies the learning rate by, step by step, written by hand."""

from typing import Any

# Ten steps, of which two warm up; one-cycle rises by itself. Progress k / 8, or k / 10, for k = 0, 1, ...
WARMUP = [1 / 3, 2 / 3]
COSINE = [*WARMUP, 1.0, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]
ROWS: dict[str, tuple[dict[str, Any], list[float]]] = {
    "constant": ({}, [*WARMUP, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    "cosine": ({}, COSINE),
    "linear": ({}, [*WARMUP, 1.0, 0.87625, 0.7525, 0.62875, 0.505, 0.38125, 0.2575, 0.13375]),
    "step": ({"gamma": 0.5}, [*WARMUP, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]),
    "polynomial": (
        {"power": 2.0, "end_factor": 0.1},
        [*WARMUP, 1.0, 0.789063, 0.60625, 0.451563, 0.325, 0.226563, 0.15625, 0.114063],
    ),
    "one_cycle": (
        {},
        [0.04, 0.28, 0.76, 1.0, 0.950485, 0.811746, 0.611262, 0.388742, 0.188258, 0.049519],
    ),
}


def warmup_of(name: str) -> float:
    """Give the share that warms up in the rows above."""
    return 0.0 if name == "one_cycle" else 0.2
