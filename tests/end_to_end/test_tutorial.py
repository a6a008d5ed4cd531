"""The tutorial: every line of it is typed, in its order, in an empty folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
SHORTER = " --trials 4 --set trainer.max_epochs=1 --no-sharpness"
INSTALL = "pip install ."  # done by the test of the built package


@pytest.mark.timeout(900)  # five studies, one after the other
def test_the_tutorial_leads_from_nothing_to_a_confirmed_winner(tuner: CommandLine) -> None:
    """Its scripts and commands run in their order, and what a command prints to be next is the next."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"console", "python"}
    for text in (text for kind, text in blocks if kind == "python"):
        named = re.match(r"# (\w+\.py)\n", text)
        assert named is not None
        tuner.write(named[1], text)
    typed = "".join(text for kind, text in blocks if kind == "console").splitlines()
    assert typed[0] == f"$ {INSTALL}"
    following = ""
    for line in typed[1:]:
        program, _, words = line.removeprefix("$ ").partition(" ")
        if program == "python":
            subprocess.run([sys.executable, words], cwd=tuner.folder, check=True)
            continue
        assert program == "tuner"
        if not words:
            assert "`tuner validate table --set path=FILE.csv --set target=COLUMN`" in _flat(tuner("").err)
            continue
        assert not following or f"tuner {words}" == following
        answer = tuner(words + (SHORTER if words.startswith("run ") else ""))
        assert (words, answer.code) == (words, 0), answer.err
        told = re.search(r"^Next: (.*)$", answer.out + answer.err, flags=re.MULTILINE)
        following = told[1] if told else ""
    left = {path.name for path in (tuner.folder / "runs/digits").iterdir()}
    assert {"report.html", "best.yaml"} <= left
    assert any(re.fullmatch(r"trial-\d+\.ckpt", name) for name in left)
    header = (tuner.folder / "predicted.csv").read_text().splitlines()[0]
    assert header.endswith(",progression_predicted")


def _flat(text: str) -> str:
    return " ".join(text.split())
