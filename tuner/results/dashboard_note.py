"""A note for optuna-dashboard: what a study has found, and where its results lie.

The dashboard shows the note of a study beside its trials. What a person has written into it stays: only the
part between our two lines is replaced.
"""

import re
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from studies.ledger.ledger import Ledger
from studies.ledger.status import status_of
from studies.running.confirmation import Recommendation
from studies.trials.outcomes import in_words

BEGIN, END = "### Written by `tuner`", "*End of what `tuner` writes.*"


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

    budget, settings, best = ledger.slots.budget(), ledger.definition.settings, choice.original
    counts = in_words(status_of(ledger).trials)
    fresh = ""
    if choice.candidate is not None:
        fresh = f"; mean {choice.candidate.mean:.5g} on {len(choice.candidate.scores)} fresh seeds"
    name = shlex.quote(ledger.name)
    lines = [
        BEGIN,
        "",
        f"**Best `{settings.metric}` {best.score:.5g}**, trial {best.number}{fresh}.",
        f"{budget.done} of {budget.total} slots are spent: {counts}.",
        "",
        *(f"- {sentence}" for sentence in verdict),
        "",
        f"Report: `{report}`. The best configuration: `tuner best {name} --export best.yaml`.",
        "",
        END,
    ]
    before = get_note(ledger.study)
    ours = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text = "\n".join(lines)
    after = ours.sub(lambda _: text, before) if ours.search(before) else f"{before}\n\n{text}".strip()
    if after != before:
        save_note(ledger.study, after)
