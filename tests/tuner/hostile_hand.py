"""A hostile hand at the database: definitions that would run, read, write or fetch what no study may."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa

from studies.database.open import Database
from studies.definition.study import StudyDefinition
from studies.ledger.making import create
from tests.tuner.hostile_texts import DAMAGED, PATHS

Data = dict[str, Any]


@dataclass(frozen=True)
class Bait:
    """What a definition may try to reach: the folder of the canary, and where it would be noticed."""

    folder: Path
    port: int

    @property
    def command(self) -> Data:
        """Arguments that leave a mark, for whatever takes them."""
        words = ["sh", "-c", f"touch {self.folder}/touched"]
        return {"args": words, "command": " ".join(words)}

    @property
    def files(self) -> tuple[str, ...]:
        """Texts that a parser, a table or a logger would open."""
        return (
            *(str(self.folder / "secret.yaml"), str(self.folder / "secret.csv"), "secret.yaml", "../canary"),
            *(
                "/etc/passwd",
                "~/.ssh/id_rsa",
                "secret.csv",
                "./../canary/secret.yaml",
                "/dev/zero",
                "/proc/self/mem",
            ),
            *(
                f"http://127.0.0.1:{self.port}/a.yaml",
                f"s3://127.0.0.1:{self.port}/a",
                f"ftp://127.0.0.1:{self.port}",
            ),
            *(f"simplecache::http://127.0.0.1:{self.port}/a.csv", f"file://{self.folder}/secret.yaml"),
        )


def _at(*keys: str | int) -> Callable[[Data, Any], None]:
    """Make what puts a value at a place of a definition."""

    def put(data: Data, value: Any) -> None:
        place: Any = data
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value

    return put


def _choice(target: str) -> Callable[[Data, Any], None]:
    def put(data: Data, value: Any) -> None:
        data["space"]["hostile"] = {"target": target, "choices": ["harmless", value]}

    return put


def _branch(data: Data, value: Any) -> None:
    data["space"]["trainer.logger"] = {
        "target": "trainer.logger",
        "choices": {
            "none": {},
            "evil": {"class_path": value["class_path"], "set": {"trainer.logger.x": value}},
        },
    }


def _constant(data: Data, value: Any) -> None:
    data["space"]["set"] = {"trainer.callbacks": [value]}


# Where a class with arguments may stand.
CLASS_PLACES: tuple[Callable[[Data, Any], None], ...] = (
    *(_at("model"), _at("data"), _at("optimizer"), _at("lr_scheduler"), _at("sampler"), _at("pruner")),
    *(_at("trainer", "callbacks"), _at("trainer", "logger"), _at("trainer", "profiler")),
    *(_at("trainer", "strategy"), _at("trainer", "plugins"), _at("trainer", "accelerator")),
    *(_at("model", "init_args", "hidden"), _at("model", "init_args", "activation")),
    *(_at("optimizer", "init_args", "lr"), _at("optimizer", "dict_kwargs", "foreach")),
    *(_at("trainer", "max_time"), _at("config"), _at("callbacks", "hostile"), _constant, _branch),
    *(_choice("trainer.callbacks"), _choice("model.init_args.activation"), _choice("callbacks.hostile")),
)
# Where a text may stand.
TEXT_PLACES: tuple[Callable[[Data, Any], None], ...] = (
    *(_at("model"), _at("optimizer"), _at("trainer", "logger"), _at("trainer", "callbacks")),
    *(_at("trainer", "default_root_dir"), _at("trainer", "profiler"), _at("trainer", "strategy")),
    *(_at("trainer", "max_time"), _at("trainer", "model_registry"), _at("optimizer", "init_args", "lr")),
    *(
        _at("model", "init_args", "activation"),
        _at("data", "init_args", "batch_size"),
        _at("data", "class_path"),
    ),
    *(
        _choice("model.class_path"),
        _choice("data.init_args.batch_size"),
        _choice("trainer.logger.class_path"),
    ),
)


def _sampler_with(value: Any) -> Data:
    inner = {"class_path": "optuna.samplers.RandomSampler"}
    fixed = {"base_sampler": inner, "fixed_params": {"x": value}}
    return {"class_path": "optuna.samplers.PartialFixedSampler", "init_args": fixed}


def definitions(base: Data, bait: Bait, *, count: int, seed: int) -> Iterator[tuple[str, str | Data]]:
    """Give hostile definitions, each with what it tries; a text is no definition at all.

    Args:
        base: the definition of a study that works.
        bait: what they try to reach.
        count: how many.
        seed: which of them.
    """
    made: list[tuple[str, str | Data]] = []
    for path in PATHS:
        spec = {"class_path": path, "init_args": bait.command}
        made += [(f"{path} as a class", _changed(base, put, spec)) for put in CLASS_PLACES]
        made += [
            (f"{path} as a list", _changed(base, put, [spec])) for put in CLASS_PLACES if put is not _branch
        ]
        made += [(f"{path} as a text", _changed(base, put, path)) for put in TEXT_PLACES]
        made += [(f"{path} as YAML", _changed(base, put, json.dumps(spec))) for put in TEXT_PLACES]
        escaped = f'{{"class\\x5fpath": "{path}"}}'
        made += [(f"{path} in escapes", _changed(base, put, escaped)) for put in TEXT_PLACES]
        made += [(f"{path} in a sampler", base | {"sampler": _sampler_with(spec)})]
        crossover = {"class_path": "optuna.samplers.NSGAIISampler", "init_args": {"crossover": spec}}
        made += [(f"{path} as a crossover", base | {"sampler": crossover})]
        called = {"class_path": "optuna.samplers.TPESampler", "init_args": {"gamma": path}}
        made += [(f"{path} as a function", base | {"sampler": called})]
        hook = {
            "class_path": "pytorch_lightning.callbacks.LambdaCallback",
            "init_args": {"on_fit_start": path},
        }
        made += [(f"{path} as a hook", _changed(base, _at("trainer", "callbacks"), [hook]))]
    for file in bait.files:
        made += [(f"{file} as a text", _changed(base, put, file)) for put in TEXT_PLACES]
        made += [
            (f"{name} of {file}", _changed(base, *where))
            for name, where in _readers_and_writers(file).items()
        ]
    made += [(f"damaged: {text[:20]}", text) for text in DAMAGED]
    random.Random(seed).shuffle(made)  # noqa: S311 - the same examples for everyone
    yield from made[:count]


def _readers_and_writers(file: str) -> dict[str, tuple[Callable[[Data, Any], None], Any]]:
    def lightning(kind: str, **arguments: Any) -> Data:
        return {"class_path": f"pytorch_lightning.{kind}", "init_args": arguments}

    table = {"class_path": "tuner.data.Table", "init_args": {"path": file, "target": "x"}}
    images = {"class_path": "tuner.data.FashionMNIST", "init_args": {"root": file}}
    return {
        "a table": (_at("data"), table),
        "images": (_at("data"), images),
        "a checkpoint": (_at("trainer", "callbacks"), [lightning("callbacks.ModelCheckpoint", dirpath=file)]),
        "an exception": (
            _at("trainer", "callbacks"),
            [lightning("callbacks.OnExceptionCheckpoint", dirpath=file)],
        ),
        "a CSV logger": (
            _at("trainer", "logger"),
            lightning("loggers.CSVLogger", save_dir=file, name="", version=""),
        ),
        "a profile": (
            _at("trainer", "profiler"),
            lightning("profilers.SimpleProfiler", dirpath=file, filename="x"),
        ),
        "a strategy": (_at("trainer", "strategy"), lightning("strategies.DeepSpeedStrategy", config=file)),
    }


def _changed(base: Data, put: Callable[[Data, Any], None], value: Any) -> Data:
    data = copy.deepcopy(base)
    put(data, copy.deepcopy(value))
    return data


def write(database: Database, base: StudyDefinition, name: str, definition: str | Data) -> None:
    """Write a study with a definition straight to the database, as who has its password can."""
    plain = base.to_data()
    plain["study"] = plain["study"] | {"name": f"hostile-{abs(hash(name))}", "priority": 9}
    ledger = create(database, StudyDefinition.from_data(plain), "")
    text = definition if isinstance(definition, str) else json.dumps(definition)
    with database.engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE study_user_attributes SET value_json = :text "
                "WHERE key = 'tuner:definition' AND study_id = :id"
            ),
            {"text": text, "id": ledger.identifier},
        )
        connection.execute(
            sa.text("UPDATE studies SET study_name = :name WHERE study_id = :id"),
            {"name": name, "id": ledger.identifier},
        )


def chains(module: ModuleType, *, length: int) -> Iterator[tuple[str, object]]:
    """Go through everything that is reached from a module by so many attributes, with its path."""
    for name, found in list(vars(module).items()):
        if name.isidentifier():
            yield f"{module.__name__}.{name}", found
            if isinstance(found, ModuleType) and length > 1:
                for path, inside in chains(found, length=length - 1):
                    yield f"{module.__name__}.{name}.{path.removeprefix(found.__name__ + '.')}", inside
