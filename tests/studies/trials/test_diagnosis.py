"""Training facts in words, with the numbers behind them."""

import pytest

from studies.trials.diagnosis import diagnose

CALM = {"overshoot": 0.0, "update_ratio": 2e-3, "loss_spikes": 0.0, "loss_fall": 0.1, "gap": 0.03}


def words(facts: dict[str, float], scores: list[float], *, minimizes: bool = True) -> list[str]:
    """Give the words alone."""
    return [found.word for found in diagnose(facts, scores, metric="val_loss", minimizes=minimizes)]


@pytest.mark.parametrize(
    ("facts", "scores", "said"),
    [
        (CALM, [1.0, 0.5, 0.3], []),
        ({}, [], []),
        (CALM | {"loss_spikes": 4.0}, [1.0, 0.5], ["unstable"]),
        (CALM | {"overshoot": 0.17}, [1.0, 0.5], ["near the edge"]),
        (CALM | {"overshoot": -0.3}, [1.0, 0.9], ["too slow"]),
        (CALM | {"update_ratio": 1e-6}, [1.0, 1.0], ["too slow"]),
        (CALM, [1.0, 0.5, 0.6], ["overfits"]),
        (CALM, [1.0, 0.5, 0.54], []),
        (
            CALM | {"loss_spikes": 9.0, "overshoot": -0.3},
            [1.0, 0.5, 0.9],
            ["unstable", "too slow", "overfits"],
        ),
    ],
)
def test_a_word_is_said_where_its_number_stands_out(
    facts: dict[str, float], scores: list[float], said: list[str]
) -> None:
    """Nothing is said of a calm training, and several things of one with several troubles."""
    assert words(facts, scores) == said


def test_the_direction_decides_what_is_worse() -> None:
    """An accuracy that falls from its best overfits; one that rises does not."""
    assert words(CALM, [0.5, 0.9, 0.7], minimizes=False) == ["overfits"]
    assert words(CALM, [0.5, 0.7, 0.9], minimizes=False) == []


def test_a_sentence_holds_its_numbers() -> None:
    """The reader sees what the word rests on."""
    (finding,) = diagnose(CALM, [1.0, 0.5, 0.6], metric="val_loss")
    assert finding.why == (
        "val_loss was best at validation 2 (0.5) and ended at 0.6, +0.03 from training; more "
        "regularization or fewer epochs would help."
    )
