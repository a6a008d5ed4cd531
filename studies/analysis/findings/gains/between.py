"""The configurations between the defaults and the best one: some parameters tuned, all others not.

A parameter that no branch taken holds is not there. One on a branch that tuning has chosen, but that is not
tuned itself, has its own default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from search_spaces.space.nodes import Value
from search_spaces.space.parameters import default_of
from studies.surrogate.domain import Array, Domain, Mask, as_option, coordinate
from studies.surrogate.drawn import knots_of

MOST_LISTED = 8  # players whose coalitions are all listed; of more some orders are drawn
PAIRS = 24  # of an order and its reverse, where there are more


@dataclass(frozen=True, eq=False)
class Game:
    """Who may have gained something, and the coalitions that tell how much.

    `players` are the axes whose value differs between `start` and `end`, coordinates `(axes,)`. `coalitions`
    `(m, players)` says who is tuned; the first is nobody, the last everybody. `weights` `(players, m)` makes
    the Shapley value of each player of what each coalition gains.
    """

    players: tuple[int, ...]
    start: Array
    end: Array
    coalitions: Mask
    weights: Array

    def coordinates(self) -> Array:
        """Give the configuration of each coalition, `(m, axes)`."""
        places = np.repeat(self.start[None, :], len(self.coalitions), axis=0)
        players = list(self.players)
        places[:, players] = np.where(self.coalitions, self.end[players], self.start[players])
        return places

    def alone(self, domain: Domain) -> list[Array]:
        """Give the configurations with one player anywhere and all others at their defaults, for each."""
        lines = []
        for axis in self.players:
            knots = np.append(knots_of(domain.axes[axis]), self.start[axis])
            places = np.repeat(self.start[None, :], len(knots), axis=0)
            places[:, axis] = knots
            lines.append(places)
        return lines


def defaults_of(domain: Domain) -> Array:
    """Give the coordinate of each parameter's own default, on every branch, `(axes,)`."""
    places = [coordinate(axis, default_of(axis.parameter.node)) for axis in domain.axes]
    return np.array([0.0 if place is None else place for place in places])


def game_of(domain: Domain, best: Mapping[str, Value], seed: int) -> Game:
    """Find out who plays, and list the coalitions.

    Args:
        domain: the axes.
        best: the values of every active parameter of the best configuration; one that the domain lacks, or
            a value that it does not hold, is no player.
        seed: of the orders that are drawn where coalitions are too many.
    """
    start = defaults_of(domain)
    end = start.copy()
    for d, axis in enumerate(domain.axes):
        place = coordinate(axis, as_option(best[axis.name])) if axis.name in best else None
        if place is not None:
            end[d] = place
    players = tuple(int(d) for d in np.flatnonzero(end != start))
    coalitions, weights = _listed(len(players)) if len(players) <= MOST_LISTED else _drawn(len(players), seed)
    return Game(players, start, end, coalitions, weights)


def _listed(count: int) -> tuple[Mask, Array]:
    """List all coalitions, with the weights of Shapley 1953."""
    coalitions = np.array(list(product([False, True], repeat=count)), dtype=bool).reshape(2**count, count)
    sizes = coalitions.sum(axis=1)
    # Of a coalition of s others a player's own gain weighs s! (n - s - 1)! / n!.
    factorials = np.cumprod(np.r_[1.0, np.arange(1, count + 1)])
    weights = np.zeros((count, len(coalitions)))
    for player in range(count):
        inside = coalitions[:, player]
        others = sizes - inside
        weight = factorials[others] * factorials[count - 1 - others] / factorials[count]
        weights[player] = np.where(inside, weight, -weight)
    return coalitions, weights


def _drawn(count: int, seed: int) -> tuple[Mask, Array]:
    """Draw orders in which the players come, each with its reverse: exact where at most two interact.

    With the reverse the half of what two players do together goes to each, whatever the order (Mitchell et
    al. 2022, section 3.1).
    """
    random = np.random.default_rng(seed)
    orders = [
        order for _ in range(PAIRS) for each in [random.permutation(count)] for order in (each, each[::-1])
    ]
    rows = []
    for order in orders:
        here = np.zeros((count + 1, count), dtype=bool)
        for place, player in enumerate(order):
            here[place + 1 :, player] = True
        rows.append(here)
    stacked = np.vstack(rows)
    coalitions, where = np.unique(stacked, axis=0, return_inverse=True)
    weights = np.zeros((count, len(coalitions)))
    where = where.reshape(len(orders), count + 1)
    for order, at in zip(orders, where, strict=True):
        for place, player in enumerate(order):
            weights[player, at[place + 1]] += 1 / len(orders)
            weights[player, at[place]] -= 1 / len(orders)
    return coalitions, weights
