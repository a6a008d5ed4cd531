"""A study beside another that trains some trials of it again, on seeds that they have not seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studies.database.open import Database
from studies.definition.changes import first_change
from studies.definition.study import StudyDefinition
from studies.errors import StudyChanged, UnknownStudy, UnusableStudy
from studies.ledger.ledger import Ledger
from studies.ledger.making import create, delete
from studies.ledger.opening import is_known, open_ledger
from studies.proposing.optuna_pruner import NO_PRUNING
from studies.proposing.seeds import seed_of

RANDOM = "optuna.samplers.RandomSampler"  # it is asked for nothing: all values are settled


@dataclass(frozen=True)
class Repeats:
    """What such studies are called, and how they are known.

    Attributes:
        suffix: behind the name of the study whose trials are repeated.
        place: of their seeds among those that follow from that study's; another one gives other seeds.
        is_one: whether a definition is of such a study.
        else_is: what another study of that name does not do, as the end of a sentence.
    """

    suffix: str
    place: int
    is_one: Callable[[StudyDefinition], bool]
    else_is: str

    def definition(
        self,
        ledger: Ledger,
        candidates: Sequence[Mapping[str, Any]],
        *,
        seeds: int,
        fixed: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> StudyDefinition:
        """Define the study that trains candidates of another, each on so many fresh seeds.

        Args:
            ledger: the other study.
            candidates: as a definition has them.
            seeds: for each.
            fixed: LightningCLI's sections, where they are others than that study's.
            **settings: that are others than that study's.
        """
        changed: dict[str, Any] = {
            "name": ledger.name + self.suffix,
            "trials": len(candidates) * seeds,
            "seed": seed_of(ledger.definition, self.place),
            "exploration": 0.0,
            "epochs": None,
            "hours": None,
            "repeatable": None,
            "confirm": 0,
            "repeats": None,
            "limits": None,  # what is trained again keeps them
        }
        return replace(
            ledger.definition,
            settings=replace(ledger.definition.settings, **changed | settings),
            fixed=ledger.definition.fixed if fixed is None else dict(fixed),
            sampler={"class_path": RANDOM, "init_args": {}},
            pruner={"class_path": NO_PRUNING, "init_args": {}},
            candidates=tuple(candidates),
        )

    def make(self, database: Database, definition: StudyDefinition) -> Ledger:
        """Make the study, or go on with it; one that repeats something else is replaced.

        Raises:
            StudyChanged: the name is taken by a study of another kind.
        """
        name = definition.settings.name
        if is_known(database, name):
            there = open_ledger(database, name).definition
            if not self.is_one(there):
                raise StudyChanged(
                    f"The database holds a study {name!r} that {self.else_is}; delete or rename it."
                )
            if first_change(there, definition):
                delete(database, name)
        return create(database, definition, source="")

    def find(self, database: Database, name: str) -> Ledger | None:
        """Open the study that repeats trials of the study `name`, if there is one."""
        try:
            found = open_ledger(database, name + self.suffix)
        except (UnknownStudy, UnusableStudy):  # such as one that another program made
            return None
        return found if self.is_one(found.definition) else None
