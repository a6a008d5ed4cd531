"""A note for optuna-dashboard: what a study has found, and where its results lie.

The dashboard shows the note of a study beside its trials. What a person has written into it stays: only the
part between our two lines is replaced.
"""

import re
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from studies.ledger.ledger import Ledger
from studies.ledger.status import Status, status_of
from studies.running.confirmation import Recommendation
from studies.trials.difference import differences
from studies.trials.outcomes import in_words

BEGIN, END = "### Written by `tuner`", "*End of what `tuner` writes.*"
_MOST_ROWS = 30  # of the best configuration


def write_note(ledger: Ledger, choice: Recommendation, verdict: Sequence[str], report: Path) -> None:
    """Put the best trial, the verdict and the report's place into the study's note.

    Nothing is written where optuna-dashboard is not installed.

    Args:
        ledger: the study.
        choice: the trial that it recommends.
        verdict: what mattered, in sentences.
        report: the report's file.
    """
    if find_spec("optuna_dashboard") is None:
        return
    from optuna_dashboard import get_note, save_note

    text = note_text(ledger, status_of(ledger), choice, verdict, f"Report: `{report}`.")
    before = get_note(ledger.study)
    after = with_ours(before, text)
    if after != before:
        save_note(ledger.study, after)


def note_text(
    ledger: Ledger, status: Status, choice: Recommendation | None, verdict: Sequence[str], more: str
) -> str:
    """Write our part of a note, as Markdown.

    Args:
        ledger: the study.
        status: how far it is.
        choice: the trial that it recommends; None where none is completed.
        verdict: what mattered, in sentences; none where it is not known yet.
        more: where to read more, in a sentence.
    """
    counts = in_words(status.trials) or "no trial has ended yet"
    over = f" It takes no new trial: {status.over}." if status.over and status.done < status.slots else ""
    lines = [
        BEGIN,
        "",
        _best(status, choice),
        f"{status.done} of {status.slots} slots are spent: {counts}.{over}",
        "",
        *(f"- {sentence}" for sentence in verdict),
        "",
        *([] if choice is None else [*_configuration(ledger, choice), ""]),
        f"{more} The best configuration: `tuner best {shlex.quote(ledger.name)} --export best.yaml`.",
        "",
        END,
    ]
    return "\n".join(lines)


def with_ours(before: str, text: str) -> str:
    """Put our part into a note: in place of the one that is there, else behind what a person wrote."""
    ours = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return ours.sub(lambda _: text, before) if ours.search(before) else f"{before}\n\n{text}".strip()


def _best(status: Status, choice: Recommendation | None) -> str:
    if choice is None:
        return "No trial is completed yet."
    best, fresh = choice.original, ""
    if choice.candidate is not None:
        fresh = f"; mean {choice.candidate.mean:.5g} on {len(choice.candidate.scores)} fresh seeds"
    return f"**Best `{status.metric}` {best.score:.5g}**, trial {best.number}{fresh}."


def _configuration(ledger: Ledger, choice: Recommendation) -> list[str]:
    """Write what sets the best configuration apart from the defaults, as a table."""
    changed = differences(ledger.definition.space, choice.original.values)
    if not changed:
        return ["It is the default configuration."]
    rows = [
        f"| {_cell(row.name)} | {_cell(_shown(row.default))} | {_cell(_shown(row.value))} |"
        for row in changed[:_MOST_ROWS]
    ]
    return ["| parameter | default | best |", "| --- | --- | --- |", *rows]


def _shown(value: Value | None) -> str:
    return "-" if value is None else show_value(value)


def _cell(text: str) -> str:
    """Write a text into a table of Markdown, where it can begin nothing: no cell, no link, no line."""
    plain = " ".join(text.replace("`", "'").replace("|", "/").split())
    return f"`{plain}`" if plain else ""
