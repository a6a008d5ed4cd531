"""`tuner retrain` and `tuner predict`: the winner of a study, trained again and put to use."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import (
    echo_json,
    examples,
    gpus_option,
    json_option,
    open_study,
    output_option,
    quiet_option,
    storage_option,
    workers_option,
)

if TYPE_CHECKING:
    from tuner.results.retraining import Kept


@click.command(epilog=examples("tuner retrain digits", "tuner retrain churn --seeds 5 --all-data"))
@click.argument("name")
@click.option(
    "--seeds", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="On N fresh seeds."
)
@click.option(
    "--all-data",
    is_flag=True,
    help="On the rows of all parts, of data that take an argument train_on_all, as tuner.data.Table "
    "does; the score then says nothing.",
)
@workers_option()
@gpus_option
@output_option
@quiet_option
@storage_option
@json_option
def retrain(
    name: str, seeds: int, all_data: bool, workers: int, gpus: str | None, output: Path, quiet: bool,
    storage: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Train the winner again, and keep its weights.

    NAME is a study of the database. The trainings are trials of a study NAME-retrained, which other workers
    may join; the same command goes on. `tuner predict` then takes their weights, of several the mean of what
    they say.
    """
    from studies.database.open import storage_url
    from studies.running.retraining import retrain as again
    from tuner.api import Manner, Study
    from tuner.results.retraining import on_all_data, retrained_weights
    from tuner.terminal.live_view import view_for
    from tuner.terminal.screen import open_screen
    from tuner.workers.code.here import refuse_elsewhere
    from tuner.workers.processes.interruption import INTERRUPTED, Interruption

    open_study(storage, name)  # for reading first, which makes no database
    ledger = open_study(storage, name, reading=False)
    refuse_elsewhere(name, ledger.definition)
    fixed = on_all_data(ledger.definition.fixed) if all_data else ledger.definition.fixed
    study = Study(again(ledger, seeds=seeds, fixed=fixed, last=all_data), storage_url(storage, os.environ))
    is_quiet = quiet or as_json
    with (
        Interruption() as interruption,
        view_for(study.ledger, interruption.stop, quiet=is_quiet, workers=workers) as view,
    ):
        study.work(Manner(workers, gpus, output), view, interruption.stop)
    budget = study.ledger.slots.budget()
    if budget.done < budget.total:
        open_screen().print(
            f"{budget.done} of {budget.total} trainings have ended; the same command goes on."
        )
        return INTERRUPTED if interruption.by_signal else 1
    kept = retrained_weights(study.ledger, output)
    if as_json:
        echo_json(
            {"name": study.name, "metric": study.metric, "all_data": all_data, "trained": _as_data(kept)}
        )
    else:
        _print_kept(kept, study.metric, name, all_data=all_data)
    return 0


def _as_data(kept: "list[Kept]") -> list[dict[str, object]]:
    from studies.proposing.seeds import training_seed

    return [
        {
            "trial": each.trial.number,
            "seed": training_seed(each.ledger.definition, each.trial.slot or 0, each.trial.last_training),
            "score": each.trial.score,
            "weights": str(each.file),
        }
        for each in kept
    ]


def _print_kept(kept: "list[Kept]", metric: str, name: str, *, all_data: bool) -> None:
    from tuner.terminal.screen import open_screen, print_table
    from tuner.workers.processes.working_directory import shown

    screen = open_screen()
    rows = [
        (str(row["seed"]), f"{row['score']:.5g}", str(shown(each.file)))
        for row, each in zip(_as_data(kept), kept, strict=True)
    ]
    print_table(screen, ("seed", metric, "weights"), rows)
    if all_data:
        screen.print(f"The rows of {metric} were trained on, so it says nothing of others.")
    fixed = kept[0].ledger.definition.fixed.get("data")
    if isinstance(fixed, dict) and str(fixed.get("class_path", "")).endswith(".Table"):
        screen.print(f"Next: tuner predict {name} rows.csv --output predicted.csv", soft_wrap=True)


@click.command(epilog=examples("tuner predict churn rows.csv --output predicted.csv"))
@click.argument("name")
@click.argument("rows", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The CSV file that is written; without it the predictions are printed.",
)
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="FOLDER",
    help="Where the results of the study are, which hold the weights.",
)
@storage_option
def predict(name: str, rows: Path, file: Path | None, runs: Path, storage: str | None) -> None:
    """Predict the rows of a table.

    NAME is a study of the database whose data are a tuner.data.Table, ROWS a CSV or Parquet file with the
    columns that were learnt from. Each row is written with what is predicted, and for classes with the
    probability of each.
    """
    from studies.trials.trained import trained
    from tuner.preparation.apart import ask_apart
    from tuner.results.predicting import Predicted, Winner
    from tuner.results.retraining import kept_weights, passed_over
    from tuner.terminal.printable import one_line
    from tuner.terminal.screen import busy
    from tuner.workers.processes.working_directory import shown

    ledger = open_study(storage, name)
    if older := passed_over(ledger):
        click.echo(older, err=True)
    kept = kept_weights(ledger, runs)
    configuration = trained(kept[0].ledger.definition, kept[0].trial)
    files = tuple(each.file for each in kept)
    with busy("loading PyTorch and the weights"):
        predicted: Predicted = ask_apart(
            "tuner.results.predicting.predict",
            Winner(configuration, files, rows.absolute(), None if file is None else file.absolute()),
            configuration,
            source=name,
            silent="its process ended while the rows were predicted; look at what the module does.",
        )
    weights = ", ".join(str(shown(each)) for each in files)
    click.echo(f"{predicted.count} rows were predicted by {weights}", err=True)
    if predicted.unused:
        click.echo(f"Not learnt from, and passed over: {', '.join(predicted.unused)}", err=True)
    for sentence in predicted.strange:
        click.echo(one_line(sentence), err=True)
    click.echo(predicted.text.rstrip("\n") if file is None else f"Written: {file}")
