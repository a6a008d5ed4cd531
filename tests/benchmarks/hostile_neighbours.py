"""A worker without a name beside studies that disturb: the sound one is served, whatever they hold.

In each round a database holds a sound study and random neighbours, see `tests/tuner/neighbours.py`. Then a
worker without a name serves it, and every command that looks at studies is given for each of them. Asserted:
the sound study is spent, every command about it works, no command ends with anything but an answer or one
sentence, and the exit code is 2 where a study cannot be used. Arguments: rounds, the first seed.
"""

import contextlib
import io
import json
import os
import shlex
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import optuna

from studies.database.identity import names
from studies.database.open import open_database
from tests.tuner.neighbours import NEIGHBOURS, SOUND
from tuner.cli import main as tuner

SLOTS = 6
STUDY = f"""
study: {{name: {SOUND}, metric: val_loss, trials: {SLOTS}, exploration: 1.0}}
trainer: {{max_epochs: 1}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: [4]}}}}
data: {{class_path: tuner.data.Digits}}
optimizer: {{class_path: torch.optim.Adam}}
space: {{add: {{data.init_args.batch_size: {{choices: [256, 512]}}}}}}
"""
LOOKS = (
    "status {}",
    "best {}",
    "report {}",
    "importance {}",
    "trial {} 0",
    "worker {} --no-wait --quiet",
    "stop {}",
)
FEW = 12  # neighbours of a round


def run(line: str) -> tuple[int, str, str]:
    """Run `tuner LINE` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            tuner(shlex.split(line))
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError("the command line exits")


def round_of(seed: int) -> tuple[Counter[str], list[str]]:
    """Serve one database; give the neighbours by kind, and every breach."""
    draw, breaches = np.random.default_rng(seed), []

    def check(holds: object, *what: object) -> None:
        if not holds:
            breaches.append(" | ".join(map(str, (f"seed {seed}", *what))))

    Path("sound.yaml").write_text(STUDY)
    check(run("create sound.yaml --json")[0] == 0, "create")
    database = open_database("sqlite:///tuner.db")
    kinds = [NEIGHBOURS[draw.integers(len(NEIGHBOURS))] for _ in range(FEW)]
    for at, make in enumerate(kinds):
        make(database, draw)
        if at == FEW // 2:  # so that copies are made of one half-way too
            run(f"run {SOUND} --timeout 3 --quiet")
    answer = run("worker --no-wait --quiet --allow a")
    check(answer[0] == 0, "the worker without a name", *answer)
    for look in LOOKS:
        code, _, err = run(look.format(SOUND))
        check((code, err) == (0, ""), look.format(SOUND), code, err)
    code, out, err = run("list --json")
    listed = {row["name"]: row for row in json.loads(out)} if code == 0 else {}
    check(SOUND in listed and listed[SOUND]["trials"]["complete"] == SLOTS, "list", code, err)
    check(run("list")[0] == 0, "list")
    there = list(names(database.engine).values())
    for name in there:
        check(name in listed, "it is not listed", name)
        for look in LOOKS:
            code, out, err = run(look.format(name))
            is_told = code == 2 and err.startswith("Error: ") and err.count("\n") == 1
            is_told |= code == 1 and "is stopped: its last" in err  # it has no module that could be imported
            check(code == 0 or is_told, look.format(name), code, out, err)
    for name in there:
        code, _, err = run(f"delete {name} --yes")
        check(code == 0, f"delete {name}", err)
        if name != SOUND and SOUND in names(database.engine).values():
            spent = json.loads(run(f"status {SOUND} --json")[1])["spent"]["slots"]
            check(spent == SLOTS, f"delete {name} took slots of {SOUND}")
    database.engine.dispose()
    return Counter(make.__name__ for make in kinds), breaches


def main() -> None:
    """Serve every round and print how many there were."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rounds, first = (int(argument) for argument in [*sys.argv[1:], "40", "0"][:2])
    here, kinds, breaches = Path.cwd(), Counter[str](), 0
    for seed in range(first, first + rounds):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            found, broken = round_of(seed)
            os.chdir(here)
        kinds += found
        breaches += len(broken)
        print(f"round {seed}: {kinds.total()} neighbours, {breaches} breaches", *broken, sep="\n", flush=True)
    print(f"{rounds} rounds, {kinds.total()} neighbours ({dict(sorted(kinds.items()))}), {breaches} breaches")
    assert not breaches


if __name__ == "__main__":
    main()
