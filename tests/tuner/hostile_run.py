"""A worker without a name before a database that a hostile hand has written to, and what it did there."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from studies.database.open import open_database
from studies.definition.study import StudyDefinition
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from tests.tuner.hostile_hand import Bait, definitions, write
from tests.tuner.hostile_texts import NAMES
from tuner.training.configuration.permitted import DOORS

GOOD = {
    "study": {"name": "good", "metric": "val_loss", "trials": 2, "threads": 1, "facts": False},
    "trainer": {"max_epochs": 1},
    "model": {"class_path": "tuner.modules.MLPClassifier", "init_args": {"hidden": [4]}},
    "data": {"class_path": "tuner.data.Digits", "init_args": {}},
    "optimizer": {"class_path": "torch.optim.Adam", "init_args": {}},
    "space": {"data.init_args.batch_size": {"choices": [256, 512]}},
    "sampler": None,
    "pruner": None,
}
# Imports that need no other to explain them: modules that a study may name, and what samplers compute with.
MAY_BE_IMPORTED = (
    *(f"import {door.removesuffix('*')}" for door in DOORS if door.endswith(".*")),
    *("import numpy.", "import scipy."),
)
# Every Python process that is started tells what it imports, runs, changes, and connects to.
WATCH = """
import os, sys
file = os.open(os.environ["CANARY_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
canary = os.environ["CANARY"]
RUNS = {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "shutil.rmtree"}
SCRATCH = tuple(f"{what} {os.environ['CANARY_SCRATCH']}" for what in ("write open", "write os.remove"))
CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink"}

def hear(event, args):
    said = None
    if event == "import":
        said = f"import {args[0]}"
    elif event in RUNS:
        said = f"run {event} {str(args[:2])[:200]}"
    elif event == "socket.connect" and isinstance(args[1], tuple):
        said = f"connect {args[1]}"
    elif event in CHANGES or event == "open":
        path = os.fspath(args[0]) if isinstance(args[0], (str, bytes, os.PathLike)) else ""
        path = path.decode() if isinstance(path, bytes) else path
        path = os.path.abspath(path) if path else ""
        writes = event != "open" or (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR))
        if path.startswith((canary, "/etc/pass")) or "secret." in path or "id_rsa" in path:
            said = f"touch {event} {path}"
        elif writes and not path.startswith(tuple(os.environ["CANARY_MAY"].split(":"))):
            said = f"write {event} {path}"
    if said and "/listener-" not in said and "pymp-" not in said and not said.startswith(SCRATCH):
        os.write(file, (said.replace("\\n", " ") + "\\n").encode("utf-8", "replace"))

sys.addaudithook(hear)
"""


@dataclass(frozen=True)
class Seen:
    """What a worker did: its exit code, what it said, what is suspicious, the slots of the good study."""

    code: int
    said: str
    suspicious: list[str]
    done: int
    passed_over: int


def serve(folder: Path, *, count: int, seed: int, names: int, timeout: float) -> Seen:
    """Serve a good study beside `count` hostile ones, and tell what happened.

    Args:
        folder: an empty one.
        count: of the hostile definitions.
        seed: which of them.
        names: of the studies that could be served but for their names.
        timeout: seconds after which the worker is killed.
    """
    canary, work = folder / "canary", folder / "work"
    for place in (canary, work, folder / "site"):
        place.mkdir()
    (folder / "site" / "sitecustomize.py").write_text(dedent(WATCH))
    for name in ("canary_code.py", "canary_package/__init__.py", "canary_package/inner.py"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text("def run(*args): pass\n\nclass Module: pass\n")
    for place in (canary, work):
        (place / "secret.yaml").write_text("{class_path: canary_code.Module}\n")
        (place / "secret.csv").write_text("x,y\n1,2\n3,4\n")
    base, url = StudyDefinition.from_data(GOOD), f"sqlite:///{folder}/tuner.db"
    database = open_database(url)
    with socket.create_server(("127.0.0.1", 0)) as server:
        bait = Bait(canary, server.getsockname()[1])
        before = _tree(canary), _tree(work)
        good = create(database, base, "")
        code, said, usual = _watched(folder, url, timeout, _doors())
        assert code == 0, said
        assert good.slots.budget().done == good.slots.budget().total, said
        good.slots.grow(4, exploration=0.0)
        for number, (label, definition) in enumerate(definitions(GOOD, bait, count=count, seed=seed)):
            write(database, base, f"{number} {label}"[:500], definition)
        for name in NAMES[:names]:
            write(database, base, name, GOOD | {"study": GOOD["study"] | {"name": name, "trials": 1}})
        code, said, heard = _watched(folder, url, timeout)
        server.settimeout(0.0)
        try:
            server.accept()
            heard.add("connect to the listening socket")
        except BlockingIOError:
            pass
    # A package is imported with what lies in it.
    packages = {f"import {said.removeprefix('import ').rpartition('.')[0]}" for said in usual}
    unusual = heard - usual - packages
    suspicious = sorted(said for said in unusual if not said.startswith(MAY_BE_IMPORTED))
    if before != (_tree(canary), _tree(work, but=frozenset({"runs"}))):
        suspicious.append("files were changed")
    done = open_ledger(open_database(url), "good").slots.budget().done
    return Seen(code, said, suspicious, done, said.count(" passed over"))


def _watched(folder: Path, url: str, timeout: float, before: str = "") -> tuple[int, str, set[str]]:
    words = ["worker", "--no-wait", "--quiet", "--storage", url]
    return _run(folder, f"{before}\nfrom tuner.cli import main\nmain({words!r})", timeout)


def _doors() -> str:
    """Write what imports the modules that may be imported, and makes samplers, with all that they import."""
    # Those of `studies` the worker imports by itself, by a statement, and only statements are heard.
    names = [door.removesuffix(".*") for door in DOORS if not door.startswith("studies.")]
    return dedent(
        f"""
        import contextlib, importlib, encodings.cp437  # what Python loads for a zip file of modules
        for name in {names!r}:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        import optuna
        for name in optuna.samplers.__all__:
            with contextlib.suppress(Exception):
                getattr(optuna.samplers, name)()
        """
    )


def _run(folder: Path, code: str, timeout: float) -> tuple[int, str, set[str]]:
    log, work = folder / "heard", folder / "work"
    log.unlink(missing_ok=True)
    scratch = tempfile.mkdtemp()  # not below `folder`: the address of a socket has at most 108 characters
    may = [*(str(folder / name) for name in ("work/runs", "tuner.db", "heard")), scratch]
    environment = os.environ | {
        "PYTHONPATH": str(folder / "site"),
        "CANARY": str(folder / "canary"),
        "CANARY_LOG": str(log),
        "CANARY_SCRATCH": scratch,
        "TMPDIR": scratch,
        "CANARY_MAY": ":".join([*may, "/dev/", "/proc/"]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=work, env=environment, timeout=timeout, text=True,
        capture_output=True, check=False, stdin=subprocess.DEVNULL, errors="replace",
    )  # fmt: skip
    shutil.rmtree(scratch)
    heard = set(log.read_text(errors="replace").splitlines())
    return ended.returncode, ended.stdout + ended.stderr, heard


def _tree(folder: Path, but: frozenset[str] = frozenset()) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = [path for path in files if path.relative_to(folder).parts[0] not in but]
    return json.dumps([(str(path), path.read_text(errors="replace")) for path in kept])
