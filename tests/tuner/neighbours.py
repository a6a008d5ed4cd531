"""Studies that disturb: made by plain Optuna, by another version, or damaged by a hand in the database.

Each function makes one in a database that holds a sound study of ours, called `sound`, and leaves that alone.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import sqlalchemy as sa
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from studies.database.identity import DEFINITION, LEDGER, OWNER, SOURCE, SPACE, VERSION
from studies.database.open import Database
from studies.ledger.making import create
from tests.studies.samples import sample_definition

SOUND = "sound"
OUR_KEYS = (DEFINITION, SOURCE, SPACE, LEDGER, VERSION, OWNER)
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3, 10**12, 1.5, "", "text", "../..", [], [1], {}, {"a": 1}, [[[]]], "1e-3", "\u0000",
)  # fmt: skip
STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING)
SHOWN = ("slot", "attempt", "earlier", "outcome", "seconds", "cause", "worker", "logs", "ledger", "facts")
NOT_JSON = ("", "{", "nul", "'text'", "[1,", "NaN NaN")

Neighbour = Callable[[Database, np.random.Generator], None]


def plain(database: Database, draw: np.random.Generator) -> None:
    """A study of plain Optuna, some with several objectives, some without a trial."""
    directions = ["minimize"] * int(draw.integers(1, 4))
    study = optuna.create_study(study_name=_name(), storage=database.storage, directions=directions)
    study.optimize(
        lambda trial: [trial.suggest_float("x", 0, 1) for _ in directions], n_trials=int(draw.integers(3))
    )


def queued(database: Database, draw: np.random.Generator) -> None:
    """A study of ours into whose queue somebody has put trials."""
    study = _ours(database)
    for _ in range(int(draw.integers(1, 4))):
        study.enqueue_trial({"optimizer": "sgd", "unknown": float(draw.random())})


def added(database: Database, draw: np.random.Generator) -> None:
    """A study of ours to which trials of another space were added, in every state, with odd attributes."""
    study = _ours(database)
    for _ in range(int(draw.integers(1, 5))):
        state = STATES[draw.integers(len(STATES))]
        named = list(draw.choice(SHOWN, size=int(draw.integers(len(SHOWN))), replace=False))
        is_incompatible = bool(draw.integers(2))
        study.add_trial(
            create_trial(
                state=state,
                value=float(draw.random()) if state is TrialState.COMPLETE else None,
                params={"optimizer": "other"} if is_incompatible else {"y": 0.5},
                distributions={"optimizer": CategoricalDistribution(("other",))}
                if is_incompatible
                else {"y": FloatDistribution(0, 1)},
                user_attrs={str(key): _odd(draw) for key in named},
                intermediate_values={int(draw.integers(9)): float(draw.choice([0.5, np.nan, np.inf]))},
            )
        )


def added_of_another(database: Database, draw: np.random.Generator) -> None:
    """A study of ours to which somebody has added the trials of the sound one."""
    study = _ours(database)
    study.add_trials(optuna.load_study(study_name=SOUND, storage=database.storage).get_trials())


def copied(database: Database, draw: np.random.Generator) -> None:
    """A copy of the sound study."""
    _copy(database, SOUND)


def renamed(database: Database, draw: np.random.Generator) -> None:
    """A study of ours that the dashboard has renamed: a copy whose original is gone."""
    name = _ours(database).study_name
    _copy(database, name)
    optuna.delete_study(study_name=name, storage=database.storage)


def deleted(database: Database, draw: np.random.Generator) -> None:
    """Slots without a study, because plain Optuna has deleted it."""
    optuna.delete_study(study_name=_ours(database).study_name, storage=database.storage)


def newer(database: Database, draw: np.random.Generator) -> None:
    """A study that a newer version has made."""
    study = _ours(database)
    definition = study.user_attrs[DEFINITION]
    where = definition if draw.integers(2) else definition[str(draw.choice(["study", "space"]))]
    where["invented"] = _odd(draw)
    study.set_user_attr(DEFINITION, definition)
    study.set_user_attr(VERSION, "99.0.0")


def damaged(database: Database, draw: np.random.Generator) -> None:
    """A study whose definition has an odd value somewhere."""
    study = _ours(database)
    definition = study.user_attrs[DEFINITION]
    inside, key = definition, str(draw.choice(list(definition)))
    while isinstance(inside[key], dict) and inside[key] and draw.integers(3):
        inside = inside[key]
        key = str(draw.choice(list(inside)))
    if draw.integers(3):
        inside[key] = _odd(draw)
    else:
        del inside[key]
    study.set_user_attr(DEFINITION, definition)


def garbled(database: Database, draw: np.random.Generator) -> None:
    """A study with an odd value in one of our attributes."""
    _ours(database).set_user_attr(str(draw.choice(OUR_KEYS)), _odd(draw))


def not_json(database: Database, draw: np.random.Generator) -> None:
    """A study with an attribute, of ours or of others, that is no JSON, or a trial with one."""
    study = _ours(database)
    study.set_user_attr("theirs", 1)
    key = str(draw.choice([*OUR_KEYS, "theirs"]))
    text = str(draw.choice(NOT_JSON))
    if draw.integers(2):
        _execute(
            database,
            "UPDATE study_user_attributes SET value_json = :text WHERE study_id = :study AND key = :key",
            text=text,
            study=_number(database, study),
            key=key,
        )
        return
    study.add_trial(create_trial(value=1.0, user_attrs={"slot": 0, "attempt": 1}))
    _execute(
        database,
        "UPDATE trial_user_attributes SET value_json = :text WHERE trial_id IN "
        "(SELECT trial_id FROM trials WHERE study_id = :study)",
        text=text,
        study=_number(database, study),
    )


def missing_sampler(database: Database, draw: np.random.Generator) -> None:
    """A study whose sampler, or pruner, is in a package that is not here, or is none."""
    part = "sampler" if draw.integers(2) else "pruner"
    paths = (
        "absent_package.Sampler",
        "optuna.samplers.Absent",
        "optuna.Study",
        "os.system",
        "text",
        "a.b.c.d",
    )
    config = {"class_path": str(draw.choice(paths)), "init_args": {"absent": 1} if draw.integers(2) else {}}
    create(database, sample_definition(name=_name(), priority=9, **{part: config}), "")


def missing_module(database: Database, draw: np.random.Generator) -> None:
    """A study whose module is not here, though a worker may import it."""
    _ours(database, model={"class_path": "torch.nn.Absent"})


def slots_changed(database: Database, draw: np.random.Generator) -> None:
    """A study with odd values in its slots."""
    ledger = json.loads(json.dumps(_ours(database).user_attrs[LEDGER]))
    change = str(draw.choice([
        "state = 'odd'", "attempt = -5", "draw = 100000", "trial = 12345", "trial = -1, state = 'claimed'",
        "worker = 'nobody'",
    ]))  # fmt: skip
    _execute(database, f"UPDATE tuner_slots SET {change} WHERE ledger = :ledger", ledger=ledger)  # noqa: S608


NEIGHBOURS: tuple[Neighbour, ...] = (
    plain, queued, added, added_of_another, copied, renamed, deleted, newer, damaged, garbled, not_json,
    missing_sampler, missing_module, slots_changed,
)  # fmt: skip


def _copy(database: Database, name: str) -> None:
    storage = database.storage
    optuna.copy_study(from_study_name=name, from_storage=storage, to_storage=storage, to_study_name=_name())


def _name() -> str:
    return f"neighbour-{uuid.uuid4().hex[:8]}"


def _odd(draw: np.random.Generator) -> Any:
    return ODD[draw.integers(len(ODD))]


def _ours(database: Database, **fixed: Any) -> optuna.Study:
    """Make a study of ours that a worker looks at before the sound one."""
    definition = sample_definition(name=_name(), priority=int(1 + uuid.uuid4().int % 9))
    definition.fixed.update(fixed)  # type: ignore[attr-defined] # the sample's is a dictionary
    return create(database, definition, "").study


def _number(database: Database, study: optuna.Study) -> int:
    return database.storage.get_study_id_from_name(study.study_name)


def _execute(database: Database, statement: str, **values: Any) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.text(statement), values)
