"""`tuner dashboard`: the studies of a database in a browser."""

from pathlib import Path

import click

from tuner.commands.options import examples, open_database, storage_option


@click.command(
    epilog=examples(
        "tuner dashboard",
        "tuner dashboard --port 8000 --open",
        "tuner dashboard --host 0.0.0.0 --token-file token",
    )
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen here; any but this machine's own asks for a token, or a proxy that has asked.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    metavar="PORT",
    help="Listen on this port; 0 takes a free one.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Ask for the token in this file; else for the environment's TUNER_DASHBOARD_TOKEN, if it is set.",
)
@click.option(
    "--proxy-header",
    metavar="NAME",
    help="Answer whoever a proxy, which asks who they are, names in this header, such as X-Remote-User.",
)
@click.option(
    "--allowed-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name under which a browser reaches this server, such as that of a proxy; may be repeated.",
)
@click.option(
    "--allow-writes",
    is_flag=True,
    help="Let notes be written and studies be deleted; without it nothing can be changed.",
)
@click.option("--open", "opens", is_flag=True, help="Open it in a browser.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="FOLDER",
    help="Where the studies of this machine have left logs, weights and reports, to show them.",
)
@storage_option
def dashboard(
    host: str,
    port: int,
    token_file: Path | None,
    proxy_header: str | None,
    names: tuple[str, ...],
    allow_writes: bool,
    opens: bool,
    output: Path,
    storage: str | None,
) -> None:
    """Show the studies of the database in a browser.

    Our pages lie under /interplay, optuna-dashboard is everything else. Ctrl-C ends it; no study notices.
    """
    import os

    from studies.database.identity import ledgers
    from studies.database.identity import names as studies_of
    from studies.database.open import storage_url
    from studies.database.schema import create_tables
    from tuner.errors import Refused

    try:
        from tuner.web.access.rules import Access
        from tuner.web.access.tokens import read_token
        from tuner.web.serving import serve
        from tuner.web.site import PREFIX, Site
    except ModuleNotFoundError as error:
        raise Refused(
            f"`tuner dashboard` needs {error.name}; pip install 'interplay-tuner[dashboard]'."
        ) from error
    access = Access(host, read_token(token_file), proxy_header, frozenset(names))
    database = open_database(storage, reading=True)
    if not studies_of(database.engine):
        raise Refused(
            "The database holds no study yet, so there is nothing to show; `tuner run STUDY` makes one, "
            "`--storage URL` names another database."
        )
    if ledgers(database.engine):  # as whoever opens one of them does
        create_tables(database.engine)
    writer = open_database(storage, reading=False) if allow_writes else None
    site = Site(storage_url(storage, os.environ), database, output.absolute(), writer=writer)
    serve(
        site,
        access,
        port,
        say=lambda address: click.echo(
            f"Dashboard: {address}{PREFIX}/ (optuna-dashboard: {address}/); Ctrl-C ends it."
        ),
        opens=opens,
    )
