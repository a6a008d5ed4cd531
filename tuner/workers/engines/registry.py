"""The engines by name; each is imported when it is asked for, and none needs another's package."""

from collections.abc import Callable, Mapping

from studies.definition.study_file import suggestion
from tuner.errors import Refused
from tuner.workers.engines.engine import Engine


def _detached() -> type[Engine]:
    from tuner.workers.engines.detached import Detached

    return Detached


def _kubernetes() -> type[Engine]:
    from tuner.workers.engines.kubernetes.engine import Kubernetes

    return Kubernetes


def _on_ray() -> type[Engine]:
    from tuner.workers.engines.on_ray.engine import OnRay

    return OnRay


def _slurm() -> type[Engine]:
    from tuner.workers.engines.slurm.engine import Slurm

    return Slurm


ENGINES: Mapping[str, Callable[[], type[Engine]]] = {
    "local": _detached,
    "kubernetes": _kubernetes,
    "ray": _on_ray,
    "slurm": _slurm,
}
# What an engine needs, by the extra that installs it.
PACKAGES = {"kubernetes": "kubernetes", "ray": "ray", "slurm": "submitit"}


def engine_named(name: str, options: Mapping[str, str]) -> Engine:
    """Make an engine of its options.

    Raises:
        Refused: there is no such engine, it is not installed, or it knows no such option.
    """
    if name not in ENGINES:
        raise Refused(f"--on {name}: there is no such engine; {suggestion(name, list(ENGINES))}")
    engine = ENGINES[name]()
    for key in options:
        if key not in engine.OPTIONS:
            known = suggestion(key, list(engine.OPTIONS)) if engine.OPTIONS else "it takes none."
            raise Refused(f"--with {key}: {name} has no such option; {known}")
    return engine.of(options)
