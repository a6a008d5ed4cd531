"""From how many workers on more would not help."""

from dataclasses import replace

from studies.trials.parallelism import LOST, Parallel

USUAL = Parallel(open=10, running=2, paused=0, total=60, repeatable=None, sampler="TPESampler")
BY_TPE = LOST[USUAL.sampler][1]


def test_slots_that_are_left_bound_the_workers() -> None:
    """More workers than slots would wait; of a study with many slots nobody has to be told."""
    assert USUAL.sentences() == ["12 slots are left: more than 12 workers would wait"]
    assert replace(USUAL, open=1, running=0).sentences() == ["1 slot is left: more than 1 worker would wait"]
    assert replace(USUAL, open=500, total=600).sentences() == []


def test_rungs_keep_workers_waiting() -> None:
    """Once every slot is begun, only what a rung lets go on is left."""
    (said,) = replace(USUAL, open=0, paused=5).sentences()
    assert said.startswith(
        "every slot has been begun: beyond 2 workers others wait until one of the 5 paused"
    )


def test_a_repeatable_study_says_for_how_many_workers_it_is() -> None:
    """More than `repeatable` would wait for results."""
    said = replace(USUAL, repeatable=2).sentences()
    assert said[1] == (
        "the study is repeatable: 2, so behind its slots that explore more than 2 workers would wait"
    )


def test_only_what_was_measured_is_told_of_the_loss() -> None:
    """No figure for other samplers, other lengths, fewer workers or more than were measured."""
    for change in (
        {"running": 3},
        {"running": 33},
        {"total": 500},
        {"sampler": "GPSampler"},
        {"repeatable": 40},
    ):
        assert replace(USUAL, **{"running": 16, **change}).lost() is None  # type: ignore[arg-type]
    assert replace(USUAL, running=16).lost() == BY_TPE[16]
    between = replace(USUAL, running=12).lost()
    assert between is not None
    assert min(BY_TPE[8], BY_TPE[16]) <= between <= max(BY_TPE[8], BY_TPE[16])
    (_, said) = replace(USUAL, running=16).sentences()
    assert said.startswith(
        f"with 16 workers a search by TPE loses about {BY_TPE[16]:.0%} of its trials' worth ("
    )
    (_, said) = replace(USUAL, running=16, sampler="JointSampler").sentences()
    assert "a search by the joint model loses about" in said
