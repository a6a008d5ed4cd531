"""Small studies for tests: made in a line, trained by nobody."""

import uuid
from collections.abc import Mapping
from typing import Any

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition

# One choice with a branch that has a parameter of its own, one range, one plain choice: every kind of slot
# value.
SPACE = Group(
    {
        "optimizer": Choice(
            {
                "sgd": Group({"lr": Float(1e-3, 1.0, log=True)}, class_path="torch.optim.SGD"),
                "adam": Group({"lr": Float(1e-5, 1e-2, log=True)}, class_path="torch.optim.Adam"),
            },
            target="optimizer",
        ),
        "model.init_args.width": Categorical((16, 32, 64)),
    }
)

# Without random trials of its own: those that explore stand in for them.
TPE = {"class_path": "optuna.samplers.TPESampler", "init_args": {"n_startup_trials": 0}}


def sample_definition(
    *,
    space: Group = SPACE,
    sampler: Mapping[str, Any] | None = None,
    pruner: Mapping[str, Any] | None = None,
    trainer: Mapping[str, Any] | None = None,
    **settings: Any,
) -> StudyDefinition:
    """Make a definition with a name of its own and four trials, unless `settings` say otherwise."""
    chosen = {"name": f"study-{uuid.uuid4().hex[:12]}", "metric": "val_loss", "trials": 4, **settings}
    return StudyDefinition(
        settings=StudySettings(**chosen),
        fixed={
            "trainer": {"max_epochs": 9} if trainer is None else trainer,
            "model": {"class_path": "a.Model"},
        },
        space=space,
        sampler=sampler,
        pruner=pruner,
    )
