"""Fashion-MNIST, or any set in its format: four IDX files in a folder."""

from pathlib import Path

import torch
from pytorch_lightning import LightningDataModule
from sklearn.model_selection import train_test_split

from tuner.data.batches import Batch
from tuner.data.idx import read_idx
from tuner.data.parts import PartsHooks
from tuner.errors import BadData

DEBIAN = "/usr/share/datasets/fashion-mnist"  # where Debian's package puts the files
FILES = {  # part of the set -> its images, its labels
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
BRIGHTEST = 255.0


class FashionMNISTHooks(PartsHooks):
    """Fashion-MNIST (Xiao et al. 2017): 28 x 28 grey images in [0, 1] of ten kinds of clothes.

    Of the 60,000 images for training, `val_share` are for validation, each class in proportion, as
    `split_seed` decides. The 10,000 others are the test part, and their files are not even read while tuning.
    A batch holds images `(batch, 1, 28, 28)` and classes `(batch,)`. MNIST and KMNIST, which are the same
    four files, do as well.

    Args:
        root: the folder of the four files, compressed (`*.gz`) or not; as it stands, where Debian's package
            `dataset-fashion-mnist` puts them.
        batch_size: images of a training batch.
        val_share: above 0 and below 1.
        split_seed: alone decides which images are for validation.

    Raises:
        ValueError: `batch_size` is below 1, or `val_share` is no share.
        BadData: in `setup`, a file is missing or damaged.
    """

    features = 28 * 28
    channels = 1
    classes = 10
    held_out_batch = 1_000  # what a convolution makes of an image takes far more memory than the image

    def __init__(
        self, root: str = DEBIAN, batch_size: int = 128, val_share: float = 1 / 6, split_seed: int = 0
    ) -> None:
        super().__init__(batch_size)
        if not 0 < val_share < 1:
            raise ValueError(f"0 < val_share < 1 must hold, but got val_share={val_share}; 1/6 is usual")
        self.root = Path(root).expanduser()
        self.val_share = val_share
        self.split_seed = split_seed

    def load(self, stage: str) -> None:
        """Read what a stage needs, once: the images for training and validation, or those for testing."""
        if stage == "test":
            if "test" not in self.parts:
                self.parts["test"] = self._read("test")
        elif "train" not in self.parts:
            x, y = self._read("train")
            try:
                train, val = train_test_split(
                    torch.arange(len(y)).numpy(),
                    test_size=self.val_share,
                    stratify=y.numpy(),
                    random_state=self.split_seed,
                )
            except ValueError as error:
                raise BadData(
                    f"{self.root}: {len(y)} images cannot be split by class: {str(error).rstrip('.')}."
                ) from error
            self.parts |= {"train": (x[train], y[train]), "val": (x[val], y[val])}

    def _read(self, part: str) -> Batch:
        images_name, labels_name = FILES[part]
        try:
            images, labels = read_idx(self.root, images_name, 3), read_idx(self.root, labels_name, 1)
        except OSError as error:
            raise BadData(
                f"{error.filename} cannot be read: {error.strerror}; apt-get install dataset-fashion-mnist "
                f"(Debian), or put {', '.join(f'{name}[.gz]' for pair in FILES.values() for name in pair)} "
                f"into a folder and name it: --set data.init_args.root=FOLDER."
            ) from error
        if len(images) != len(labels):
            raise BadData(f"{self.root} holds {len(images)} {part} images but {len(labels)} labels.")
        if labels.size and labels.max() >= self.classes:
            raise BadData(
                f"{self.root} holds the class {labels.max()}, but there are {self.classes}, from 0."
            )
        # Made to floats once and not for each batch: four times the memory, and no work while training.
        x = torch.tensor(images, dtype=torch.float32).unsqueeze(1).div_(BRIGHTEST)
        return x, torch.tensor(labels, dtype=torch.int64)


class FashionMNIST(FashionMNISTHooks, LightningDataModule):
    """Hand out Fashion-MNIST, as `FashionMNISTHooks` does, to a trainer of `pytorch_lightning`."""
