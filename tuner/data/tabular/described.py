"""What a table is before anything is trained on it: rows, classes, columns, and what needs no search."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from tuner.data.table import Table

RARE = 0.1  # share of the training rows below which a class is rare, where classes are equally frequent
_SHOWN = 8  # names that a line shows
_EXPONENT = 1e4  # from which four digits would be written with an exponent


@dataclass(frozen=True)
class Description:
    """A table as it is learnt from.

    Attributes:
        rows: of each part.
        target: the column that is predicted.
        classes: the share of each in the training rows; empty for a quantity.
        numeric, categorical: the columns that are learnt from; `gaps` those of numbers that have some.
        features: how many numbers a row becomes.
        left_out: columns that are not learnt from.
        baselines: what needs no search, by its name, with the scores that `MLPClassifier` and
            `MLPRegressor` log, as those define them.
    """

    rows: Mapping[str, int]
    target: str
    classes: Mapping[str, float]
    numeric: Sequence[str]
    categorical: Sequence[str]
    gaps: Sequence[str]
    features: int
    left_out: Sequence[str]
    baselines: Mapping[str, Mapping[str, float]]
    is_weighted: bool = False

    def to_data(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        return asdict(self)

    def in_words(self) -> list[str]:
        """Say it in lines."""
        rows = self.rows
        parts = f"{rows['train']} train, {rows['val']} validate, {rows['test']} test"
        lines = [f"{sum(rows.values())} rows: {parts}"]
        if self.classes:
            shares = [f"{name} {share:.1%}" for name, share in self.classes.items()]
            lines.append(f"{self.target}: {len(self.classes)} classes, {_listed(shares)}")
        else:
            lines.append(f"{self.target}: a quantity; val_loss 1 is what predicting its mean scores")
        gaps = f", gaps in {_listed(self.gaps)}" if self.gaps else ""
        lines.append(f"{len(self.numeric)} columns of numbers: {_listed(self.numeric)}{gaps}")
        if self.categorical:
            lines.append(f"{len(self.categorical)} columns of categories: {_listed(self.categorical)}")
        if self.left_out:
            lines.append(f"not learnt from: {_listed(self.left_out)}")
        lines.append(f"{self.features} features")
        for name, scores in self.baselines.items():
            shown = ", ".join(f"{score} {_number(value)}" for score, value in scores.items())
            lines.append(f"{name}: {shown}")
        return lines

    @property
    def warning(self) -> str:
        """Say that a class is rare, and what to write; nothing where none is, or classes are weighted."""
        if not self.classes or self.is_weighted:
            return ""
        rarest = min(self.classes, key=lambda name: self.classes[name])
        share = self.classes[rarest]
        if share >= 2 * RARE / len(self.classes):
            return ""
        return (
            f"The class {rarest!r} has {share:.1%} of the rows, so a search may learn to pass it over; "
            "`--set class_weights=balanced --set study.metric=val_balanced_error`, or the same in the study "
            "file, lets every class count alike."
        )


def describe(arguments: Mapping[str, Any]) -> Description:
    """Describe the table that these arguments of `Table` make.

    Raises:
        BadData: whatever is wrong with the file.
    """
    table = Table(**arguments)
    table.load("fit")
    prepared = table.prepared
    assert prepared is not None  # `load` has just made it
    encoder = prepared.encoder
    known = {encoder["target"], *encoder["numeric"], *encoder["categorical"]}
    return Description(
        rows={part: len(batch[0]) for part, batch in table.parts.items()},
        target=encoder["target"],
        classes=_shares(table),
        numeric=list(encoder["numeric"]),
        categorical=list(encoder["categorical"]),
        gaps=list(encoder["marked"]),
        features=len(prepared.feature_names),
        left_out=[name for name in prepared.columns if name not in known],
        baselines=_baselines(table),
        is_weighted=table.weights != "none",
    )


def _shares(table: Table) -> dict[str, float]:
    if table.classes is None:
        return {}
    codes = table.parts["train"][1].numpy()
    counts = np.bincount(codes, minlength=table.classes) / len(codes)
    return dict(zip(table.class_names, counts.tolist(), strict=True))


def _baselines(table: Table) -> dict[str, dict[str, float]]:
    """Measure on the validation rows what guesses, and a linear model."""
    x, y = (part.numpy() for part in table.parts["train"])
    held, truth = (part.numpy() for part in table.parts["val"])
    if table.classes is None:
        linear = Ridge().fit(x, y)
        return {
            "always the mean": _of_quantity(truth - y.mean(), table.target_scale),
            "a linear model": _of_quantity(truth - linear.predict(held), table.target_scale),
        }
    weights = table.loss_weights
    of_class = np.ones(table.classes) if weights is None else weights.numpy()
    found = {}
    for name, model in (
        ("always the most frequent class", DummyClassifier(strategy="prior")),
        ("logistic regression", LogisticRegression(max_iter=300)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # after so many steps it is a baseline all the same
            model.fit(x, y, sample_weight=of_class[y])
        shares = model.predict_proba(held)
        # By weights that let every class count alike none is the most likely.
        constant = np.full(len(held), np.bincount(y).argmax())
        answers = constant if isinstance(model, DummyClassifier) else shares.argmax(axis=1)
        found[name] = _of_classes(shares, answers, truth, of_class)
    return found


def _of_quantity(errors: NDArray[np.floating[Any]], scale: float) -> dict[str, float]:
    """Give the scores of standardized errors."""
    squared = float((errors**2).mean())
    return {"val_loss": squared, "val_rmse": squared**0.5 * scale}


def _of_classes(
    shares: NDArray[np.floating[Any]],
    answers: NDArray[np.integer[Any]],
    truth: NDArray[np.integer[Any]],
    weights: NDArray[np.floating[Any]],
) -> dict[str, float]:
    """Give the scores of probabilities `(rows, classes)` and of answers, by the weights of the classes."""
    likelihood = np.maximum(shares[np.arange(len(truth)), truth], np.finfo(np.float64).eps)
    is_wrong = answers != truth
    errors = [is_wrong[truth == code].mean() for code in np.unique(truth)]
    return {
        "val_loss": float(-(weights[truth] * np.log(likelihood)).mean()),
        "val_error": float(is_wrong.mean()),
        "val_balanced_error": float(np.mean(errors)),
    }


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < _EXPONENT else f"{value:.0f}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f", ... ({len(names)})" if len(names) > _SHOWN else "") or "none"
