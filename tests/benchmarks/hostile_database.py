"""A worker without a name before 400 hostile definitions: nothing but the good study is trained or touched.

Every Python process of the worker tells by an audit hook what it imports, runs, changes and connects to; that
is compared with what a good study alone makes it do. The arguments are how many definitions, and a seed.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.tuner.hostile_run import serve
from tests.tuner.hostile_texts import NAMES

if __name__ == "__main__":
    count, seed = map(int, sys.argv[1:] or (400, 1))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        seen = serve(Path(folder), count=count, seed=seed, names=len(NAMES), timeout=7200)
    print(*seen.suspicious, sep="\n")
    print(
        f"{count} definitions and {len(NAMES)} names, seed {seed}: {len(seen.suspicious)} suspicious acts, "
    )
    print(f"{seen.passed_over} times passed over, {seen.done} of 4 good slots, exit code {seen.code}")
    print(f"{time.monotonic() - began:.0f} s")
    assert not seen.suspicious
    assert (seen.code, seen.done) == (0, 4), seen.said
