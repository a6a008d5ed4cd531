"""A trial as a value, whoever wrote its attributes."""

from optuna.trial import create_trial

from studies.trials.record import TrialRecord

HUGE = 10**400  # JSON has whole numbers of any length


def test_a_number_that_is_too_large_is_as_one_that_is_missing() -> None:
    """It hides neither the trial nor what else is known of it."""
    told = {
        "seconds": HUGE,
        "expected": HUGE,
        "facts": {"huge": HUGE, "loss_spikes": 3},
        "metrics": {"huge": HUGE, "epoch": 2},
        "repeats": [{"score": HUGE}, {"score": 0.5}],
    }
    record = TrialRecord.of(create_trial(value=1.0, user_attrs=told))
    assert (record.seconds, record.expected, record.score) == (None, None, 1.0)
    assert (record.facts, record.metrics, record.repeats) == ({"loss_spikes": 3}, {"epoch": 2.0}, (0.5,))
