"""Measurements that go on where they were: a JSON line for each in a file, none made twice."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def kept(
    path: Path,
    keys: tuple[str, str],
    wanted: Iterable[tuple[Any, Any]],
    measure: Callable[[Any, Any], Record],
) -> list[Record]:
    """Measure what a file lacks, and give all that it then holds.

    Args:
        path: of the file.
        keys: the two that tell one record from the others.
        wanted: the values of these keys.
        measure: gives the record of a pair of them.
    """
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {tuple(record[key] for key in keys) for record in records}
    with path.open("a") as file:
        for pair in wanted:
            if pair not in known:
                records.append(measure(*pair))
                file.write(json.dumps(records[-1], default=float) + "\n")
                file.flush()
    return records
