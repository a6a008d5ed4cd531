"""`tuner init`: a commented study file for a user's own module."""

import shlex
from pathlib import Path

import click

from tuner.commands.options import examples


@click.command(
    epilog=examples(
        "tuner init --model tuner.modules.MLPClassifier --data tuner.data.Digits",
        "tuner init --model my_package.MyModule --data my_package.MyData --output my_study.yaml",
        "tuner init --config config.yaml --cli my_cli.MyCLI",
    )
)
@click.option("--model", metavar="PATH", help="Your LightningModule, or a function that makes one.")
@click.option("--data", metavar="PATH", help="Your LightningDataModule, if the module has no loaders.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A configuration of LightningCLI, whose values become the first trial.",
)
@click.option("--cli", "own_cli", metavar="PATH", help="Your subclass of LightningCLI, for its links.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write into FILE, which must not exist yet, and not to standard output.",
)
def init(
    model: str | None, data: str | None, config: Path | None, own_cli: str | None, output: Path | None
) -> int:
    """Write a study file for your own module.

    Arguments whose names tell what they are (lr, weight_decay, dropout, hidden_dim, batch_size, ...) get
    ranges around your own values; the others stand as comments. The first trial is your own configuration.
    What nobody can know is marked by ANSWER.
    """
    from tuner.preparation.drafting.asking import ask
    from tuner.preparation.drafting.draft import draft
    from tuner.preparation.drafting.errors import CannotBeMade
    from tuner.terminal.screen import busy
    from tuner.workers.processes.quiet import silence

    silence()
    named = {"--model": model, "--data": data, "--config": config, "--cli": own_cli}
    words = [word for option, value in named.items() if value is not None for word in (option, str(value))]
    try:
        if output is not None and output.exists():
            raise click.UsageError(f"{output} exists, and nothing is overwritten; name another file")
        asked = ask(model, data, config, own_cli)
        with busy("importing your module", shown=output is not None):
            text = draft(asked, shlex.join(["tuner", "init", *words]))
    except CannotBeMade as error:
        click.echo(f"Error: {error}", err=True)
        click.echo(error.lines, err=True, nl=False)
        return 2
    if output is None:
        click.echo(text, nl=False)
        return 0
    with output.open("x", encoding="utf-8") as file:
        file.write(text)
    click.echo(f"Written: {output}")
    click.echo(f"Next: tuner validate {shlex.quote(str(output))}")
    return 0
