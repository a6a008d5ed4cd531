"""What a study leaves behind, on disk and in words: its best configuration, weights and test scores."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from studies.ledger.ledger import Ledger
from studies.ledger.status import status_of
from studies.proposing.seeds import training_seed
from studies.report.sharpness import contenders
from studies.report.sharpness import in_words as in_words_of_sharpness
from studies.report.tested import TESTED, TestScores, test_scores
from studies.running.confirmation import Recommendation, chosen, confirming
from studies.trials.difference import differences
from studies.trials.outcomes import in_words
from studies.trials.record import kept_in_words, repeats_in_words
from studies.trials.trained import trained
from tuner.results.dashboard_note import write_note
from tuner.results.export import export
from tuner.results.sharpness import measure_contenders
from tuner.terminal.next_steps import OUTPUT, Request, folded
from tuner.terminal.screen import busy, open_screen, print_table, progress_of
from tuner.workers.gpus import Gpus, lent
from tuner.workers.places import folder_name
from tuner.workers.processes.working_directory import shown, unmoved
from tuner.workers.weights import Weights, place_of

BEST, REPORT, TEST_LOG = "best.yaml", "report.html", "test.log"


def conclude(
    ledger: Ledger,
    folder: Path,
    request: Request,
    *,
    quiet: bool,
    is_leaving: bool = False,
    sharpness: bool = True,
    gpus: Gpus | None = None,
) -> bool:
    """Write the results to `folder` and print them.

    Args:
        ledger: the study.
        folder: where the best configuration, the best trial's weights and the report go.
        request: what was asked, so that what to type next can be said.
        quiet: show nothing of what is being done, only the results.
        is_leaving: somebody wants the program to end, so nothing is written that takes time.
        sharpness: whether to measure how sharp the loss is around the weights of the best.
        gpus: of which the test and the measuring take one; None lets them see all.

    Returns: Whether the study has a best trial that could be tested, or can still get one.
    """
    budget, choice = ledger.slots.budget(), chosen(ledger)
    is_finished = budget.done == budget.total
    tested: TestScores | str = TestScores({})
    untold: list[str] = []
    weights = None
    if choice is not None:
        kept = Weights(choice.ledger, folder.parent / folder_name(choice.ledger.name))
        kept.collect()
        weights = kept.of(choice.trial)
    if choice is not None and not is_leaving:
        if is_finished:  # before the report, which tells it
            with lent(gpus) as names:
                tested, untold = _looked_at(
                    ledger, choice, weights, folder, names, quiet=quiet, sharpness=sharpness
                )
        with progress_of("writing the report", shown=not quiet) as progress, unmoved():
            _write(ledger, choice, folder, progress)
    screen = open_screen()
    _print_best(screen, choice, tested)
    _print_sharpness(screen, ledger, untold)
    counts = in_words(status_of(ledger).trials) or "no trial has ended yet"
    screen.print(
        f"{budget.done} of {budget.total} slots are spent: {counts}; {_seconds(ledger):.0f} s of training"
    )
    if choice is not None and not is_leaving:
        _print_written(screen, choice, folder, weights)
    if is_finished and (command := _unconfirmed(ledger, request)):
        screen.print(f"Not all of the best have been trained again; go on: {command}", soft_wrap=True)
    if not is_finished and (reason := ledger.over()):
        screen.print(f"It takes no new trial: {reason}.")
    if not is_finished:
        screen.print(f"Resume: {request.again()}", soft_wrap=True)
        return True
    if choice is None:
        within = " within the limits of the study" if ledger.definition.settings.limits else ""
        screen.print(f"No trial was completed{within}, so there is no best configuration.", style="yellow")
    if isinstance(tested, str):
        screen.print(f"The best trial could not be tested: {tested}", style="yellow", soft_wrap=True)
    _print_next(screen, ledger, request, choice)
    return choice is not None and not isinstance(tested, str)


def _looked_at(
    ledger: Ledger,
    choice: Recommendation,
    weights: Path | None,
    folder: Path,
    gpus: str | None,
    *,
    quiet: bool,
    sharpness: bool,
) -> tuple[TestScores | str, list[str]]:
    """Test the best trial, and measure how sharp the loss is around it and its rivals."""
    with busy("testing the best", shown=not quiet):
        tested = _test(choice, weights, folder / TEST_LOG, gpus)
    if not sharpness:
        return tested, []
    with busy("measuring how sharp the loss is around the best", shown=not quiet):
        return tested, list(measure_contenders(ledger, folder, gpus=gpus))


def _print_sharpness(screen: Console, ledger: Ledger, untold: list[str]) -> None:
    measured = [(contender, contender.sharpness()) for contender in contenders(ledger)]
    known = [(each, found) for each, found in measured if found is not None]
    for sentence in (*in_words_of_sharpness(known), *untold):
        screen.print(f"  {sentence}", soft_wrap=True)


def _print_best(screen: Console, choice: Recommendation | None, tested: TestScores | str) -> None:
    if choice is not None:
        print_best(screen, choice, TestScores({}) if isinstance(tested, str) else tested)


def print_best(screen: Console, choice: Recommendation, tested: TestScores) -> None:
    """Print the best score, the test scores, and what sets the configuration apart from the defaults."""
    settings, space = choice.ledger.definition.settings, choice.ledger.definition.space
    best, candidate = choice.original, choice.candidate
    screen.print(f"Best {settings.metric} {best.score:.5g}, trial {best.number}", style="bold green")
    if candidate is not None:
        spread = "" if candidate.deviation is None else f", standard deviation {candidate.deviation:.2g}"
        screen.print(f"  {candidate.mean:.5g} on {len(candidate.scores)} fresh seeds{spread}")
    if best.repeats:
        screen.print(f"  {repeats_in_words(best)}")
    if best.metrics:
        screen.print(f"  {kept_in_words(best)}", soft_wrap=True)
    for name, value in tested.scores.items():
        screen.print(f"  {name} {value:.5g}")
    for said in tested.beside:
        screen.print(f"  {said}", soft_wrap=True)
    changed = differences(space, best.values)
    if not changed:
        screen.print("It is the default configuration.")
        return
    rows = [(row.name, _shown(row.default), _shown(row.value)) for row in changed]
    print_table(screen, ("parameter", "default", "best"), rows)


def _write(ledger: Ledger, choice: Recommendation, folder: Path, progress: Callable[[float], None]) -> None:
    """Write the best configuration and the report, and a note for optuna-dashboard."""
    from studies.report.investigation import investigate
    from studies.report.page import write_report
    from studies.report.subject import subject_of_ledger

    export(choice.ledger, choice.trial, folder / BEST)
    subject = subject_of_ledger(ledger)
    found = investigate(subject, progress=progress)
    write_report(subject, folder / REPORT, found=found)
    with suppress(Exception):  # whatever the dashboard makes of the note, the results are there
        write_note(ledger, choice, found.verdict, folder / REPORT)


def _print_written(screen: Console, choice: Recommendation, folder: Path, weights: Path | None) -> None:
    files = [folder / BEST, *([] if weights is None else [weights]), folder / REPORT]
    screen.print(f"Written: {', '.join(str(shown(file)) for file in files)}", soft_wrap=True)
    if weights is None and (place := place_of(choice.trial)):
        screen.print(f"The weights of the best trial are not here; they were kept at {place}", soft_wrap=True)


def _test(choice: Recommendation, checkpoint: Path | None, log: Path, gpus: str | None) -> TestScores | str:
    """Evaluate the best trial's weights on the test part of the data, once; it is kept with the study.

    Returns: The scores, or why there are none, as the end of a sentence.
    """
    best, kept = choice.trial, test_scores(choice)
    if kept.scores or checkpoint is None:
        return kept  # without a checkpoint another worker trained it, and has the weights
    from tuner.training.assignment import Assignment
    from tuner.training.messages import Tested
    from tuner.workers.desk import objective_of
    from tuner.workers.processes import executor

    definition = choice.ledger.definition
    assignment = Assignment(
        trained(definition, best),
        seed=training_seed(choice.ledger.definition, best.slot or 0, best.last_training),
        objective=objective_of(definition),
        threads=definition.settings.threads,
        log=log,
        gpus=gpus,
    )
    ended = executor.test(assignment, checkpoint)
    if not isinstance(ended, Tested):
        printed = f"; what it printed: {shown(log)}" if log.exists() else ""
        return f"{ended.cause}{printed}"
    scores, baseline = dict(ended.scores), ended.baseline and dict(ended.baseline)
    choice.ledger.study.set_user_attr(TESTED, {"trial": best.number, "scores": scores, "baseline": baseline})
    return TestScores(scores, baseline)


def _unconfirmed(ledger: Ledger, request: Request) -> str | None:
    """Write the command that goes on with a confirmation that has begun; None where there is none."""
    repeating = confirming(ledger.database, ledger.name)
    budget = None if repeating is None else repeating.slots.budget()
    if repeating is None or budget is None or budget.done == budget.total:
        return None
    top = repeating.definition.turn
    words = ["confirm", ledger.name, "--top", str(top), "--seeds", str(budget.total // top)]
    elsewhere = [] if request.output == OUTPUT else ["--output", str(request.output)]
    return request.about(*words, *elsewhere)


def _shown(value: Value | None) -> str:
    return "-" if value is None else show_value(value)


def _seconds(ledger: Ledger) -> float:
    return float(sum(trial.seconds or 0.0 for trial in ledger.records()))


def _print_next(screen: Console, ledger: Ledger, request: Request, choice: Recommendation | None) -> None:
    steps = {request.again(2 * ledger.slots.budget().total): "as many trials again"}
    if choice is not None:
        looks = {
            request.about("best", ledger.name, "--export", BEST): "the best configuration, for LightningCLI",
            request.about(
                "trial", ledger.name, str(choice.original.number)
            ): "its curve and all of its values",
        }
        if choice.candidate is None:
            looks[request.about("confirm", ledger.name)] = "whether it stays the best on fresh seeds"
        steps = looks | steps
    width = max(map(len, steps))
    lines = [f"  {command.ljust(width)}  # {what}" for command, what in steps.items()]
    if max(map(len, lines)) > screen.width:
        lines = [line for command in steps for line in folded(command, screen.width)]
    screen.print("Next:")
    for line in lines:
        screen.print(line, soft_wrap=True)
