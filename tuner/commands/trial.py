"""`tuner trial`: look at one trial, and measure how sharp the loss is around its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tuner.commands.options import echo_json, examples, json_option, open_study, output_option, storage_option

if TYPE_CHECKING:
    from studies.definition.study import StudyDefinition
    from studies.ledger.ledger import Ledger
    from studies.trials.diagnosis import Finding
    from studies.trials.record import TrialRecord


@click.command(
    epilog=examples("tuner trial digits 0", "tuner trial digits 0 --json", "tuner trial digits 0 --sharpness")
)
@click.argument("name")
@click.argument("number", type=click.IntRange(max=2**31 - 1))
@click.option(
    "--sharpness",
    is_flag=True,
    help="Measure how sharp the training loss is around its weights, if they were kept; it is kept, too.",
)
@output_option
@storage_option
@json_option
def trial(name: str, number: int, sharpness: bool, output: Path, storage: str | None, as_json: bool) -> None:
    """Show a trial: outcome, curve, values, and how it trained.

    NAME is a study of the database, NUMBER one of its trials, counted from 0.
    """
    if sharpness:
        show_sharpness(open_study(storage, name, reading=False), number, output, as_json=as_json)
        return
    from studies.ledger.absent import as_lost
    from studies.trials.diagnosis import diagnose
    from studies.trials.record import TrialRecord
    from tuner.workers.places import folder_name

    ledger = open_study(storage, name)
    lost = {left.trial.number: as_lost(left) for left in ledger.left()}
    record = TrialRecord.of(lost.get(number) or ledger.trial(number))
    # Only where it is said: the folder may hold the results of a study of that name in another database.
    is_said = click.get_current_context().get_parameter_source("output") is ParameterSource.COMMANDLINE
    found = describe_trial(record, output / folder_name(ledger.name) if is_said else None)
    findings = diagnose(
        found["facts"] or {},
        list(found["curve"].values()),
        metric=ledger.definition.settings.metric,
        minimizes=ledger.minimizes,
    )
    if as_json:
        echo_json({**found, "findings": [asdict(finding) for finding in findings]})
        return
    _print_trial(ledger.definition, record, found, findings)


def _print_trial(
    definition: "StudyDefinition",
    record: "TrialRecord",
    found: Mapping[str, Any],
    findings: "Sequence[Finding]",
) -> None:
    import yaml

    from tuner.terminal.screen import open_screen

    screen = open_screen()
    parts = [_ended(definition, record)]
    if found["value"] is not None:
        parts.append(f"{definition.settings.metric} {found['value']:.6g}")
    parts.append("added by another program" if found["slot"] is None else f"slot {found['slot']}")
    if found["seconds"] is not None:
        parts.append(f"{found['seconds']:.1f} s")
    screen.print(f"trial {record.number}: {', '.join(parts)}")
    cause = f"cause: {found['cause']}" if found["cause"] else None
    for line in filter(None, (cause, found["anew"], _proposed(record))):
        screen.print(line, soft_wrap=True)
    for line in _measured(record):
        screen.print(line, soft_wrap=True)
    curve = " ".join(f"{value:.4g}" for value in found["curve"].values())
    screen.print(f"curve: {curve or 'no validation'}")
    for finding in findings:
        screen.print(f"{finding.word}: {finding.why}", soft_wrap=True)
    if found["facts"]:
        numbers = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in found["facts"].items())
        screen.print(f"training: {numbers}", soft_wrap=True)
    for what, why in (found["facts_missing"] or {}).items():
        screen.print(f"no facts of the {what}: {why}", soft_wrap=True)
    shown = {"params": found["params"], "configuration": found["configuration"]}
    screen.print(yaml.safe_dump(shown, sort_keys=False).rstrip(), soft_wrap=True)
    if found["traceback"]:
        screen.print(found["traceback"].rstrip(), soft_wrap=True)
    for line in _printed(found):
        screen.print(line, soft_wrap=True)


def _printed(found: Mapping[str, Any]) -> list[str]:
    """Write where what a trial has printed lies."""
    from tuner.terminal.printable import one_line

    if found["log"]:
        return [f"what it printed: {found['log']}"]
    elsewhere = found["log_elsewhere"]
    if elsewhere is None:
        return []
    where = f"{elsewhere['host'] or 'another machine'}: {elsewhere['path']}"
    return [one_line(f"what it printed lies on {where}; --output FOLDER names where that is reached here")]


def _measured(trial: "TrialRecord") -> list[str]:
    """Write the scores of its trainings, where there are several, and the metrics that it has kept."""
    from studies.trials.record import kept_in_words, repeats_in_words

    repeats = [f"trainings: {repeats_in_words(trial)}"] if trial.repeats else []
    return repeats + ([f"metrics: {kept_in_words(trial)}"] if trial.metrics else [])


def _proposed(trial: "TrialRecord") -> str:
    """Write how a trial's values were proposed, where it says so."""
    said = ", ".join(filter(None, (trial.origin, trial.why)))
    return f"proposed by: {said}" if said else ""


def _ended(definition: "StudyDefinition", trial: "TrialRecord") -> str:
    """Write how a trial ended; a completed one's score is written beside it."""
    from studies.trials.outcomes import Outcome, ended_in_words
    from studies.trials.trained import planned_validations

    if trial.outcome is None:
        return "running"
    if trial.outcome is Outcome.COMPLETED or not trial.curve:
        return trial.outcome.value
    planned = planned_validations(definition, trial)
    return ended_in_words(trial.outcome, None, last=trial.last, after=max(trial.curve), of=planned)


def describe_trial(found: "TrialRecord", results: Path | None = None) -> dict[str, Any]:
    """Give one trial as plain data; `curve` maps the number of a validation to its score.

    Args:
        found: the trial.
        results: the folder of its study's results, where that is known.
    """
    from tuner.workers.places import log_of
    from tuner.workers.weights import place_of

    return {
        "number": found.number,
        "outcome": None if found.outcome is None else found.outcome.value,
        "value": found.score,
        "repeats": list(found.repeats),
        "spread": found.spread,
        "metrics": dict(found.metrics),
        "beyond_limits": list(found.broken),
        "params": found.values,
        "curve": {str(step): value for step, value in found.curve.items()},
        "slot": found.slot,
        "attempt": found.attempt,
        "exploration": found.explores,
        "origin": found.origin,
        "why": found.why,
        "space_version": found.space_version,
        "seconds": found.seconds,
        "cause": found.cause,
        "anew": found.anew,
        "traceback": found.traceback,
        "configuration": found.configuration,
        "facts": found.facts,
        "facts_missing": found.facts_missing,
        "weights": place_of(found),
        **log_of(found, results),
    }


def show_sharpness(ledger: "Ledger", number: int, output: Path, *, as_json: bool) -> None:
    """Measure the sharpness of a trial, or take what was measured before, and print it."""
    from studies.report.sharpness import CAVEAT
    from tuner.results.sharpness import sharpness_of_trial
    from tuner.terminal.screen import busy, open_screen
    from tuner.workers.places import results_folder

    with busy("measuring how sharp the loss is", shown=not as_json):
        found = sharpness_of_trial(ledger, number, results_folder(output, ledger.name))
    if as_json:
        echo_json({"number": number, "sharpness": found.to_data()})
        return
    screen = open_screen()
    for said in (*found.in_words(), found.picture(), CAVEAT):
        screen.print(said, soft_wrap=True)
