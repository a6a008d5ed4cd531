"""The contract of slots: each is claimed by one worker at a time and spent once, on every database."""

import os
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
import sqlalchemy

from studies.database import schema
from studies.database.open import Database
from studies.database.schema import slots
from studies.ledger.budgets import AHEAD, Budget
from studies.ledger.control import waiting
from studies.ledger.fleet.workers import FORGOTTEN, LEASE, LONGEST, worker_name
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from studies.ledger.slot import Slot
from studies.ledger.slots import Slots
from tests.contracts.processes import claim_all, run_at_once
from tests.studies.samples import sample_definition

LAPSED = -1.0  # seconds: a lease that has run out as soon as it is given


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study of four slots."""
    return create(database, sample_definition(trials=4, exploration=0.5), "source")


@pytest.fixture
def dying(ledger: Ledger) -> Slots:
    """Give the same slots as a worker has them that dies as soon as it has claimed one."""
    return Slots(ledger.database.engine, ledger.identifier, ledger.slots.ledger, lease=LAPSED)


def test_two_workers_never_claim_one_slot(url: str, database: Database) -> None:
    """Processes that claim at once get slots that are all different, and together all of them."""
    ledger = create(database, sample_definition(trials=18), "source")
    claimed = run_at_once(3, claim_all, url, ledger.name)
    assert sorted(number for share in claimed for number in share) == list(range(18))


def test_threads_never_claim_one_slot(ledger: Ledger) -> None:
    """Threads that claim at once get different slots."""
    ledger.slots.grow(24, 0.5)
    with ThreadPoolExecutor(4) as threads:
        claimed = list(threads.map(lambda _: ledger.slots.claim("worker"), range(24)))
    assert sorted(slot.number for slot in claimed if slot is not None) == list(range(24))
    assert ledger.slots.claim("worker") is None


def test_slots_are_claimed_in_their_order(ledger: Ledger) -> None:
    """The first open slot comes first, and the first attempt is number one."""
    slots = [ledger.slots.claim("worker") for _ in range(4)]
    assert [(slot.number, slot.attempt, slot.draw, slot.trial, slot.lapsed) for slot in slots if slot] == [
        (number, 1, 0, None, False) for number in range(4)
    ]


def test_the_front_share_of_slots_explores(database: Database) -> None:
    """A share of the slots, those in front, explores; the first, the defaults, always does."""
    for exploration, expected in ((0.5, [True, True, False, False]), (0.0, [True, False, False, False])):
        slots = create(database, sample_definition(trials=4, exploration=exploration), "").slots
        claimed = [slots.claim("worker") for _ in range(4)]
        assert [slot.explore for slot in claimed if slot] == expected


def test_a_held_slot_is_not_claimed_again(ledger: Ledger) -> None:
    """While every slot is held or spent, there is nothing to claim."""
    held = [ledger.slots.claim("worker") for _ in range(4)]
    assert held[0] is not None
    assert ledger.slots.finish(held[0])
    assert ledger.slots.claim("another") is None


def test_a_lapsed_lease_is_claimed_again(ledger: Ledger, dying: Slots) -> None:
    """The slot of a worker that stopped renewing goes to the next one, as the next attempt."""
    dead = dying.claim("dead")
    alive = ledger.slots.claim("alive")
    assert dead is not None
    assert alive is not None
    assert (alive.number, alive.attempt, alive.lapsed) == (dead.number, dead.attempt + 1, True)


def test_a_renewed_lease_holds(ledger: Ledger, dying: Slots) -> None:
    """A renewed slot is not claimed by another, though its first lease has run out."""
    slot = dying.claim("slow")
    assert slot is not None
    assert ledger.slots.renew(slot).is_held
    other = ledger.slots.claim("other")
    assert other is not None
    assert other.number != slot.number


def assigned(ledger: Ledger, slot: Slot, trial: int) -> bool:
    """Note a trial in a slot."""
    with ledger.database.engine.begin() as connection:
        return ledger.slots.assign_within(connection, slot, trial)


def test_a_lost_claim_changes_nothing(ledger: Ledger, dying: Slots) -> None:
    """Whoever lost its slot to another cannot assign, renew, finish or free it, and the other keeps it."""
    lost = dying.claim("slow")
    held = ledger.slots.claim("new")
    assert lost is not None
    assert held is not None
    assert not assigned(ledger, lost, 7)
    assert not ledger.slots.renew(lost).is_held
    assert not ledger.slots.finish(lost)
    assert not ledger.slots.free(lost, fresh=True)
    assert ledger.slots.budget() == Budget(open=3, claimed=1, done=0)
    assert ledger.slots.free(held, fresh=False)
    again = ledger.slots.claim("new")
    assert again is not None
    assert (again.number, again.draw, again.trial) == (lost.number, 0, None)


def test_a_spent_slot_stays_spent(ledger: Ledger) -> None:
    """A slot is finished once, and then neither freed nor claimed."""
    slot = ledger.slots.claim("worker")
    assert slot is not None
    assert ledger.slots.finish(slot)
    assert not ledger.slots.finish(slot)
    assert not ledger.slots.free(slot, fresh=False)
    assert ledger.slots.budget() == Budget(open=3, claimed=0, done=1)


def test_a_freed_slot_keeps_its_trial_and_a_fresh_one_forgets_it(ledger: Ledger) -> None:
    """A freed slot remembers the trial to take up; one freed for a fresh suggestion counts one more draw."""
    slot = ledger.slots.claim("worker")
    assert slot is not None
    assert assigned(ledger, slot, 5)
    assert ledger.slots.free(slot, fresh=False)
    same = ledger.slots.claim("worker")
    assert same is not None
    assert (same.number, same.attempt, same.draw, same.trial) == (0, 2, 0, 5)
    assert ledger.slots.free(same, fresh=True)
    fresh = ledger.slots.claim("worker")
    assert fresh is not None
    assert (fresh.number, fresh.attempt, fresh.draw, fresh.trial) == (0, 3, 1, None)


def test_the_clock_of_the_database_counts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease holds on a machine whose own clock is a century ahead."""
    held = ledger.slots.claim("worker")
    assert held is not None
    monkeypatch.setattr("time.time", lambda: 4.9e9)
    other = ledger.slots.claim("worker")
    assert other is not None
    assert other.number != held.number


