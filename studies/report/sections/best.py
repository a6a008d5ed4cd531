"""The best configuration: what sets it apart, whether it stays the best, and which changes made it so."""

from collections.abc import Iterator, Sequence

import numpy as np

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from studies.definition.limits import limits_of
from studies.report.parts import Heading, Part, Table, Words
from studies.report.section import Material
from studies.trials.difference import differences
from studies.trials.outcomes import Outcome
from studies.trials.record import kept_in_words, repeats_in_words

TITLE, PLACE = "The best configuration", 50
_ABSENT = "-"


def parts(material: Material) -> Sequence[Part]:
    """Show the best trial's values, its repeats, and the path from the defaults to it."""
    if material.subject.best is None:
        return []
    return [*_kept(material), *_values(material), *_repeats(material), *_path(material)]


def _kept(material: Material) -> Iterator[Part]:
    """Say what the best trial kept beside its score, and which limits it keeps to."""
    subject, best = material.subject, material.subject.best
    if best is None:
        return
    if best.repeats:
        yield Words(f"Its score is the {repeats_in_words(best)}.")
    if best.metrics:
        yield Words(f"Beside its score it has kept: {kept_in_words(best)}.")
    limits = () if subject.definition is None else limits_of(subject.definition.settings.limits)
    if limits:
        completed = [trial for trial in subject.trials if trial.outcome is Outcome.COMPLETED]
        broken = sum(bool(trial.broken) for trial in completed)
        yield Words(
            f"It is the best within the limits {', '.join(map(str, limits))}, of which {broken} of "
            f"{len(completed)} completed trials break one."
        )


def _values(material: Material) -> Iterator[Part]:
    subject, best = material.subject, material.subject.best
    if best is None:
        return
    if subject.definition is None:
        rows = [(name, _shown(value)) for name, value in best.values.items()]
        yield Table(("parameter", "best"), rows, (False, False))
        return
    changed = differences(subject.space, best.values)
    if not changed:
        yield Words("It is the default configuration.")
        return
    rows_of_three = [(row.name, _shown(row.default), _shown(row.value)) for row in changed]
    yield Table(("parameter", "default", "best"), rows_of_three, (False, False, False))
    note = "What is not listed is at its default. A dash stands where a parameter does not exist."
    yield Words(note, is_note=True)


def _repeats(material: Material) -> Iterator[Part]:
    subject = material.subject
    if not subject.candidates:
        return
    seeds = len(subject.candidates[0].scores)
    yield Heading("The best trials on fresh seeds")
    heads = ("trial", f"{subject.metric} in the study", f"mean of {seeds} fresh seeds", "standard deviation")
    rows = [
        (
            str(candidate.trial.number),
            f"{candidate.trial.score:.5g}",
            f"{candidate.mean:.5g}",
            _ABSENT if candidate.deviation is None else f"{candidate.deviation:.2g}",
        )
        for candidate in subject.candidates
    ]
    yield Table(heads, rows, (True, True, True, True))
    note = (
        "The best of many noisy scores owes part of its rank to luck. So the best trials were trained again, "
        "and the first of this table is the one called the best here."
    )
    yield Words(f"{note} {subject.level or ''}".rstrip(), is_note=True)


def _path(material: Material) -> Iterator[Part]:
    if material.analysed is None or not material.analysed[1].ablation:
        return
    analysis, views = material.analysed
    rows = []
    for step in views.ablation:
        doubt = 1.645 * step.deviation
        sure = "yes" if step.gain > doubt else "it may be a loss" if step.gain < 0 else "not sure"
        score = float(analysis.score(np.array(step.loss)))
        rows.append((step.name, _shown(step.before), show_value(step.after), f"{score:.4g}", sure))
    yield Heading("From the defaults to the best, one change at a time")
    heads = ("change", "from", "to", f"expected {material.subject.metric} after it", "an improvement?")
    yield Table(heads, rows, (False, False, False, True, False))
    note = (
        'The change that helps most comes first. Expected scores are the surrogate\'s; "yes" where the 90% '
        "interval of the gain leaves out zero."
    )
    yield Words(note, is_note=True)


def _shown(value: Value | None) -> str:
    return _ABSENT if value is None else show_value(value)
