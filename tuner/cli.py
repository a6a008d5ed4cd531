"""The `tuner` command: its subcommands, and what becomes of an error.

Nothing heavy is imported here or at the top of a command's module, so that `tuner --help` answers at once.
"""

import os
import re
import shlex
import sys
import traceback
from pathlib import Path

import click

import studies  # noqa: F401 - found before the working directory, where a folder may be called so
from search_spaces.errors import TunerError, first_line
from tuner.commands.analysis.analyse import importance, interactions
from tuner.commands.analysis.report import gain, report
from tuner.commands.confirm import confirm
from tuner.commands.create import create, delete, stop
from tuner.commands.dashboard import dashboard
from tuner.commands.fleet.doctor import doctor
from tuner.commands.fleet.launch import launch
from tuner.commands.fleet.worker import worker
from tuner.commands.fleet.workers import workers
from tuner.commands.init import init
from tuner.commands.inspect import best, list_studies, status
from tuner.commands.options import examples
from tuner.commands.run import run
from tuner.commands.spaces import spaces
from tuner.commands.trial import trial
from tuner.commands.validate import validate
from tuner.commands.winner import predict, retrain
from tuner.errors import DatabaseAway, StudyStopped
from tuner.terminal.printable import one_line, printable
from tuner.workers.failures import database_failure
from tuner.workers.processes.interruption import INTERRUPTED, EndedAtOnce

DONE, WORK_FAILED, BAD_REQUEST = 0, 1, 2  # exit codes, beside that of an interruption
DEBUG = "--debug"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("tuner run digits", "tuner best digits --export best.yaml", "tuner run --help"),
)
@click.version_option(package_name="interplay-tuner", prog_name="tuner")
@click.option(DEBUG, is_flag=True, help="Show a traceback with an error.")
def cli(*, debug: bool) -> None:
    """Tune the optimizer and the regularizers of a PyTorch Lightning module together.

    Start with `tuner run digits`, a study that is shipped and takes a minute or two. Modules and data are
    imported from where Python finds them, and from the folder that you are in. For a table of your own:
    `tuner validate table --set path=FILE.csv --set target=COLUMN`; for your own module: `tuner init --help`.
    """


for command in (
    init,
    run,
    create,
    worker,
    launch,
    stop,
    validate,
    list_studies,
    status,
    trial,
    workers,
    best,
    confirm,
    retrain,
    predict,
    importance,
    interactions,
    gain,
    report,
    dashboard,
    spaces,
    doctor,
    delete,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    _import_from_here()
    sys.exit(_run(given))


def _import_from_here() -> None:
    """Let a user's own modules be imported from the working directory, as `python script.py` does.

    A console script has its own folder there instead. Ours are loaded by now, so none can be shadowed.
    """
    here = str(Path.cwd())
    if not sys.flags.safe_path and not {"", here} & set(sys.path):
        sys.path.insert(0, here)


def _run(arguments: list[str]) -> int:
    debug = DEBUG in arguments  # wherever it stands
    try:
        code = cli.main(
            args=[argument for argument in arguments if argument != DEBUG],
            prog_name="tuner",
            standalone_mode=False,
        )
    except (click.exceptions.Abort, EndedAtOnce) as error:
        click.echo(str(error) if isinstance(error, EndedAtOnce) else "Interrupted.", err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return BAD_REQUEST
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return WORK_FAILED
    except StudyStopped as error:
        click.echo(printable(error.traceback), err=True)
        return _complain(str(error), WORK_FAILED)
    except Exception as error:  # noqa: BLE001 - the last resort: one sentence, and how to see more
        if debug:
            traceback.print_exc()
        return _complain(*_explained(error, arguments))
    return code if isinstance(code, int) else DONE


def _complain(sentence: str, code: int) -> int:
    click.echo(one_line(f"Error: {sentence}"), err=True)
    return code


def _explained(error: Exception, arguments: list[str]) -> tuple[str, int]:
    """Give an error's one sentence and its exit code."""
    if isinstance(error, TunerError):
        return str(error), WORK_FAILED if isinstance(error, DatabaseAway) else BAD_REQUEST
    if isinstance(error, click.UsageError):
        asked = error.ctx.command_path if error.ctx else "tuner"
        # Click puts two sentences, of which the second says what was meant.
        said = re.sub(r"\. Did you mean (.*)\?$", r", did you mean \1", error.format_message())
        return f"{said.rstrip('.')}; `{asked} --help` explains it.", BAD_REQUEST
    if isinstance(error, click.ClickException):
        return error.format_message(), BAD_REQUEST
    sentence = database_failure(error)
    if sentence is not None:
        return sentence, WORK_FAILED
    again = shlex.join(["tuner", DEBUG, *arguments])
    return f"{type(error).__name__}: {first_line(error)}; `{again}` shows where.", WORK_FAILED