def test_growing_adds_and_never_removes(ledger: Ledger) -> None:
    """More trials add open slots, of which a share explores; fewer or as many change nothing."""
    first = ledger.slots.claim("worker")
    assert first is not None
    assert ledger.slots.finish(first)
    for total in (8, 8, 2):
        ledger.slots.grow(total, 0.5)
        assert ledger.slots.budget() == Budget(open=7, claimed=0, done=1)
    claimed = [ledger.slots.claim("worker") for _ in range(7)]
    assert [slot.explore for slot in claimed if slot] == [True, False, False, True, True, False, False]


def test_growing_at_once_reaches_the_largest(ledger: Ledger) -> None:
    """Of several budgets raised at once the largest is reached, and no slot is there twice."""
    totals = [10, 40, 20, 30, 40, 15]
    with ThreadPoolExecutor(len(totals)) as threads:
        list(threads.map(lambda total: ledger.slots.grow(total, 0.25), totals))
    assert ledger.slots.budget() == Budget(open=40, claimed=0, done=0)


def test_a_vast_budget_costs_no_more_than_a_small_one(database: Database) -> None:
    """The rows of slots are made as they are claimed; counts, exploration and raises know all of them."""
    vast = 10**10
    ledger = create(database, sample_definition(trials=3, exploration=0.4), "")
    ledger.slots.grow(vast, 0.25)
    claimed = [ledger.slots.claim("worker") for _ in range(AHEAD + 7)]
    assert [slot.number for slot in claimed if slot] == list(range(AHEAD + 7))
    assert [slot.explore for slot in claimed if slot] == [True, False, False] + [True] * (AHEAD + 4)
    assert ledger.slots.budget() == Budget(open=vast - AHEAD - 7, claimed=AHEAD + 7, done=0)
    with database.engine.connect() as connection:
        rows = sqlalchemy.select(sqlalchemy.func.count()).where(slots.c.ledger == ledger.slots.ledger)
        assert connection.scalar(rows) <= 2 * AHEAD + 7
    ledger.slots.delete()
    assert ledger.slots.budget().total == 0


def test_a_study_whose_slots_have_no_rows_yet_waits_for_workers(database: Database) -> None:
    """A worker of every study finds one whose rows of slots are all done, as long as its budget is not."""
    ledger = create(database, sample_definition(trials=AHEAD + 1), "")
    other = create(database, sample_definition(trials=1), "")
    for _ in range(AHEAD):
        slot = ledger.slots.claim("worker")
        assert slot is not None
        assert ledger.slots.finish(slot)
    only = other.slots.claim("worker")
    assert only is not None
    assert other.slots.finish(only)
    untouched = create(database, sample_definition(trials=1), "")
    found = waiting(database.engine)
    assert {ledger.slots.ledger, untouched.slots.ledger} <= set(found)
    assert other.slots.ledger not in found


