"""The largest eigenvalue and the trace of a loss's Hessian, from its products with vectors."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from tuner.training.sharpness.loss import LossOfWeights, NoLoss

TOLERANCE = 1e-3  # of the eigenvalue, relative
MOST_RESTARTS = 30
FEWEST_PROBES, MOST_PROBES = 16, 200
EXACT = 0.025  # standard error of the trace, relative, at which no more probes are drawn
SMALL = 3  # weights up to which the Hessian is written out, since Lanczos needs more


def leading(loss: LossOfWeights, seed: int) -> tuple[float, Tensor]:
    """Give the largest eigenvalue of the Hessian and its direction `(weights,)` of length one.

    ARPACK's implicitly restarted Lanczos (Lehoucq, Sorensen and Yang 1998), by products with vectors.

    Raises:
        NoLoss: the Hessian is not finite, or the search finds no eigenvalue.
    """
    device, kind = loss.weights[0].device, loss.weights[0].dtype

    def times(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        product = loss.curvature_along(torch.as_tensor(vector.ravel(), dtype=kind, device=device))
        if not bool(product.isfinite().all()):
            raise NoLoss("its curvature is not finite")
        return product.double().cpu().numpy()

    if loss.size <= SMALL:
        matrix = np.stack([times(row) for row in np.eye(loss.size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    else:
        begin = np.random.default_rng(seed).standard_normal(loss.size)
        operator = LinearOperator((loss.size, loss.size), matvec=times, dtype=np.float64)
        try:
            values, vectors = eigsh(
                operator, k=1, which="LA", v0=begin, tol=TOLERANCE, maxiter=MOST_RESTARTS * 10
            )
        except ArpackNoConvergence as error:
            raise NoLoss("the search for its largest curvature did not settle") from error
    return float(values[-1]), torch.as_tensor(vectors[:, -1].copy(), dtype=kind, device=device)


def trace(loss: LossOfWeights, seed: int, known: tuple[float, Tensor]) -> tuple[float, float]:
    """Estimate the trace of the Hessian, and the standard error of that estimate.

    Hutchinson 1990 with random signs, on what is left once the largest eigenvalue is taken out, which is
    known (as in Meyer et al. 2021). Probes are drawn until the error is `EXACT` of the trace.

    Args:
        loss: the loss.
        seed: of the signs.
        known: the largest eigenvalue and its direction.
    """
    largest, along = known
    signs = torch.Generator().manual_seed(seed)
    told: list[float] = []
    while len(told) < MOST_PROBES:
        probe = torch.randint(0, 2, (loss.size,), generator=signs).to(along) * 2 - 1
        part = float(probe @ along)
        told.append(float(probe @ loss.curvature_along(probe)) - largest * part**2)
        error = float(np.std(told, ddof=1) / np.sqrt(len(told))) if len(told) > 1 else np.inf
        if len(told) >= FEWEST_PROBES and error <= EXACT * abs(np.mean(told) + largest):
            break
    return float(np.mean(told)) + largest, error
