"""`tuner gain`: what tuning gained from the defaults to the best, and by which parameters."""

import click

from tuner.commands.options import echo_json, examples, json_option, open_study, storage_option


@click.command(epilog=examples("tuner gain digits", "tuner gain digits --json"))
@click.argument("name")
@storage_option
@json_option
def gain(name: str, storage: str | None, as_json: bool) -> None:
    """Show what tuning gained from the defaults to the best, and by which parameters.

    NAME is a study of the database that a study file describes, whose space so has defaults. Gains are in the
    unit of the metric, with 90 % intervals; beside them stand what was measured, the test score, and what the
    best constant answer scores.
    """
    from studies.analysis.errors import NothingToAnalyse
    from studies.analysis.findings.gains.worth import worth_of
    from studies.analysis.observations.of_study import analyse
    from studies.report.sections.decisions.gained import parts_of
    from studies.report.subject import subject_of_ledger
    from tuner.errors import Refused
    from tuner.terminal.parts import print_parts
    from tuner.terminal.screen import open_screen, progress_of

    subject = subject_of_ledger(open_study(storage, name))
    if subject.best is None:
        raise Refused(f"The study {name!r} has no completed trial yet, so nothing is known of a gain.")
    found, worth, reason = None, None, ""
    try:
        with progress_of("analysis", shown=not as_json) as progress:
            found = analyse(subject.study, compare=False, progress=progress)
            worth = worth_of(found, subject.best.values)
    except NothingToAnalyse as error:  # what was measured and tested is known all the same
        reason = str(error)
    if found is not None and worth is None:
        reason = (
            "The best configuration is the default one, so tuning gained nothing."
            if found.importance.evidence.has_structure
            else f"The {found.importance.evidence.trials} trials show no structure, so no gain is told."
        )
    if as_json:
        echo_json(
            {
                "name": name,
                "metric": subject.metric,
                "trials": {"best": subject.best.number},
                "gain": worth and worth.to_data(),
                "reason": reason or None,
                "test": dict(subject.tested.scores),
                "baseline": subject.tested.baseline,
            }
        )
        return
    screen = open_screen()
    if reason:
        screen.print(reason, soft_wrap=True)
    print_parts(screen, parts_of(subject, worth))
    if found is not None and worth is not None and found.importance.evidence.confidence != "good":
        screen.print("Read this with care: the confidence is low, as `tuner importance` says.")
