"""Where the `tuner` command begins: signals first, since all that follows takes a moment to import."""

from tuner.workers.processes.interruption import end_at_once

INTERRUPTED = "Interrupted; the same command begins again."


def main() -> None:
    """Run the command line and exit; until a command says otherwise a signal ends it there and then."""
    end_at_once(INTERRUPTED)
    from tuner.cli import main as run

    run()
