"""Random trainer sections: a trial is what plain Lightning trains, and a resumed one what an unbroken one is.

    PYTHONPATH=. python -W ignore tests/benchmarks/differential.py --sections 200 --seed 1

A run goes on behind the sections that stand in the results. `--half resumed` interrupts each trial twice at a
random moment.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.tuner.training.both_sides import difference, in_process, left, ours, plain, warm_up_for_sections
from tests.tuner.training.random_sections import Section, draw_section


def compare(section: Section, folder: Path, half: str) -> dict[str, Any]:
    """Train a section on both sides."""
    if half == "plain":
        first = in_process(plain, folder / "plain", section)
        second = in_process(ours, folder / "ours", section)
        folders = folder / "plain", folder / "ours"
    else:
        first = in_process(ours, folder / "whole", section)
        second = {}
        for part in range(3):
            second = in_process(left, folder / f"part-{part}", section, section.seed, part)
            folders = folder / "whole", folder / f"part-{part}"
            if second.get("ending") != "interrupted":
                break
    differs = difference(first, second, folders)
    announced = first.get("announced", [])
    error = second.get("error", "")
    if half == "plain" and error and not first.get("curve"):
        kind = "impossible"  # plain Lightning refuses it too, or logs no metric
    elif half == "resumed" and announced:
        kind = "announced"
    elif half == "plain" and error and "MetricNotLogged" in error:
        kind = "refused"
    else:
        kind = "different" if differs else "refused" if error else "equal"
    return {"kind": kind, "differs": differs, "announced": announced, "error": error}


def main() -> None:
    """Train the sections that are missing, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--half", choices=["plain", "resumed"], default="plain")
    parser.add_argument("--results", type=Path, default=None)
    parser.add_argument(
        "--accelerator", default="cpu", help="what Lightning calls it; auto for a GPU, if any"
    )
    parser.add_argument("--only", type=int, default=None, help="one section, with its folder kept")
    given = parser.parse_args()
    warm_up_for_sections(draw_section(given.seed, 0, given.accelerator))
    if given.only is not None:
        section, folder = (
            draw_section(given.seed, given.only, given.accelerator),
            Path(f"section-{given.only}").absolute(),
        )
        print(json.dumps(section.configuration), section.seed)
        print(compare(section, folder, given.half))
        return
    results = given.results or Path(f"differential-{given.half}-{given.seed}.jsonl")
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    known, began = {line["number"] for line in done}, time.monotonic()
    for number in range(given.sections):
        if number in known:
            continue
        section = draw_section(given.seed, number, given.accelerator)
        with TemporaryDirectory() as folder:
            found = {"number": number, **compare(section, Path(folder), given.half)}
        done.append(found)
        with results.open("a") as file:
            file.write(f"{json.dumps(found)}\n")
        if found["kind"] in {"different", "refused", "impossible"}:
            print(number, found["kind"], found["differs"] or found["error"], flush=True)
    counts = Counter(line["kind"] for line in done)
    print(f"{given.half}, seed {given.seed}: {dict(counts)} of {len(done)}, {time.monotonic() - began:.0f} s")
    sys.exit(counts["different"] > 0)


if __name__ == "__main__":
    main()
