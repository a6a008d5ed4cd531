"""How many trials a space needs: ten for each parameter that a configuration has, on average.

The rule is that of Loeppky, Sacks and Welch 2009 ("Choosing the sample size of a computer experiment"): ten
runs for each dimension of a Gaussian process. Parameters of branches exist together in part only, so their
mean number under the declared measure counts. It is where to begin, and no promise: noise asks for more.
"""

from dataclasses import dataclass
from math import ceil

from search_spaces.space.nodes import Group
from studies.surrogate.anova import structures_of
from studies.surrogate.domain import Domain, domain_of

PER_PARAMETER = 10
FEWEST = 20  # trials, however few the parameters


@dataclass(frozen=True)
class Need:
    """How many `parameters` vary, `together` on average, and the `trials` that these need."""

    parameters: int
    together: float
    trials: int

    def in_words(self, trials: int) -> str:
        """Say what is missing from a number of trials; empty where nothing is."""
        if trials >= self.trials:
            return ""
        many = "1 parameter needs" if self.parameters == 1 else f"{self.parameters} parameters"
        part = f" ({self.together:.0f} at a time)" if round(self.together) != self.parameters else ""
        verb = "" if self.parameters == 1 else " need"
        return (
            f"{many}{part}{verb} some {self.trials} trials, ten for each and at least {FEWEST}, and there "
            f"are {trials}: run more with `--trials`, or let fewer parameters vary with `fix`."
        )


def need_of(space: Group) -> Need:
    """Say how many trials a space needs."""
    return need_of_domain(domain_of(space))


def need_of_domain(domain: Domain) -> Need:
    """Say the same of its axes."""
    varying = [d for d, axis in enumerate(domain.axes) if len(axis.nodes) > 1]
    structures = structures_of(domain, 0)
    chances = structures.weights @ structures.active
    together = float(chances[varying].sum()) if varying else 0.0
    needed = ceil(round(PER_PARAMETER * together, 6) / PER_PARAMETER) * PER_PARAMETER
    return Need(len(varying), together, max(needed, FEWEST))
