"""The diabetes data, standardized by its training part."""

import pytest
import torch
from sklearn.datasets import load_diabetes

from tuner.data import Diabetes


def test_every_patient_is_in_one_part_and_the_target_leads_back() -> None:
    """60, 20 and 20 % of 442 patients, whose progression returns in its own unit."""
    data = Diabetes()
    data.setup("fit")
    assert [len(y) for _, y in data.parts.values()] == [265, 88, 89]
    y = torch.cat([part[1] for part in data.parts.values()]) * data.target_scale + data.target_mean
    assert sorted(y.tolist()) == pytest.approx(sorted(load_diabetes().target), rel=1e-5)


def test_scales_are_those_of_the_training_part() -> None:
    """Measurements and target have mean 0 and deviation 1 in training."""
    data = Diabetes()
    data.setup("fit")
    for values in data.parts["train"]:
        assert values.mean(dim=0).abs().max() < 1e-5
        assert (values.std(dim=0, correction=0) - 1).abs().max() < 1e-5
