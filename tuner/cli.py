"""The `tuner` command: its subcommands, and what becomes of an error.

Nothing heavy is imported here or at the top of a command's module, so that `tuner --help` answers at once.
"""

import os
import sys
import traceback

import click

from search_spaces.errors import TunerError
from tuner.commands.inspect import best, list_studies, status, trial
from tuner.commands.remove import delete
from tuner.commands.run import run
from tuner.commands.spaces import spaces
from tuner.commands.validate import validate
from tuner.errors import StudyStopped

DONE, WORK_FAILED, BAD_REQUEST, INTERRUPTED = 0, 1, 2, 130  # exit codes


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="interplay-tuner", prog_name="tuner")
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
def cli(*, debug: bool) -> None:
    """Tune the optimizer and the regularizers of a PyTorch Lightning module together.

    Start with `tuner run digits`, a study that is shipped and takes about a minute.
    """


for command in (run, validate, list_studies, status, trial, best, spaces, delete):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given[:1]
    sys.exit(_run(given, debug=debug))


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        code = cli.main(args=arguments, prog_name="tuner", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return BAD_REQUEST
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return DONE
    except StudyStopped as error:
        click.echo(error.traceback, err=True)
        click.echo(f"Error: {error}", err=True)
        return WORK_FAILED
    except TunerError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"Error: {error}", err=True)
        return BAD_REQUEST
    except Exception as error:  # noqa: BLE001 - the last resort: one sentence, and how to see more
        if debug:
            traceback.print_exc()
        else:
            text = str(error).strip().splitlines()
            detail = f": {text[0]}" if text else ""
            click.echo(f"Error: {type(error).__name__}{detail} (`tuner --debug {' '.join(arguments)}` shows where).", err=True)
        return WORK_FAILED
    return code if isinstance(code, int) else DONE
