"""Hostile requests to `tuner dashboard`: nothing is changed, nothing is leaked, none is answered with 500.

    python -m tests.benchmarks.dashboard_hostile [COUNT] [SEED]

Half of the requests show the token. It prints how often each status came, and what is wrong.
"""

import random
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path

from search_spaces.space.nodes import Categorical, Float, Group
from studies.database.open import open_database
from studies.ledger.making import create
from tests.studies.lives import answer
from tests.studies.samples import sample_definition
from tests.tuner.web.hostile import SCRIPT, hostile_requests, wrong_in
from tests.tuner.web.served import served
from tuner.web.access.rules import Access
from tuner.web.access.tokens import Token

COUNT = 500
SECRET = "correct-horse-battery"  # noqa: S105 - of this benchmark
NAMES = Group({SCRIPT: Float(0.0, 1.0), "model.init_args.name": Categorical((SCRIPT, "plain"))})


def main() -> None:
    """Ask, and exit with 1 where an answer is wrong."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**31)  # noqa: S311 - no secret
    statuses: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tuner.db"
        database = open_database(f"sqlite:///{file}")
        answer(create(database, sample_definition(space=NAMES, trials=3), ""), [0.5, 0.25])
        database.engine.dispose()
        before = dump(file)
        with served(f"sqlite:///{file}", access=Access(token=Token(SECRET))) as server:
            for hostile in hostile_requests(count, seed, SECRET):
                told = server.raw(hostile.request)
                statuses[told.split(b" ")[1].decode() if told else "none"] += 1
                if found := wrong_in(hostile, told, [SECRET, "root:x"]):
                    wrong += 1
                    print(f"{'; '.join(found)}: {hostile.request[:300]!r}")
            is_alive = server.ask("/readyz").status == 200
        is_same = dump(file) == before
    print(f"seed {seed}: {count} requests, {wrong} wrong answers, statuses {dict(sorted(statuses.items()))}")
    print("the database is as it was" if is_same else "the database was changed")
    print("the server answers" if is_alive else "the server answers no more")
    sys.exit(bool(wrong) or not is_same or not is_alive)


def dump(file: Path) -> list[str]:
    """Give everything that a SQLite file holds."""
    with sqlite3.connect(file) as connection:
        return list(connection.iterdump())


if __name__ == "__main__":
    main()
