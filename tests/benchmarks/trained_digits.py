"""Studies of a small real training, which takes a second."""

import contextlib

import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from search_spaces.space.nodes import Group
from search_spaces.suggest import distributions
from studies.surrogate.domain import domain_of, value_at
from studies.surrogate.integration import quasi_random


def trained(space: Group, seed: int) -> list[optuna.trial.FrozenTrial]:
    """Train a perceptron of two layers on the digits by SGD in 64 quasi-random trials, scored by log loss."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    seen, unseen = order[:1200], order[1200:]
    domain, known_ranges, made = domain_of(space), distributions(space), []
    for number, place in enumerate(quasi_random(domain, 64, seed)):
        params = {axis.name: float(value_at(axis, at)) for axis, at in zip(domain.axes, place, strict=True)}
        slowness = params["one_minus_momentum"]
        rate = params["lr"] if "lr" in params else params["lr_effective"] * slowness
        network = MLPClassifier(
            (64, 64), solver="sgd", batch_size=64, learning_rate_init=rate, momentum=1 - slowness,
            nesterovs_momentum=False, max_iter=10, alpha=0.0, random_state=number,
        )  # fmt: skip
        score = float("nan")
        # A rate that is too large overflows: scikit-learn then raises where others tell NaN.
        with contextlib.suppress(ValueError):
            network.fit(images[seen] / 16, labels[seen])
            score = log_loss(labels[unseen], network.predict_proba(images[unseen] / 16))
        made.append(
            optuna.trial.create_trial(
                params=params,
                distributions=known_ranges,
                value=min(score, float(np.log(10))) if np.isfinite(score) else float(np.log(10)),
                user_attrs={
                    "exploration": True,
                    "outcome": "completed" if np.isfinite(score) else "diverged",
                },
            )
        )
    return made
