"""What is said of checkpoints that hold objects, against what torch itself loads without running code."""

import pickle
from argparse import Namespace
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tuner.errors import Refused
from tuner.results.predicting import Winner, predict
from tuner.training.kept_weights import held_objects
from tuner.training.sharpness.loss import NoLoss
from tuner.training.sharpness.measure import measure

HELD: dict[str, Any] = {
    "nothing": None,
    "plain values": {"hidden": [64, 64], "act": "relu", "rate": 1e-3, "flags": {1, 2}, "shape": (1, 2)},
    "tensors": {
        "t": torch.ones(2),
        "kind": torch.float16,
        "size": torch.Size([2]),
        "device": torch.device("cpu"),
    },
    "ordered": OrderedDict(a=1),
    "a parameter": torch.nn.Parameter(torch.ones(1)),
    "a loss": torch.nn.MSELoss(),
    "a namespace": Namespace(a=1),
    "a path": Path("a"),
    "an array": np.ones(2),
    "a function": partial(torch.nn.ReLU, inplace=True),
    "a class": torch.optim.AdamW,
}


@pytest.mark.parametrize("name", HELD)
def test_objects_are_named_where_torch_would_not_load_them(tmp_path: Path, name: str) -> None:
    """And only there: what torch loads is never refused."""
    file = tmp_path / "kept.ckpt"
    torch.save({"state_dict": {"w": torch.ones(2)}, "hyper_parameters": {"given": HELD[name]}}, file)
    try:
        torch.load(file, weights_only=True)
        loads = True
    except pickle.UnpicklingError:
        loads = False
    assert (held_objects(file) is None) is loads


def test_a_checkpoint_with_objects_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    """By what measures and by what predicts, with the class that it holds and what to do."""
    file, rows = tmp_path / "kept.ckpt", tmp_path / "rows.csv"
    torch.save({"hyper_parameters": {"loss": torch.nn.MSELoss()}}, file)
    rows.write_text("a\n1\n")
    held = "its checkpoint holds torch.nn.modules.loss.MSELoss, and only weights and plain values are loaded"
    with pytest.raises(NoLoss, match=held):
        measure({}, file, 0)
    with pytest.raises(Refused, match=rf"{held}; load it in Python, by load_from_checkpoint"):
        predict(Winner({}, [file], rows))
