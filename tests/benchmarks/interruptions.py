"""Starts that are interrupted at random moments: no process and no running trial is left, nothing is printed.

Each start is a real `tuner run` with 1 or 3 workers, in a session of its own, whose study trains with a data
loader of two processes. At a random moment it gets SIGINT or SIGHUP, as a terminal sends them to all
processes of the group, or SIGTERM; sometimes a second signal follows. Or, `kills`, some of its processes are
killed (-9): a random part of its workers, fork servers, trainings and loaders, and always the parent.
Asserted 30 s later: no process is left. After a signal: no trial runs, the exit code is 130, or that of a
process that Python had not begun to run, nothing was printed after the end, and no traceback. After a kill:
once the leases have lapsed `status` and `list` say that no trial runs, and what was lost. The study of some
starts is then run to its end, and its budget is exact.

Arguments: `signals` or `kills`, starts, first seed, the seconds after a start before which it is interrupted
(more where the machine is slow, so that every phase has its share). Finished starts are noted in
`interruptions-KIND.jsonl` of the working directory, and passed over when the same command is given again.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

SLOTS = 3
STUDY = f"""
study:
  {{name: slow, metric: val_loss, trials: {SLOTS}, threads: 1, facts: false, confirm: 1, confirm_seeds: 1}}
trainer: {{max_epochs: 2}}
model: {{class_path: own_slow.Slow}}
space: {{add: {{model.init_args.lr: {{low: 1e-3, high: 1e-1, log: true}}}}}}
"""
MODULE = """
import os, time, torch
from pytorch_lightning import LightningModule

class Slow(LightningModule):
    def __init__(self, lr: float = 0.01):
        super().__init__()
        self.lr = lr
        self.weight = torch.nn.Parameter(torch.ones(1))
    def training_step(self, batch, batch_idx):
        time.sleep(float(os.environ.get("PAUSE", "0.3")))
        return (self.weight**2).sum() * (1 + self.lr)
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", (self.weight**2).sum())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)
    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(4, 1), num_workers=int(os.environ.get("LOADERS", "2")))
    def val_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(1, 1))
"""
TUNER = str(Path(sys.executable).with_name("tuner"))
GRACE, ALLOWED = 10.0, 30.0  # seconds: what a start is told, and after which nothing may be left
EVERY = 6  # of so many starts one is run to its end
INTERRUPTED = 130  # exit code
BEFORE_PYTHON = {-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP}  # exit codes


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """Give the variables of a start, by one of which its processes are known."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_STORAGE")}
    return {**kept, "OMP_NUM_THREADS": "1", "INTERRUPTIONS": str(folder), **extra}


def processes(folder: Path) -> dict[int, str]:
    """Find what is left of a start, whoever its parent is now: each process with its command."""
    mark, found = f"INTERRUPTIONS={folder}".encode(), {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            number = int(entry.name)
            is_zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if (
                number != os.getpid()
                and not is_zombie
                and mark in (entry / "environ").read_bytes().split(b"\0")
            ):
                found[number] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120]
    return found


def states(folder: Path) -> list[str]:
    """Give the state of each trial, as Optuna's table has it."""
    if not (folder / "tuner.db").exists():
        return []
    with closing(sqlite3.connect(folder / "tuner.db")) as database, suppress(sqlite3.OperationalError):
        return [row[0] for row in database.execute("select state from trials")]
    return []


