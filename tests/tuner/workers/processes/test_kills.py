"""What is killed beside a training costs an attempt and no score; what it prints costs no disk."""

from pathlib import Path

import pytest

from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.killing_modules import (
    KILLED,
    KillsEveryLoader,
    KillsItsForkServer,
    KillsOneLoader,
    Loaded,
    Printing,
)
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger, work
from tuner.workers.processes.bounded_log import KEPT, LONGEST, free_middle

pytestmark = IN_MEMORY


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    """Give the curve of a trial beside which nothing is killed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("undisturbed")
        patch.chdir(folder)
        ledger = make_ledger(folder, Loaded, epochs=3, trials=1)
        work(ledger, folder)
        return ledger.trial(0).intermediate_values


@pytest.mark.usefixtures("checkpoint_each_epoch")
@pytest.mark.parametrize("module", [KillsOneLoader, KillsEveryLoader, KillsItsForkServer])
def test_a_process_that_is_killed_beside_a_training_costs_an_attempt(
    tmp_path: Path, undisturbed: dict[int, float], module: type
) -> None:
    """A killed loader, all loaders or the fork server: the next attempt ends with the undisturbed curve."""
    ledger = make_ledger(tmp_path, module, epochs=3, trials=1)
    work(ledger, tmp_path)
    assert KILLED.exists()
    lost, again = ledger.trials()
    assert (outcome_of(lost), outcome_of(again)) == (Outcome.LOST, Outcome.COMPLETED)
    assert "killed" in lost.user_attrs["cause"].lower()
    assert again.intermediate_values == undisturbed
    assert ledger.slots.budget().done == 1


def test_a_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    """A training that prints more than a log may have is scored as one that is silent; the log says so."""
    ledger = make_ledger(tmp_path, Printing, trials=1)
    work(ledger, tmp_path)
    text = (tmp_path / "logs/trial-0.log").read_bytes()
    assert len(text) <= LONGEST
    lines = text.splitlines()
    numbers = [int(line[:9]) for line in lines if line.endswith(b"x")]
    assert (numbers[0], numbers[-1], lines[-1]) == (0, 29_999, b"the end")
    assert numbers == sorted(numbers)
    assert sum(b"bytes are left out: a log of more than" in line for line in lines) == 1
    (tmp_path / "silent").mkdir()
    silent = make_ledger(tmp_path / "silent", Small, trials=1)
    work(silent, tmp_path / "silent")
    scores = [found.trial(0).intermediate_values for found in (ledger, silent)]
    assert scores[0] == scores[1]


def test_the_middle_of_a_long_log_takes_no_disk_while_the_training_prints(tmp_path: Path) -> None:
    """Its blocks are given back, and what is printed at that moment stays where it is."""
    log = tmp_path / "trial-0.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 3 * LONGEST)
        free_middle(log)
        writer.write(b"the end")
    status = log.stat()
    assert status.st_size == 3 * LONGEST + 7
    assert status.st_blocks * 512 < 2 * KEPT + 1_000_000
    content = log.read_bytes()
    assert content[: KEPT - 1].count(b"x") == KEPT - 1
    assert content.endswith(b"x" * (KEPT - 5000) + b"the end")