def test_a_claimer_that_stands_still_blocks_nobody(ledger: Ledger) -> None:
    """While a process is held up inside its claim, others claim the other slots at once."""
    if ledger.database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time; the others wait for it")
    first = ledger.slots.claim("worker")
    assert first is not None
    assert ledger.slots.free(first, fresh=False)
    frozen = sqlalchemy.select(slots.c.slot).where(slots.c.ledger == ledger.slots.ledger, slots.c.slot == 0)
    with ledger.database.engine.begin() as connection:
        assert connection.scalar(frozen.with_for_update()) == 0
        others = [ledger.slots.claim("worker") for _ in range(4)]
        assert [slot.number for slot in others if slot] == [1, 2, 3]
    again = ledger.slots.claim("worker")
    assert again is not None
    assert again.number == 0


def test_a_worker_that_is_gone_frees_all_its_slots(ledger: Ledger, database: Database) -> None:
    """A lease belongs to a worker: with it all slots of the worker are held, in every study, and lapse."""
    other = create(database, sample_definition(trials=2), "")
    name = worker_name(1)
    held = [ledger.slots.claim(name), ledger.slots.claim(name), other.slots.claim(name)]
    known = {record.identifier: record for record in ledger.slots.workers.listed()}[name]
    of = {ledger.slots.ledger: (0, 1), other.slots.ledger: (0,)}
    assert known.slots == tuple(sorted((study, number) for study in of for number in of[study]))
    assert 0.0 < known.left <= LEASE
    assert known.process == os.getpid()
    ledger.slots.workers.leave(name)
    assert name not in {record.identifier for record in ledger.slots.workers.listed()}
    again = [ledger.slots.claim("next"), ledger.slots.claim("next"), other.slots.claim("next")]
    assert [(slot.number, slot.attempt) for slot in again if slot] == [(0, 2), (1, 2), (0, 2)]
    assert not any(ledger.slots.renew(slot).is_held for slot in held[:2] if slot)


def test_a_worker_that_went_away_long_ago_is_forgotten(ledger: Ledger) -> None:
    """Whoever leaves has the table forget those that have been silent for a week and hold nothing."""
    listed = ledger.slots.workers
    for name, lease in {"holds": 60.0, "gone": -FORGOTTEN - 60.0, "silent": 3600.0 - FORGOTTEN}.items():
        listed.renew(name, lease)
    assert ledger.slots.claim("holds") is not None
    listed.renew("holds", -FORGOTTEN - 60.0)
    listed.leave("another")
    assert {record.identifier for record in listed.listed()} >= {"holds", "silent"}
    assert "gone" not in {record.identifier for record in listed.listed()}
    listed.leave("holds")
    listed.leave("silent")


def test_slots_of_two_studies_do_not_mix(ledger: Ledger, database: Database) -> None:
    """What is claimed and spent in one study is open in another."""
    other = create(database, sample_definition(trials=2), "source")
    slot = ledger.slots.claim("worker")
    assert slot is not None
    assert not other.slots.finish(slot)
    assert other.slots.budget() == Budget(open=2, claimed=0, done=0)


def test_slots_of_a_recreated_study_are_new(ledger: Ledger, database: Database) -> None:
    """A study deleted by other means and made again has all its slots; nobody claims its old ones."""
    while (slot := ledger.slots.claim("worker")) is not None:
        ledger.slots.finish(slot)
    ledger.slots.grow(5, 0.0)
    optuna.delete_study(study_name=ledger.name, storage=database.storage)
    again = create(database, ledger.definition, "source")
    assert again.slots.budget() == Budget(open=4, claimed=0, done=0)
    assert ledger.slots.claim("worker of the old study") is None
    assert open_ledger(database, ledger.name).slots.ledger == again.slots.ledger


def test_waiting_workers_look_no_more_often_the_more_they_are(ledger: Ledger) -> None:
    """A few workers look for a slot as often as they like; a thousand together a hundred times a second."""
    workers = ledger.slots.workers
    assert workers.pause(0.1) == pytest.approx(0.1, abs=0.3)  # other tests have left a few
    row = {"host": "a", "process": 1, "started": 0.0, "lease": 4e9}
    many = [{"worker": f"{ledger.slots.ledger}-{number}", **row} for number in range(1000)]
    with ledger.database.engine.begin() as connection:
        connection.execute(sqlalchemy.insert(schema.workers), many)
    assert workers.pause(0.1) == LONGEST
    with ledger.database.engine.begin() as connection:
        connection.execute(sqlalchemy.delete(schema.workers).where(schema.workers.c.lease == 4e9))


def test_no_claim_fails_because_another_has_made_the_rows(ledger: Ledger) -> None:
    """Of workers that all find no row left, one makes the next, and each has one of them."""
    ledger.slots.grow(AHEAD + 40, 0.0)
    with ThreadPoolExecutor(12) as threads:
        claimed = list(threads.map(lambda _: ledger.slots.claim("worker"), range(AHEAD + 40)))
    assert sorted(slot.number for slot in claimed if slot is not None) == list(range(AHEAD + 40))
