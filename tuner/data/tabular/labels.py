"""The classes of a target: a number for each row, a name for each number."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import Series


@dataclass(frozen=True)
class Labels:
    """Classes as numbers: `codes`, `(rows,)`, are places in `names`, in the order of the values."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, target: "Series") -> "Labels":
        """Number the values of a column without gaps."""
        import pandas as pd

        comparable = target.astype(str) if target.dtype == object else target
        codes, values = pd.factorize(comparable, sort=True)
        return cls(codes.astype(np.int64), tuple(str(value) for value in values))

    def refuse_rare(self, needed: int) -> None:
        """Refuse a class that has fewer rows than `needed`.

        Raises:
            BadData: names the rarest class.
        """
        counts = np.bincount(self.codes)
        rarest = int(counts.argmin())
        if counts[rarest] < needed:
            raise BadData(
                f"the class {self.names[rarest]!r} has {counts[rarest]} of {len(self.codes)} rows, but every "
                f"part needs some of each class, so at least {needed}; merge or remove it."
            )

    def refuse_absent(self, train: NDArray[np.intp]) -> None:
        """Refuse a class that has no row among those of `train`.

        Raises:
            BadData: names the class.
        """
        present = np.bincount(self.codes[train], minlength=len(self.names)) > 0
        if not present.all():
            absent = self.names[int(present.argmin())]
            raise BadData(
                f"the class {absent!r} is in no row of the training part; split otherwise, or remove it."
            )
