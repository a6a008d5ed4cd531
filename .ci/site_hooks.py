"""Hooks of mkdocs: pages at the top of the repository are shown, and links to its other files are names."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
ALSO = {"docs/README.md": "index.md"}  # the list of documents, which a site has at its side
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages at the top of the repository."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_linked(text, ROOT)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links that leave the documents arrive."""
    is_ours = page.file.src_uri in PAGES.values()
    return markdown if is_ours else _linked(markdown, ROOT / "docs")


def _linked(text: str, folder: Path) -> str:
    """Have each link name a page of the site, or else be the name of a file of the repository."""

    def arrive(found: re.Match[str]) -> str:
        picture, shown, target, place = found[1], found[2], found[3], found[4] or ""
        path = (folder / target).resolve().relative_to(ROOT).as_posix()
        page = (PAGES | ALSO).get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if page is not None:
            return f"{picture}[{shown}]({page}{place})"
        return f"{shown} (`{path}`)"

    return _LINK.sub(arrive, text)
