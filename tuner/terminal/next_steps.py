"""What to type next, with every option that it takes for it to mean the same study."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from studies.database.open import shown_url

OUTPUT = Path("runs")  # the default of `tuner run --output`


@dataclass(frozen=True)
class Request:
    """What `tuner run`, or the command `verb`, was asked.

    `manner` is how it is to be worked on, in words of the command line.
    """

    study: str
    name: str | None
    overrides: tuple[str, ...]
    trials: int | None
    output: Path
    storage: str | None
    manner: tuple[str, ...] = ()
    verb: str = "run"

    def again(self, trials: int | None = None) -> str:
        """Write the command that resumes the study, with another number of trials if one is given."""
        words = [self.verb, self.study]
        for override in self.overrides:
            words += ["--set", override]
        if self.name is not None:
            words += ["--name", self.name]
        if trials or self.trials:
            words += ["--trials", str(trials or self.trials)]
        if self.output != OUTPUT:
            words += ["--output", str(self.output)]
        words += self.manner
        return self.about(*words)

    def about(self, *words: str) -> str:
        """Write a command about the same database; a password in its URL is left to be filled in."""
        storage = [] if self.storage is None else ["--storage", shown_url(make_url(self.storage))]
        return shlex.join(["tuner", *words, *storage])


def folded(command: str, width: int) -> list[str]:
    """Write a command as indented lines that a shell takes for one, none wider than `width` if that can be.

    An option stays beside its value.
    """
    parts: list[str] = []
    for word in shlex.split(command):
        if parts and parts[-1].startswith("--") and not word.startswith("--"):
            parts[-1] += f" {shlex.quote(word)}"
        else:
            parts.append(shlex.quote(word))
    lines = [f"  {parts[0]}"]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + len(" ") + len(" \\") <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(f"      {part}")
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]
