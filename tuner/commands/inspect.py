"""`tuner list`, `status`, `trial`, `best`: look at studies, without changing anything."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.commands.options import echo_json, examples, json_option, open_database, open_study, storage_option

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ENDED = ("complete", "pruned", "diverged", "failed")
# Counted in words only where there are some.
RARE = ("out_of_memory", "timed_out", "preempted", "lost", "disk_full", "unreadable")


@click.command("list", epilog=examples("tuner list", "tuner list --storage sqlite:///tuner.db --json"))
@storage_option
@json_option
def list_studies(storage: str | None, as_json: bool) -> None:
    """List the studies of the database."""
    import optuna

    from studies.identity import LEDGER
    from studies.ledger import open_ledger
    from tuner.screen import open_screen, print_table

    database = open_database(storage, reading=True)
    rows: list[dict[str, Any]] = []
    for summary in optuna.get_all_study_summaries(database.storage):
        if LEDGER in summary.user_attrs:
            status = open_ledger(database, summary.study_name).status()
            rows.append(
                {
                    key: status[key]
                    for key in ("name", "metric", "slots", "stopped", "priority", "trials", "best")
                }
            )
        else:
            trials = {"all": summary.n_trials}
            rows.append(
                {"name": summary.study_name, "metric": None, "slots": None, "stopped": None, "priority": None}
                | {"trials": trials, "best": None}
            )
    if as_json:
        echo_json(rows)
        return
    screen = open_screen()
    if not rows:
        screen.print("The database holds no study; `tuner run digits` makes one.")
        return
    heads = ("study", "slots", "complete", "pruned", "running", "other ends", "best")
    print_table(screen, heads, [_listed(row) for row in rows])


def _listed(row: Mapping[str, Any]) -> list[str]:
    trials, best = row["trials"], row["best"]
    counts = [str(trials.get(key, "-")) for key in ("complete", "pruned", "running")]
    others = [
        f"{trials[key]} {key.replace('_', ' ')}" for key in ("diverged", "failed", *RARE) if trials.get(key)
    ]
    if row["stopped"]:
        others.append("stopped")
    counts.append(", ".join(others) or "-")
    score = f"{row['metric']} {best['value']:.5g}" if best else "-"
    return [row["name"], str(row["slots"] or "-"), *counts, score]


@click.command(epilog=examples("tuner status digits", "tuner status digits --json"))
@click.argument("name")
@storage_option
@json_option
def status(name: str, storage: str | None, as_json: bool) -> None:
    """Show how far a study is, and its best score so far.

    NAME is a study of the database.
    """
    from tuner.screen import open_screen

    ledger = open_study(storage, name)
    found, budget = ledger.status(), ledger.slots.budget()
    if as_json:
        echo_json(found)
        return
    screen, trials, best = open_screen(), found["trials"], found["best"]
    running = f", {trials['running']} running" if trials["running"] else ""
    screen.print(f"{found['name']}: {budget.done} of {budget.total} slots are spent{running}")
    counts = [*ENDED, *(outcome for outcome in RARE if trials[outcome])]
    screen.print(", ".join(f"{trials[outcome]} {outcome.replace('_', ' ')}" for outcome in counts))
    for unit in ("epochs", "hours"):
        if found["limits"][unit] is not None:
            screen.print(f"{found['spent'][unit]:.4g} of {found['limits'][unit]:g} {unit} are spent")
    if (reason := ledger.over()) and budget.done < budget.total:
        screen.print(f"it takes no new trial: {reason}")
    if found["unpruned"]:
        screen.print(found["unpruned"], soft_wrap=True)
    if best:
        screen.print(f"best {found['metric']} {best['value']:.6g} (trial {best['number']})")
    else:
        screen.print("no completed trial yet")


@click.command(epilog=examples("tuner trial digits 0", "tuner trial digits 0 --json"))
@click.argument("name")
@click.argument("number", type=int)
@storage_option
@json_option
def trial(name: str, number: int, storage: str | None, as_json: bool) -> None:
    """Show a trial: outcome, curve, values, and how it trained.

    NAME is a study of the database, NUMBER one of its trials, counted from 0.
    """
    from studies.diagnosis import diagnose

    ledger = open_study(storage, name)
    found = describe_trial(ledger.trial(number))
    findings = diagnose(
        found["facts"] or {},
        list(found["curve"].values()),
        metric=ledger.definition.settings.metric,
        minimizes=ledger.minimizes,
    )
    if as_json:
        echo_json({**found, "findings": [asdict(finding) for finding in findings]})
        return
    import yaml

    from tuner.screen import open_screen

    screen = open_screen()
    parts = [found["outcome"] or "running"]
    if found["score"] is not None:
        parts.append(f"{ledger.definition.settings.metric} {found['score']:.6g}")
    parts.append(f"slot {found['slot']}")
    if found["seconds"] is not None:
        parts.append(f"{found['seconds']:.1f} s")
    screen.print(f"trial {number}: {', '.join(parts)}")
    if found["cause"]:
        screen.print(f"cause: {found['cause']}")
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
    if found["log"]:
        screen.print(f"what it printed: {found['log']}", soft_wrap=True)


def describe_trial(found: "FrozenTrial") -> dict[str, Any]:
    """Give one trial as plain data; `curve` maps the number of a validation to its score."""
    from studies.outcomes import outcome_of

    outcome = outcome_of(found)
    attributes = found.user_attrs
    keys = ("slot", "attempt", "exploration", "seconds", "cause", "traceback", "configuration")
    return {
        "number": found.number,
        "outcome": None if outcome is None else outcome.value,
        "score": found.value if outcome is not None and outcome.value == "completed" else None,
        "params": found.params,
        "curve": {str(step): value for step, value in sorted(found.intermediate_values.items())},
        **{key: attributes.get(key) for key in (*keys, "facts", "facts_missing")},
        "log": _log_of(found),
    }


def _log_of(found: "FrozenTrial") -> str | None:
    """Find what a trial printed; None where it printed nothing, or on another machine."""
    folder = found.user_attrs.get("logs")
    file = Path(folder) / f"trial-{found.number}.log" if folder else None
    return str(file) if file is not None and file.exists() else None


@click.command(epilog=examples("tuner best digits", "tuner best digits --export best.yaml"))
@click.argument("name")
@click.option(
    "--export",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write its configuration, which plain LightningCLI trains: fit --config FILE.",
)
@storage_option
@json_option
def best(name: str, path: Path | None, storage: str | None, as_json: bool) -> None:
    """Show the best trial of a study.

    NAME is a study of the database. The configuration is shown as a difference from the defaults. Where the
    best trials were confirmed, it is the best of them on fresh seeds.
    """
    from studies.confirmation import chosen
    from tuner.commands.confirm import describe_candidate
    from tuner.errors import Refused
    from tuner.export import complete, export
    from tuner.results import print_best, test_scores
    from tuner.screen import open_screen

    ledger = open_study(storage, name)
    choice = chosen(ledger)
    if choice is None:
        raise Refused(
            f"The study {name!r} has no completed trial yet; `tuner status {name}` shows how far it is."
        )
    if path is not None:
        try:
            export(choice.ledger, choice.trial, path)
        except OSError as error:
            raise Refused(
                f"--export: {path} cannot be written: {error.strerror}; name another file."
            ) from error
    tested, candidate = test_scores(choice), choice.candidate
    if as_json:
        echo_json(
            {
                **describe_trial(choice.original),
                "confirmed": None if candidate is None else describe_candidate(candidate),
                "test": tested,
                "configuration": complete(choice.ledger, choice.trial),
            }
        )
        return
    screen = open_screen()
    print_best(screen, choice, tested)
    if path is not None:
        screen.print(f"Written: {path}", soft_wrap=True)
