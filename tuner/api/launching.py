"""A study's workers on an engine: started, found again, and ended, by this process or a later one."""

import threading
from dataclasses import replace

from studies.definition.study import StudyDefinition
from studies.ledger.fleet.launches import launches
from studies.ledger.ledger import Ledger
from tuner.api.manner import USUAL, Manner
from tuner.api.study import Study
from tuner.workers.engines.engine import Order
from tuner.workers.engines.registry import engine_named
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.ordering import Site, ordered, refuse_impossible
from tuner.workers.launchers.placed import EngineLauncher, Placed
from tuner.workers.places import folder_name, results_folder


def launch(study: Study, site: Site, manner: Manner = USUAL) -> Placed:
    """Start workers of a study, which work on when this process ends.

    Args:
        study: the study.
        site: where.
        manner: how many workers, and where they write. Its GPUs are those of this machine and not looked at.

    Raises:
        Refused: the engine is not installed, or cannot do it.
        EngineAway: it does not answer.
    """
    launcher = EngineLauncher(site, engine_named(site.engine, site.options), study.ledger)
    job = replace(_job(study.name, study.url, manner), folder=results_folder(manner.output, study.name))
    return launcher.launch(job, manner.workers, threading.Event())


def planned(definition: StudyDefinition, url: str, site: Site, manner: Manner = USUAL) -> str:
    """Write what an engine would be asked for; nothing is made or started.

    Raises:
        Refused: there is no such engine, or no such option of it.
    """
    return engine_named(site.engine, site.options).plan(_order(definition, url, site, manner))


def refuse(definition: StudyDefinition, url: str, site: Site, manner: Manner = USUAL) -> None:
    """Refuse what `launch` would refuse, before the study is made; errors as `launch`'s."""
    engine = engine_named(site.engine, site.options)
    refuse_impossible(engine, _order(definition, url, site, manner), definition)


def launched(ledger: Ledger) -> Placed:
    """Give what has been launched at a study and is not known to be gone.

    Raises:
        Refused: an engine that holds some is not installed here.
    """
    records = launches(ledger)
    return Placed(ledger, [(engine_named(each.engine, each.options), each) for each in records])


def _order(definition: StudyDefinition, url: str, site: Site, manner: Manner) -> Order:
    return ordered(_job(definition.settings.name, url, manner), manner.workers, site)


def _job(name: str, url: str, manner: Manner) -> Job:
    folder = (manner.output / folder_name(name)).absolute()
    return Job(url, name, folder, manner.grace, manner.checkpoints)
