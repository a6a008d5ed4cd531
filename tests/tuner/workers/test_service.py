"""`tuner create`, `worker` and `stop`: studies that any worker can join, serve and be asked to leave."""

import json
import threading
from importlib import metadata
from typing import NoReturn

import numpy as np
import pytest

from studies.database.identity import DEFINITION, names
from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from tests.tuner.command_line import CommandLine
from tests.tuner.neighbours import NEIGHBOURS
from tests.tuner.training.probes import IN_MEMORY
from tuner.training.configuration.permit import Permit
from tuner.workers.code import named as code
from tuner.workers.service import Service

pytestmark = IN_MEMORY

STUDY = """
study: {name: small, metric: val_loss, trials: 2}
trainer: {max_epochs: 1}
model: {class_path: tuner.modules.MLPClassifier, init_args: {hidden: [4]}}
data: {class_path: tuner.data.Digits}
optimizer: {class_path: torch.optim.Adam}
space: {add: {data.init_args.batch_size: {choices: [256, 512]}}}
"""
OWN = """
from tuner.modules.perceptron import MLPClassifier


class Own(MLPClassifier):
    pass
"""


@pytest.fixture
def service(tuner: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line in a folder with a small study file, and a module of the user's."""
    tuner.write("small.yaml", STUDY)
    tuner.write("own_code.py", OWN)
    return tuner


def done(name: str) -> int:
    """Count the spent slots of a study of the default database."""
    return open_ledger(open_database("sqlite:///tuner.db"), name).slots.budget().done


def test_a_created_study_is_worked_on_by_whoever_joins(service: CommandLine) -> None:
    """`create` makes the study, trains nothing of it, and says how to join; `worker` spends its budget."""
    answer = service("create small.yaml --json")
    assert json.loads(answer.out) == {
        "name": "small",
        "slots": 2,
        "spent": {"slots": 0},
        "worker": "tuner worker small",
    }
    assert done("small") == 0
    answer = service("worker small")
    assert (answer.code, done("small")) == (0, 2)
    assert answer.out.splitlines()[-1] == "small: 2 of 2 slots are spent; all its 2 slots are spent."
    assert service("worker other").code == 2


def test_a_worker_without_a_name_serves_by_priority(service: CommandLine) -> None:
    """Every open study is served, that of the highest priority first; one that is stopped is not."""
    for name, priority in (("low", 0), ("high", 5), ("closed", 9)):
        assert service(f"create small.yaml --name {name} --set study.priority={priority}").code == 0
    assert service("stop closed").code == 0
    answer = service("worker --no-wait")
    assert answer.code == 0
    assert [line for line in answer.err.splitlines() if line.startswith("serving")] == [
        "serving high",
        "serving low",
    ]
    assert [done(name) for name in ("low", "high", "closed")] == [2, 2, 0]
    listed = {row["name"]: row for row in json.loads(service("list --json").out)}
    assert (listed["closed"]["stopped"], listed["closed"]["priority"]) == ("drain", 9)


def test_a_service_imports_only_what_its_owner_allowed(
    service: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that names other code is passed over with a warning, until its package is allowed."""
    assert service("create small.yaml --set model.class_path=own_code.Own").code == 0
    answer = service("worker --no-wait")
    assert answer.err == (
        "small is passed over: it names own_code.Own, which this worker may not import; "
        "allow it by --allow own_code, or TUNER_ALLOW.\n"
    )
    assert done("small") == 0
    monkeypatch.setenv("TUNER_ALLOW", "others, own_code")
    assert service("worker --no-wait").code == 0
    assert done("small") == 2


def test_a_worker_with_other_code_is_refused(service: CommandLine) -> None:
    """Where a module is not what it was, a worker says so and leaves, unless it is told to go on."""
    assert service("create small.yaml --set model.class_path=own_code.Own").code == 0
    service.write("own_code.py", OWN + "    pass\n")
    answer = service("worker small")
    assert answer.code == 2
    assert answer.sentence == (
        "The study 'small' cannot be worked on here: own_code is not here what it was where the study was "
        "made, so scores would not compare; bring the same code, or say --any-code."
    )
    assert service("worker small --any-code").code == 0
    assert done("small") == 2


def test_a_worker_of_another_version_is_refused(
    service: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose torch, or whose tuner, is not the one that made the study leaves it alone."""
    assert service("create small.yaml").code == 0
    monkeypatch.setattr(code, "version", lambda name: "0" if name == "torch" else metadata.version(name))
    answer = service("worker small")
    assert answer.code == 2
    assert "cannot be worked on here: torch is not here what it was" in answer.sentence
    assert done("small") == 0


def test_a_stopped_study_takes_no_trial_until_it_is_opened(service: CommandLine) -> None:
    """After `stop` no slot is claimed, which every listing says; `create` opens the study again."""
    assert service("create small.yaml").code == 0
    answer = service("stop small --json")
    assert json.loads(answer.out) == {"name": "small", "stopped": "drain", "trials": {"running": 0}}
    assert service("worker small").out == "small: 0 of 2 slots are spent; it was stopped.\n"
    assert "it takes no new trial: it was stopped" in service("status small").out
    assert json.loads(service("status small --json").out)["stopped"] == "drain"
    assert service("create small").code == 0
    assert json.loads(service("status small --json").out)["stopped"] is None
    assert service("stop other").code == 2


def test_a_limit_of_epochs_ends_a_study(service: CommandLine) -> None:
    """Once its epochs are spent no slot is claimed, and it is said why; a raised limit goes on."""
    assert service("run small.yaml --quiet --set study.trials=9 --set study.epochs=2").code == 0
    assert done("small") == 2
    assert (
        "2 of 2 epochs are spent\nit takes no new trial: its 2 epochs are spent"
        in service("status small").out
    )
    answer = service("run small.yaml --quiet --set study.trials=9 --set study.epochs=3")
    assert done("small") == 3
    assert "It takes no new trial: its 3 epochs are spent." in answer.out


def test_no_neighbour_disturbs_a_sound_study(service: CommandLine) -> None:
    """Copies, damage, other versions, other programs: the sound study is served, the others are told of."""
    assert service("create small.yaml --name sound").code == 0
    database, draw = open_database("sqlite:///tuner.db"), np.random.default_rng(0)
    for make in NEIGHBOURS:
        make(database, draw)
    assert service("worker --no-wait --quiet").code == 0
    assert done("sound") == 2
    there = list(names(database.engine).values())
    assert {row["name"] for row in json.loads(service("list --json").out)} == set(there)
    assert service("list").code == 0
    for name in there:
        answer = service(f"status {name}")
        assert answer.code == 0 or answer.sentence
    for name in set(there) - {"sound"}:
        assert service(f"delete {name} --yes").code == 0
    assert done("sound") == 2
    database.engine.dispose()


def test_a_study_that_gave_trouble_rests_for_longer_each_time(service: CommandLine) -> None:
    """A study that cannot be worked on is looked at again after twice as long, and told, each time."""
    assert service("create small.yaml").code == 0
    database, now, said = open_database("sqlite:///tuner.db"), [0.0], list[str]()
    open_ledger(database, "small").study.set_user_attr(DEFINITION, {"invented": 1})

    def unmade(ledger: Ledger) -> NoReturn:
        raise AssertionError(ledger)

    served = Service(
        database, threading.Event(), lambda: False, Permit(), any_code=False, make=unmade, say=said.append,
        clock=lambda: now[0],
    )  # fmt: skip
    for now[0] in range(0, 400, 10):
        assert served.serve(wait=False) == 0
    rests = [sentence.partition(": ")[0] for sentence in said]
    assert rests == [f"small is passed over for {seconds} s" for seconds in (60, 120, 240)]
    assert "is damaged: invented is not known" in said[0]
    database.engine.dispose()
