"""Fashion-MNIST from its four files."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tuner.data.idx_files import write_fashion, write_idx
from tuner.data import FashionMNIST
from tuner.errors import BadData

LABELS = "train-labels-idx1-ubyte.gz"


def fashion(root: Path, stage: str = "fit", **options: float) -> FashionMNIST:
    """Read what a stage needs."""
    data = FashionMNIST(str(root), **options)
    data.setup(stage)
    return data


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_images_lie_in_the_unit_interval_and_keep_their_class(tmp_path: Path, suffix: str) -> None:
    """Every image is `(1, 28, 28)`, its bytes divided by 255, beside the class that its file gives it."""
    write_fashion(tmp_path, suffix=suffix)
    data = fashion(tmp_path)
    x, y = data.parts["train"]
    assert (x.shape, x.dtype, y.dtype) == ((500, 1, 28, 28), torch.float32, torch.int64)
    assert (x.min().item(), x.max().item()) == (0.0, 1.0)
    assert torch.equal((x.sum(dim=(1, 3)).argmax(dim=1) - 3) / 2, y.float())
    assert len(data.parts["val"][0]) == 100


def test_validation_holds_every_class_alike_and_the_split_seed_decides(tmp_path: Path) -> None:
    """A sixth of the images for training is for validation, or the share that is asked for."""
    write_fashion(tmp_path)
    data = fashion(tmp_path)
    assert torch.bincount(data.parts["val"][1]).tolist() == [10] * 10
    assert torch.equal(fashion(tmp_path).parts["val"][0], data.parts["val"][0])
    assert not torch.equal(fashion(tmp_path, split_seed=1).parts["val"][0], data.parts["val"][0])
    assert len(fashion(tmp_path, val_share=0.5).parts["val"][0]) == 300


def test_the_test_files_are_not_read_while_tuning(tmp_path: Path) -> None:
    """Training and validation work without the files of the test part; testing reads these alone."""
    write_fashion(tmp_path)
    assert len(fashion(tmp_path, "test").parts["test"][0]) == 100
    assert set(fashion(tmp_path, "test").parts) == {"test"}
    for path in tmp_path.glob("t10k*"):
        path.unlink()
    assert set(fashion(tmp_path).parts) == {"train", "val"}
    with pytest.raises(BadData, match="t10k-images-idx3-ubyte cannot be read"):
        fashion(tmp_path, "test")


def test_without_the_files_it_is_said_how_to_get_them(tmp_path: Path) -> None:
    """The sentence names the folder, Debian's package, the four files and the key."""
    with pytest.raises(BadData) as refusal:
        fashion(tmp_path)
    sentence = str(refusal.value)
    for told in (
        str(tmp_path),
        "apt-get install dataset-fashion-mnist",
        "train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz]",
        "t10k-images-idx3-ubyte[.gz], t10k-labels-idx1-ubyte[.gz]",
        "--set data.init_args.root=FOLDER",
    ):
        assert told in sentence


DAMAGED = {
    "no gzip": (b"junk", "is no gzip file, or is cut off"),
    "cut off": (gzip.compress(b"junk" * 100)[:-9], "is no gzip file, or is cut off"),
    "short": (gzip.compress(b"\0\0\x08\x01"), "is no IDX file of bytes in 1 dimensions"),
    "other numbers": (gzip.compress(b"\0\0\x0d\x01\0\0\0\x01\0"), "is no IDX file of bytes in 1 dimensions"),
    "too short": (gzip.compress(b"\0\0\x08\x01\0\0\0\x09\0"), "promises 9 bytes but holds 1"),
}


@pytest.mark.parametrize(("content", "said"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """A file that is cut off, or something else, is told by its name."""
    write_fashion(tmp_path)
    (tmp_path / LABELS).write_bytes(content)
    with pytest.raises(BadData, match=f"{LABELS} {said}.*; copy it anew"):
        fashion(tmp_path)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(599, dtype=np.uint8), "holds 600 train images but 599 labels"),
        (np.full(600, 26, dtype=np.uint8), "holds the class 26, but there are 10, from 0"),
        (np.arange(600) == 0, "600 images cannot be split by class"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, labels: np.ndarray, said: str) -> None:
    """Labels of another set, or too few of a class, are told."""
    write_fashion(tmp_path)
    write_idx(tmp_path / LABELS, labels.astype(np.uint8))
    with pytest.raises(BadData, match=said):
        fashion(tmp_path)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_that_leaves_a_part_empty_is_refused(share: float) -> None:
    """Training and validation both get something."""
    with pytest.raises(ValueError, match="0 < val_share < 1 must hold"):
        FashionMNIST(val_share=share)


@pytest.mark.skipif("TUNER_TEST_FASHION" not in os.environ, reason="TUNER_TEST_FASHION names no folder of it")
def test_the_real_files_are_read() -> None:
    """60,000 images of ten classes alike, a sixth of them for validation, and 10,000 for testing."""
    root = Path(os.environ["TUNER_TEST_FASHION"])
    data, tested = fashion(root), fashion(root, "test")
    sizes = {part: len(y) for part, (_, y) in (data.parts | tested.parts).items()}
    assert sizes == {"train": 50_000, "val": 10_000, "test": 10_000}
    assert torch.bincount(data.parts["train"][1]).tolist() == [5_000] * 10
    x = data.parts["train"][0]
    assert (x.shape[1:], x.min().item(), x.max().item()) == ((1, 28, 28), 0.0, 1.0)
    both = torch.cat([x, data.parts["val"][0]])
    assert (both.mean().item(), both.std().item()) == pytest.approx((0.2860, 0.3530), abs=1e-4)
