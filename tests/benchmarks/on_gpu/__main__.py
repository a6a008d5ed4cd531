"""Promises of trainings on a GPU, one line each; a run goes on with those that were not kept or not reached.

    python -W ignore -m tests.benchmarks.on_gpu --results on_gpu.jsonl

It takes a machine with an NVIDIA GPU, and some minutes. `--accelerator cpu` tries the script out without one:
what asks for CUDA itself fails there.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.on_gpu import exactness, leases, trouble
from tests.benchmarks.on_gpu.place import ROOT, Place, Promise

_groups: set[int] = set()  # of the processes that check a promise just now
PROMISES = {promise.name: promise for part in (trouble, leases, exactness) for promise in part.PROMISES}


def check(promise: Promise, accelerator: str) -> int:
    """Check one promise in this process, and print what came of it as JSON."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = folder  # no lease is shared with another promise
        try:
            found = {"kept": True, "remark": promise.check(Place(Path(folder), accelerator))}
        except BaseException as error:  # noqa: BLE001 - whatever is wrong is told
            trace = "" if isinstance(error, AssertionError) else traceback.format_exc()[-2500:]
            found = {"kept": False, "remark": f"{type(error).__name__}: {error} {trace}"}
        print(json.dumps(found), flush=True)
        os.chdir("/")
    return not found["kept"]


def apart(promise: Promise, accelerator: str) -> dict[str, object]:
    """Check one in processes of its own, which are ended when its time is over."""
    words = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.on_gpu", "--one", promise.name]
    began = time.monotonic()
    process = subprocess.Popen(
        [*words, "--accelerator", accelerator],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    _groups.add(process.pid)
    try:
        out, err = process.communicate(timeout=promise.seconds)
        told = json.loads(out.splitlines()[-1]) if out.strip() else {"kept": False, "remark": err[-1500:]}
    except subprocess.TimeoutExpired:
        told = {"kept": False, "remark": f"not over after {promise.seconds:.0f} s"}
    _end(process.pid)
    return {"name": promise.name, "says": promise.says, "seconds": round(time.monotonic() - began, 1), **told}


def _end(group: int) -> None:
    """End what is left of a check."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    _groups.discard(group)


def _leave(number: int, frame: object) -> None:
    """End every check, and this process."""
    for group in tuple(_groups):
        _end(group)
    os._exit(128 + number)


def main() -> None:
    """Check the promises that no line of the results says were kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accelerator", default="gpu")
    parser.add_argument("--results", type=Path, default=Path("on_gpu.jsonl"))
    parser.add_argument("--together", type=int, default=5, help="promises that are checked at a time")
    parser.add_argument("--only", default="", help="promises whose names begin so, with commas")
    parser.add_argument("--one", default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        sys.exit(check(PROMISES[given.one], given.accelerator))
    lines = given.results.read_text().splitlines() if given.results.exists() else []
    kept = {line["name"] for line in map(json.loads, lines) if line["kept"]}
    order = {name: promise for start in given.only.split(",") for name, promise in PROMISES.items()
             if name.startswith(start) and name not in kept}  # fmt: skip
    chosen = list(order.values())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    broken, lock = [], threading.Lock()

    def run(promise: Promise) -> None:
        told = apart(promise, given.accelerator)
        with lock:
            mark = "PASS" if told["kept"] else "FAIL"
            print(f"{mark} {promise.name}: {promise.says}; {told['seconds']} s; {told['remark']}", flush=True)
            with given.results.open("a") as file:
                file.write(f"{json.dumps(told)}\n")
            if not told["kept"]:
                broken.append(promise.name)

    for promise in [promise for promise in chosen if promise.alone]:
        run(promise)
    with ThreadPoolExecutor(given.together) as pool:
        list(pool.map(run, [promise for promise in chosen if not promise.alone]))
    names = ", ".join(broken) or "none"
    print(f"{len(chosen) - len(broken)} of {len(chosen)} promises are kept; broken: {names}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
