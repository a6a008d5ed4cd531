"""The study to run next."""

from collections.abc import Sequence

from studies.report.parts import Download, Items, Part, Text, Words
from studies.report.section import Material

TITLE, PLACE = "The next study", 60


def parts(material: Material) -> Sequence[Part]:
    """Show what it changes, what no file can say, and its file."""
    proposal = material.proposal
    if proposal is None:
        return []
    file = f"{proposal.name}.yaml"
    note = f"Check it with `tuner validate {file}`, run it with `tuner run {file}`."
    return [
        Items((*proposal.changes, *proposal.notes)),
        Download(file, proposal.text),
        Words(note, is_note=True),
        Text(proposal.text, "Read it here"),
    ]
