"""Every trial as a row, how the study is defined, and where its results come from."""

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.space.describe import show_value
from studies.definition.yaml_text import yaml_text
from studies.report.parts import Heading, Part, Table, Text, Words
from studies.report.section import Material
from studies.trials.provenance import provenance_of
from studies.trials.record import TrialRecord

TITLE, PLACE = "Trials", 120
_ABSENT = "-"


def parts(material: Material) -> Sequence[Part]:
    """Show the table of trials, folded, the definition, and the dates, machines, versions, data and code."""
    subject, shown = material.subject, list[Part]()
    if material.analysed is not None:
        shown.append(Words(" ".join(material.analysed[0].importance.policy), is_note=True))
    kept = tuple(dict.fromkeys(name for trial in subject.trials for name in trial.metrics))
    heads = ("trial", "outcome", subject.metric, *kept, "validations", "seconds", "values")
    numbers = (True, False, True, *(True for _ in kept), True, True, False)
    summary = f"All {len(subject.trials)} trials"
    shown.append(Table(heads, [_row(trial, kept) for trial in subject.trials], numbers, summary))
    if subject.definition is not None:
        data: Mapping[str, Any] = subject.definition.to_data()
        told = {key: data[key] for key in data if key != "space" and data[key] is not None}
        shown.append(Text(yaml_text(told), "How the study is defined"))
    origin = provenance_of(subject.study.user_attrs, subject.study.get_trials(deepcopy=False))
    if known := origin.rows():
        shown += [Heading("Where these results come from"), Table(("what", "is"), known, (False, False))]
    return shown


def _row(trial: TrialRecord, kept: Sequence[str]) -> tuple[str | tuple[str, str], ...]:
    outcome = trial.outcome.value if trial.outcome else "running"
    if trial.broken:
        outcome = f"{outcome}, beyond its limits"
    return (
        str(trial.number),
        (outcome, trial.cause) if trial.cause else outcome,
        _ABSENT if trial.shown_score is None else f"{trial.shown_score:.5g}",
        *(f"{trial.metrics[name]:.5g}" if name in trial.metrics else _ABSENT for name in kept),
        str(len(trial.curve)),
        _ABSENT if trial.seconds is None else f"{trial.seconds:.1f}",
        ", ".join(f"{name}={show_value(value)}" for name, value in trial.values.items()),
    )
