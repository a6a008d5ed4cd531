"""Studies that a report proposes, followed on the functions that they come from."""

import pytest

from tests.studies.report.followed_studies import at_random, definition_of, draw_problem, proposed, run

KINDS = ("smooth", "cliff", "momentum", "branches")
TRIALS = 60


@pytest.mark.parametrize("kind", KINDS)
def test_a_next_study_is_no_worse_than_the_same_study_again(kind: str) -> None:
    """Random trials in the proposed space come at least as near the optimum, up to a part of a deviation."""
    problem = draw_problem(kind, 7)
    old = definition_of(problem, f"{kind}-7", TRIALS, 7)
    proposal, new, _ = proposed(old, run(problem, old, 7))
    assert ("lr_effective" in proposal.text) is (kind == "momentum")
    before, after = (at_random(problem, each, 60, TRIALS, 3) for each in (old, new))
    assert after.mean() <= before.mean() + 2 * problem.noise
