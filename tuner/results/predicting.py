"""Predictions for the rows of a table, by weights that carry the table's encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tuner.data.tabular.encoder import encoded, strange_values
from tuner.data.tabular.reading import read_table
from tuner.errors import BadData, Refused
from tuner.modules.shaped_by_data import ShapedByData
from tuner.training.configuration.assembly import assemble
from tuner.training.kept_weights import held_objects
from tuner.training.process.ranks import on_the_cpu

if TYPE_CHECKING:
    from pandas import DataFrame

_BATCH = 10_000  # rows that are predicted at a time


@dataclass(frozen=True)
class Winner:
    """What predicts: a configuration, the files of its weights, and how the table's file is read.

    Attributes:
        configuration: LightningCLI's sections.
        files: weights, whose predictions are averaged.
        rows: the table of new rows.
        output: the CSV file that takes them with what is predicted; None gives its text.
    """

    configuration: Mapping[str, Any]
    files: Sequence[Path]
    rows: Path
    output: Path | None = None


@dataclass(frozen=True)
class Predicted:
    """How many rows were predicted, and the text where no file takes it.

    `unused` are the columns that say nothing, `strange` sentences about values that were not learnt from.
    """

    count: int
    unused: tuple[str, ...]
    strange: tuple[str, ...]
    text: str


def predict(winner: Winner) -> Predicted:
    """Predict; called in a process of its own, which imports the module.

    Raises:
        Refused: the weights carry no encoder, or objects that are not loaded, or nothing says in which unit
            the module answers.
        BadData: the rows cannot be read, or lack what was learnt from.
    """
    data = winner.configuration.get("data") or {}
    given = data.get("init_args") or {}
    try:
        frame = read_table(
            winner.rows, separator=given.get("separator", ","), missing=given.get("missing") or ()
        )
        answers = [_answer(winner.configuration, file, frame) for file in winner.files]
    except BadData as error:
        raise BadData(f"{winner.rows}: {error}") from error
    encoder, is_ours, _ = answers[0]
    outputs = torch.stack([output for _, _, output in answers])
    target, classes = encoder["target"], encoder["classes"]
    known = {target, *encoder["numeric"], *encoder["categorical"], *(given.get("ignore") or ())}
    unused = tuple(name for name in frame.columns if name not in known)
    columns = _columns(target, classes, outputs, has_logits=is_ours)
    text = frame.assign(**columns).to_csv(winner.output, index=False)
    return Predicted(len(frame), unused, tuple(strange_values(encoder, frame)), text or "")


def _columns(
    target: str, classes: Sequence[str], outputs: Tensor, *, has_logits: bool
) -> dict[str, Sequence[Any]]:
    """Give the columns of a prediction: the mean over the trainings, of classes the probabilities too."""
    if not classes:
        return {f"{target}_predicted": outputs.mean(dim=0).tolist()}
    # Of a module that is not ours nobody knows whether it gives logits: the largest is the same.
    scores = (outputs.softmax(dim=-1) if has_logits else outputs).mean(dim=0)
    predicted = {f"{target}_predicted": [classes[place] for place in scores.argmax(dim=1).tolist()]}
    shares = {f"{target}={name}": scores[:, place].tolist() for place, name in enumerate(classes)}
    return {**predicted, **(shares if has_logits else {})}


def _answer(
    configuration: Mapping[str, Any], file: Path, frame: "DataFrame"
) -> tuple[Mapping[str, Any], bool, Tensor]:
    """Give the encoder that weights carry, whether their module is ours, and what it answers to the rows."""
    if held := held_objects(file):
        raise Refused(f"{file}: {held}; load it in Python, by load_from_checkpoint(..., weights_only=False).")
    checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    encoder = next(
        (part["encoder"] for part in checkpoint.values() if isinstance(part, Mapping) and "encoder" in part),
        None,
    )
    if not encoder:
        raise Refused(
            f"{file} carries no encoder of a table, so its data were no tuner.data.Table; load it in "
            "Python, by the load_from_checkpoint of its class."
        )
    x = torch.from_numpy(encoded(encoder, frame))
    module = assemble(on_the_cpu(configuration)).module
    is_ours = isinstance(module, ShapedByData)
    if not is_ours and not encoder["classes"]:
        raise Refused(
            f"{type(module).__name__} is no module of tuner.modules, and learnt a standardized target, so "
            "nobody knows in which unit it answers; load it in Python, by its load_from_checkpoint."
        )
    module.on_load_checkpoint(checkpoint)
    module.load_state_dict(checkpoint["state_dict"])
    module.eval()
    with torch.inference_mode():
        output = torch.cat([module(part) for part in torch.split(x, _BATCH)])
    wanted = (len(x), len(encoder["classes"])) if encoder["classes"] else (len(x),)
    if tuple(output.shape) != wanted:
        raise Refused(
            f"{type(module).__name__} answers {tuple(output.shape)} to {len(x)} rows, and {wanted} is "
            f"needed; call {type(module).__name__}.load_from_checkpoint in Python."
        )
    return encoder, is_ours, output
