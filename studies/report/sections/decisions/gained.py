"""What tuning gained from the defaults to the best, by which parameters, and what the test part says."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from search_spaces.space.describe import show_value
from search_spaces.space.parameters import default_values
from studies.analysis.findings.gains.worth import Worth
from studies.report.parts import Part, Table, Words
from studies.report.section import Material
from studies.report.subject import Subject

TITLE, PLACE = "What tuning gained", 15
MOST_ROWS = 12
LEAST_PART = 0.01  # of the gain: a parameter that surely had less is left out
_ABSENT = "-"


def parts(material: Material) -> Sequence[Part]:
    """Show the gain, what was measured and tested, and a row for each parameter that had a part in it."""
    return parts_of(material.subject, None if material.analysed is None else material.analysed[1].worth)


def parts_of(subject: Subject, worth: Worth | None) -> list[Part]:
    """Do so for a study whose gain is known, or is not; nothing for one without declared defaults."""
    if subject.best is None or subject.definition is None:
        return []
    shown: list[Part] = []
    if worth is not None:
        shown += [Words(said, is_verdict=True) for said in worth.in_words()]
    shown += [Words(said) for said in (*measured_in_words(subject), *subject.tested.in_words())]
    if worth is not None:
        shown += _table(worth)
    return shown


def measured_in_words(subject: Subject) -> Iterator[str]:
    """Say what the defaults and the best configuration scored, where the defaults were tried."""
    if subject.definition is None:
        return
    best, defaults = subject.best, default_values(subject.space)
    tried = [trial for trial in subject.trials if trial.score is not None and trial.values == defaults]
    if best is None:
        return
    again = subject.candidates[0] if subject.candidates else None
    fresh = f", {again.mean:.4g} on {len(again.scores)} fresh seeds" if again is not None else ""
    if not tried:
        yield f"Measured: {best.score:.4g} with the best configuration{fresh}; no trial had the defaults."
    elif tried[0].number == best.number:
        first = replace(subject, candidates=()).best  # before any was trained again
        beaten = "which no trial has beaten"
        if first is not None and first.score != best.score:
            beaten = f"the best on fresh seeds; before, trial {first.number} scored {first.score:.4g}"
        yield f"Measured: {best.score:.4g}{fresh} with the defaults, {beaten}."
    else:
        yield (
            f"Measured: {tried[0].score:.4g} with the defaults (trial {tried[0].number}), {best.score:.4g} "
            f"with the best configuration (trial {best.number}){fresh}."
        )


def _table(worth: Worth) -> Iterator[Part]:
    whole = abs(worth.gain.value)
    rows = [
        (
            part.name,
            _ABSENT if part.default is None else show_value(part.default),
            show_value(part.best),
            part.gain.in_words(),
            f"{part.gain.value / worth.gain.value:.0%}" if worth.gain.low > 0 else _ABSENT,
            part.alone.in_words(),
        )
        for part in worth.parts
        if max(abs(part.gain.low), abs(part.gain.high), part.alone.high) >= LEAST_PART * whole
    ][:MOST_ROWS]
    if not rows:
        return
    heads = (
        "parameter",
        "default",
        "best",
        f"its part of the gain in {worth.metric}",
        "in percent",
        "tuned alone",
    )
    yield Table(heads, rows, (False, False, False, True, True, True))
    yield Words(
        "Positive is better, whatever the direction; in brackets stand 90% intervals. A part is what "
        "changing the parameter from its default to its best value gains on average, over all orders in "
        "which the parameters can be changed (Shapley), so the parts add up to the whole gain; a part below "
        "zero is a loss. Tuned alone is what the best value of that parameter gives while all others stay at "
        "their defaults. A parameter has no part where its branch is not taken.",
        is_note=True,
    )