def tuner(folder: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Give a command about the studies of a start."""
    return subprocess.run(
        [TUNER, *words],
        cwd=folder,
        env=environment(folder, **extra),
        capture_output=True,
        text=True,
        check=False,
    )


def interrupt(started: subprocess.Popen[str], draw: np.random.Generator) -> list[str]:
    """Send one signal, or two."""
    sent = []
    for _ in range(1 + int(draw.random() < 0.3)):
        name = str(draw.choice(["SIGINT", "SIGTERM", "SIGHUP"]))
        with suppress(ProcessLookupError):
            if name == "SIGTERM":
                started.send_signal(signal.SIGTERM)
            else:  # a terminal sends these to all processes of its foreground
                os.killpg(started.pid, signal.Signals[name])
        sent.append(name)
        time.sleep(float(draw.uniform(0.0, 2.0)))
    return sent


def kill(started: subprocess.Popen[str], folder: Path, draw: np.random.Generator) -> list[str]:
    """Kill the parent, and some of its other processes."""
    others = sorted(set(processes(folder)) - {started.pid})
    victims = [started.pid, *(other for other in others if draw.random() < 0.3)]
    draw.shuffle(victims)
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    return [f"{len(victims)} of {1 + len(others)} killed"]


def start(kind: str, seed: int, latest: float) -> dict[str, Any]:
    """Begin a run, interrupt it, look at what is left, and run it to its end; gives what was seen."""
    draw = np.random.default_rng([seed, len(kind)])
    workers, moment = int(draw.choice([1, 3])), float(draw.uniform(0.0, latest))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "slow.yaml").write_text(STUDY)
        (folder / "own_slow.py").write_text(MODULE)
        with (folder / "printed").open("w") as output:
            started = subprocess.Popen(
                [TUNER, "run", "slow.yaml", "--workers", str(workers), "--grace", str(GRACE)], cwd=folder,
                env=environment(folder), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                text=True, start_new_session=True,
            )  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            started.wait(moment)
        was_over = started.poll() is not None
        sent = interrupt(started, draw) if kind == "signals" else kill(started, folder, draw)
        seconds, said, breaches = gone(started, folder)
        trials = len(states(folder))
        if kind == "signals":
            breaches += after_a_signal(started, folder, said, was_over=was_over)
        elif trials:
            breaches += after_a_kill(folder)
        if seed % EVERY == 0:
            breaches += to_its_end(folder)
    return {
        "seed": seed, "workers": workers, "moment": round(moment, 1), "sent": sent, "was_over": was_over,
        "code": started.returncode, "gone": round(seconds, 1), "trials": trials, "said": said[-200:],
        "breaches": breaches,
    }  # fmt: skip


def gone(started: subprocess.Popen[str], folder: Path) -> tuple[float, str, list[str]]:
    """Wait until a start has ended with all its processes; gives the seconds, what it said, and breaches."""
    began, breaches = time.monotonic(), []
    try:
        started.wait(ALLOWED)
    except subprocess.TimeoutExpired:
        breaches.append(f"it had not ended after {ALLOWED} s")
        os.killpg(started.pid, signal.SIGKILL)
    said = (folder / "printed").read_text()
    while (left := processes(folder)) and time.monotonic() - began < ALLOWED:
        time.sleep(0.2)
    if "Traceback" in (folder / "printed").read_text():
        breaches.append("a traceback")
    return time.monotonic() - began, said, breaches + [f"left: {command}" for command in left.values()]


def after_a_signal(started: subprocess.Popen[str], folder: Path, said: str, *, was_over: bool) -> list[str]:
    """Look at a start that got a signal."""
    breaches = []
    if not was_over and started.returncode not in {130, 0, *BEFORE_PYTHON}:
        breaches.append(f"exit code {started.returncode}")
    if not was_over and started.returncode == INTERRUPTED and not said.strip():
        breaches.append("not a word")
    if (printed := (folder / "printed").read_text()) != said:
        breaches.append(f"printed after its end: {printed[len(said) :]!r}")
    if "RUNNING" in states(folder):
        breaches.append("a trial runs for Optuna")
    return breaches


def after_a_kill(folder: Path) -> list[str]:
    """Let the leases lapse, and hear what the listings say."""
    breaches, runs = [], "RUNNING" in states(folder)
    with closing(sqlite3.connect(folder / "tuner.db")) as database, database:
        database.execute("update tuner_workers set lease = lease - 3600")
    for row in json.loads(tuner(folder, "list", "--json").stdout):
        found = json.loads(tuner(folder, "status", row["name"], "--json").stdout)
        if found["trials"]["running"] or row["trials"]["running"]:
            breaches.append(f"{row['name']} has running trials")
        if found["trials"]["lost"] and runs and not found["left"]:
            breaches.append("nothing says what was left")
    return breaches


def to_its_end(folder: Path) -> list[str]:
    """Run a study to its end, with trials that are quick."""
    ended = tuner(folder, "run", "slow.yaml", "--quiet", PAUSE="0", LOADERS="0")
    status = json.loads(tuner(folder, "status", "slow", "--json").stdout or "{}")
    if ended.returncode or status["spent"]["slots"] != SLOTS or status["trials"]["running"]:
        return [f"not run to its end: {ended.returncode} {ended.stdout[-300:]} {ended.stderr[-300:]}"]
    return []


def main() -> None:
    """Make every start that was not made yet, and print what came of all."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # else what starts this by nohup has every start ignore it
    kind, starts, first, latest = (*sys.argv[1:], *("signals", "60", "0", "60")[len(sys.argv) - 1 :])
    notes = Path(f"interruptions-{kind}.jsonl")
    done = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    for seed in range(int(first), int(first) + int(starts)):
        if seed not in {note["seed"] for note in done}:
            note = start(kind, seed, float(latest))
            done.append(note)
            with notes.open("a") as file:
                file.write(json.dumps(note) + "\n")
            print(json.dumps(note), flush=True)
    broken = [note for note in done if note["breaches"]]
    times = sorted(note["gone"] for note in done)
    print(
        f"{len(done)} starts ({kind}), {sum(note['workers'] > 1 for note in done)} of them with 3 workers, "
        f"{sum(note['was_over'] for note in done)} over before: {len(broken)} with breaches; "
        f"the last process was gone within {times[-1]} s, median {times[len(times) // 2]} s"
    )
    assert not broken, broken


if __name__ == "__main__":
    main()
