"""What every page of the dashboard is made from: the database, where files lie, and how addresses begin."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.templating import Jinja2Templates

from studies.database.open import Database
from tuner.web.files import Files

_HERE = Path(__file__).parent
PREFIX = "/interplay"  # how the addresses of our pages begin, behind what a proxy has put before them


@dataclass(frozen=True)
class Site:
    """What pages are made from.

    A page is a function of a request that is no coroutine, so that it runs in a thread and its calls of the
    database hold nobody up. It raises what the database and the ledger raise: an unknown study or trial
    becomes a page with status 404, a database that is away one with 503.

    Attributes:
        url: the database's.
        database: opened for reading. Its calls wait for no database that is away while a page is made.
        output: the folder in which each study of this machine has one of its own, with weights and logs.
        writer: the same database opened for writing, where notes may be written and studies deleted. It is
            opened a second time, since with SQLite a reader that may write makes every writer wait.
    """

    url: str
    database: Database
    output: Path = field(default=Path("runs"))
    writer: Database | None = None

    @property
    def allow_writes(self) -> bool:
        """Whether anything may be changed."""
        return self.writer is not None

    @cached_property
    def files(self) -> Files:
        """Give the files of the studies on this machine."""
        return Files(self.output)

    @cached_property
    def templates(self) -> Jinja2Templates:
        """Give the templates: those of `pages/templates`, and ours for logins and errors.

        They escape what they are given, and refuse names that they were not given.
        """
        loader = FileSystemLoader([_HERE / "pages" / "templates", _HERE / "templates"])
        environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        return Jinja2Templates(env=environment)
