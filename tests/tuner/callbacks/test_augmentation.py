"""Augmented batches: pixels and targets agree, shares are as drawn, and off is off."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.configuration import configure
from search_spaces.space.parameters import default_values
from studies.shipped.catalogue import find_study_file
from tests.tuner.training.probes import read
from tuner.callbacks.augmentation import Augmentation, cutmix, cutout, mixup
from tuner.modules.convolution import ConvClassifier
from tuner.modules.layers import Residual
from tuner.preparation.prepare import prepare

SAMPLES, CLASSES, SIDE = 64, 5, 8


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Draw the same in any order of tests."""
    torch.manual_seed(0)


def numbered() -> tuple[Tensor, Tensor]:
    """Give images of two channels, image i filled with i, and their classes as probabilities."""
    x = torch.arange(float(SAMPLES))[:, None, None, None].expand(SAMPLES, 2, SIDE, SIDE).clone()
    return x, functional.one_hot(torch.arange(SAMPLES) % CLASSES, CLASSES).float()


def test_cutmix_gives_each_target_its_share_of_the_area() -> None:
    """Every pixel comes from the image or from one partner, and the target counts the pixels of each."""
    x, targets = numbered()
    areas = set()
    for _ in range(20):
        mixed, mixed_targets = cutmix(x, targets, 1.0)
        foreign = mixed != x
        assert torch.equal(foreign[:, 0], foreign[:, 1])
        area = float(foreign.double().mean(dim=(1, 2, 3)).max())
        areas.add(round(area, 6))
        for number in range(SAMPLES):
            others = mixed[number][foreign[number]].unique()
            assert len(others) <= 1
            partner = int(others[0]) if len(others) else number
            share = area if partner != number else 0.0
            expected = (1 - share) * targets[number] + share * targets[partner]
            torch.testing.assert_close(mixed_targets[number], expected)
    assert len(areas) > 5


def test_cutmix_mixes_the_share_of_batches_that_it_is_told() -> None:
    """With a probability of zero none, of a half about half."""
    x, targets = numbered()
    assert cutmix(x, targets, 0.0)[0] is x
    mixed = sum(cutmix(x, targets, 0.5)[0] is not x for _ in range(400))
    assert 150 < mixed < 250  # five standard deviations


def test_cutout_hides_one_square_of_some_images() -> None:
    """The share of images is as told; hidden is a square, cut off at the border, in all channels."""
    x = torch.ones(2000, 2, SIDE, SIDE)
    hidden = cutout(x, 0.3, 0.5) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    rows, columns = hidden[:, 0].any(dim=2), hidden[:, 0].any(dim=1)
    assert torch.equal(hidden[:, 0], rows[:, :, None] & columns[:, None, :])
    touched = rows.any(dim=1)
    assert 0.25 < float(touched.double().mean()) < 0.35  # five standard deviations
    heights = rows[touched].sum(dim=1)
    assert int(heights.max()) == 4
    assert int(heights.min()) >= 2  # half of it, where the centre lies at the border


def test_mixup_of_real_numbers_mixes_them_as_well() -> None:
    """Targets of a regression are mixed like class probabilities: y = 2 x stays y = 2 x."""
    x = torch.rand(16, 3)
    mixed, targets = mixup(x, 2 * x, 0.5)
    torch.testing.assert_close(targets, 2 * mixed)
    assert not torch.equal(mixed, x)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"mixup_alpha": -0.1}, "mixup_alpha >= 0 must hold"),
        ({"cutmix_probability": 1.1}, "0 <= cutmix_probability <= 1 must hold"),
        ({"cutout_patch": -1.0}, "0 <= cutout_patch <= 1 must hold"),
    ],
)
def test_an_augmentation_has_its_ranges(arguments: dict[str, float], said: str) -> None:
    """What is no share is refused with the rule."""
    with pytest.raises(ValueError, match=said):
        Augmentation(**arguments)


def test_vectors_have_no_squares() -> None:
    """Cutmix and cutout of vectors are refused with what to use instead."""
    with pytest.raises(ValueError, match=r"shape \(3, 4\); turn them off, or use mixup"):
        Augmentation(cutout_probability=0.5)(torch.rand(3, 4), torch.zeros(3, dtype=torch.int64), CLASSES)


@pytest.mark.parametrize("kind", ["none", "mixup", "cutmix", "cutout"])
def test_each_branch_augments_in_its_own_way_and_turns_the_others_off(kind: str) -> None:
    """A value of the study file `fashion` makes its network do that and nothing else, in training only."""
    left_over = {"mixup_alpha": 0.3, "cutmix_probability": 0.3, "cutout_probability": 0.3}
    sizes = {"widths": [4], "channels": 2, "classes": CLASSES}
    file = find_study_file("fashion", (f"model.init_args={left_over | sizes}",))
    assert file is not None
    study = prepare(file)
    values = default_values(study.space, {"augment": kind, "augment.cutmix.probability": 1.0})
    module = read(configure(study.fixed, study.space, values)).model
    x = torch.rand(SAMPLES, 2, SIDE, SIDE) + 0.1
    y = torch.arange(SAMPLES) % CLASSES
    augmented, targets = module.augmentation(x, y, CLASSES)
    assert (targets.ndim == 2) == (kind in {"mixup", "cutmix"})
    assert bool((augmented == 0).any()) == (kind == "cutout")
    assert torch.equal(augmented, x) == (kind == "none")
    assert torch.isfinite(module.training_step((x, y), 0))


def test_the_expectation_of_a_dropped_path_is_the_whole_one() -> None:
    """Over many draws the mean is what evaluation gives; a sample takes its branch whole or not at all."""
    residual, x = Residual(nn.Linear(4, 4), drop_path=0.3), torch.rand(1, 4)
    whole = residual.branch(x).detach()
    many = residual(x.expand(20_000, 4)).detach() - x
    dropped = (many == 0).all(dim=1)
    assert 0.28 < float(dropped.double().mean()) < 0.32  # six standard deviations
    torch.testing.assert_close(many[~dropped], (whole / 0.7).expand(int((~dropped).sum()), 4))
    torch.testing.assert_close(many.mean(dim=0), whole[0], atol=0.03, rtol=0)
    assert torch.equal(residual.eval()(x), x + residual.branch(x))
    with pytest.raises(ValueError, match="0 <= drop_path < 1 must hold"):
        Residual(nn.Linear(4, 4), drop_path=1.0)


def test_the_smoothing_of_labels_is_a_share() -> None:
    """All of a target cannot be spread."""
    with pytest.raises(ValueError, match="0 <= label_smoothing < 1 must hold"):
        ConvClassifier(label_smoothing=1.0)
