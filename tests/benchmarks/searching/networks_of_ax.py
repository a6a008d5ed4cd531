"""Residual networks on Fashion-MNIST and CIFAR-10 as Ax models them: trees, one booster for each branch.

Ax has them in its package, which is not imported here, since only these files are needed:

    pip install xgboost-cpu && pip install --no-deps ax-platform

Its third, MNIST, is left out: the optimum there is an artefact of the trees.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from studies.surrogate.domain import Array, Mask, domain_of, value_at
from tests.studies.analysis.known_functions import Known

SPACE = Group(
    {
        "lr": Float(1e-5, 1e-1, log=True),
        "more_blocks": Categorical([False, True]),
        "softplus": Choice({"off": Group({}), "on": Group({"beta": Float(0.5, 2.0)})}),
        "decay": Choice({"off": Group({}), "on": Group({"weight_decay": Float(1e-8, 1e-2, log=True)})}),
    }
)
INPUTS = ("lr", "more_blocks", "softplus.on.beta", "decay.on.weight_decay")


def networks(name: str) -> Known:
    """Give the error of a network: `fashion_mnist` or `cifar10`.

    Raises:
        ModuleNotFoundError: Ax or XGBoost is not installed.
    """
    domain = domain_of(SPACE)
    at = [domain.names.index(one) for one in INPUTS]

    def function(u: Array, a: Mask) -> Array:
        found = np.empty(len(u))
        beta, decay = a[:, at[2]], a[:, at[3]]
        for softplus in (False, True):
            for decayed in (False, True):
                rows = np.flatnonzero((beta == softplus) & (decay == decayed))
                if len(rows):
                    used = [*at[:2], *([at[2]] if softplus else []), *([at[3]] if decayed else [])]
                    values = [[float(value_at(domain.axes[d], u[row, d])) for d in used] for row in rows]
                    found[rows] = 1 - _booster(name, 2 * softplus + decayed)(np.array(values))
        return found

    return Known(name, SPACE, function)


@cache
def _booster(name: str, branch: int) -> Callable[[Array], Array]:
    import xgboost

    package = find_spec("ax")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pip install --no-deps ax-platform")
    folder = Path(package.origin).parent / "benchmark/problems/surrogate/hss/checkpoints"
    booster = xgboost.Booster(model_file=folder / f"{name}_xgb_model_{branch}.json")
    predict: Callable[[Array], Array] = booster.inplace_predict
    return predict
