"""The documents as a site: built without a network, every link arrives, nothing is asked of another host."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]


def test_the_site_builds_and_no_link_is_dead(tmp_path: Path) -> None:
    """Strictly, so that a page outside of the menu is told; what a page loads lies beside it."""
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--quiet"]
    built = subprocess.run(
        [*command, "--config-file", str(ROOT / ".ci/mkdocs.yml"), "--site-dir", str(tmp_path)],
        env={
            "NO_MKDOCS_2_WARNING": "1",
            "PATH": "/usr/bin:/bin",
            "no_proxy": "*",
            "https_proxy": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = {page.name: page.read_text(encoding="utf-8") for page in tmp_path.glob("*.html")}
    assert len(pages) >= 12
    dead = []
    for name, text in pages.items():
        for kind, target in re.findall(r'\s(href|src)="([^"]+)"', text):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                assert kind == "href", (name, target)
                continue
            path = (
                tmp_path / unquote(parts.path.lstrip("/")) if parts.path not in {"", "."} else tmp_path / name
            )
            whole = path / "index.html" if path.is_dir() else path
            if not whole.exists() or (
                parts.fragment
                and whole.suffix == ".html"
                and f'id="{parts.fragment}"' not in whole.read_text()
            ):
                dead.append((name, target))
    assert dead == []
