"""What a user's table becomes: features, targets, parts."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tests.tuner.data.tables import ROWS, patients, read
from tests.tuner.training.by_processes import train
from tuner.data import Table
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import End, Fit, Raised

PARTS = ("train", "val", "test")


def column(table: Table, name: str, part: str = "train") -> Tensor:
    """One feature of a part."""
    return table.parts[part][0][:, table.feature_names.index(name)]


def rows_of(table: Table, part: str) -> list[int]:
    """The numbers of a part's rows, if these are the target."""
    return [round(y) for y in (table.parts[part][1] * table.target_scale + table.target_mean).tolist()]


def test_a_csv_and_a_parquet_file_of_one_table_are_one(tmp_path: Path) -> None:
    """Numbers, categories, true and false, and gaps in them, read alike from both."""
    frame = patients()
    frame.loc[3:20, "age"] = np.nan
    frame.loc[15:30, "kind"] = None
    first, second = read(tmp_path, frame), read(tmp_path, frame, name="patients.parquet")
    assert first.feature_names == second.feature_names
    for part in PARTS:
        for one, other in zip(first.parts[part], second.parts[part], strict=True):
            assert torch.allclose(one, other)


def test_features_are_named_and_are_single_precision(tmp_path: Path) -> None:
    """A number is one feature, a category one for each of its values; classes are in the order of names."""
    table = read(tmp_path, patients())
    assert table.feature_names == ("age", "smokes", "kind=a", "kind=b", "kind=c")
    assert (table.features, table.classes, table.class_names) == (5, 2, ("no", "yes"))
    x, y = next(iter(table.train_dataloader()))
    assert (x.shape, x.dtype, y.dtype) == ((120, 5), torch.float32, torch.int64)
    assert table.loss_weights is None


def test_values_arrive_at_their_place(tmp_path: Path) -> None:
    """Every row keeps its own numbers, categories and target, in every part."""
    frame = patients(row=np.arange(ROWS))
    table = read(tmp_path, frame, target="row")
    assert table.classes is None
    trained = frame.iloc[rows_of(table, "train")]
    for part in PARTS:
        of_part = frame.iloc[rows_of(table, part)]
        scaled = (of_part["age"] - trained["age"].mean()) / trained["age"].std(ddof=0)
        assert column(table, "age", part).numpy() == pytest.approx(scaled.to_numpy(), abs=1e-5)
        assert column(table, "kind=b", part).bool().tolist() == (of_part["kind"] == "b").tolist()
        assert column(table, "ill=yes", part).bool().tolist() == (of_part["ill"] == "yes").tolist()
    of_kind = read(tmp_path, patients(), target="kind")
    assert (of_kind.class_names, of_kind.classes) == (("a", "b", "c"), 3)


def test_every_row_is_in_exactly_one_part(tmp_path: Path) -> None:
    """60, 20 and 20 % of the rows, or as the shares say, and as the split seed decides."""
    frame = patients(row=np.arange(ROWS))
    table = read(tmp_path, frame, target="row")
    assert [len(table.parts[part][1]) for part in PARTS] == [120, 40, 40]
    assert sorted(row for part in PARTS for row in rows_of(table, part)) == list(range(ROWS))
    other = read(tmp_path, frame, target="row", split_seed=1)
    assert set(rows_of(other, "test")) != set(rows_of(table, "test"))
    shared = read(tmp_path, frame, target="row", val_share=0.1, test_share=0.3)
    assert [len(shared.parts[part][1]) for part in PARTS] == [120, 20, 60]


def test_parts_hold_every_class_in_proportion(tmp_path: Path) -> None:
    """Of a class with 37 of 200 rows each part has its share to within two rows, one for each split."""
    frame = patients(ill=["yes"] * 37 + ["no"] * 163)
    table = read(tmp_path, frame)
    for part, share in zip(PARTS, (0.6, 0.2, 0.2), strict=True):
        assert abs(table.parts[part][1].sum().item() - share * 37) < 2


def test_no_group_is_in_two_parts(tmp_path: Path) -> None:
    """The rows of one value of `group` stay together, and the group is not learnt from."""
    frame = patients(row=np.arange(ROWS), clinic=np.arange(ROWS) % 20)
    table = read(tmp_path, frame, target="row", group="clinic")
    clinics = [{row % 20 for row in rows_of(table, part)} for part in PARTS]
    assert [len(found) for found in clinics] == [12, 4, 4]
    assert set.union(*clinics) == set(range(20))
    assert "clinic" not in table.feature_names


@pytest.mark.parametrize("name", ["visits.csv", "visits.parquet"])
def test_parts_follow_one_another_in_time(tmp_path: Path, name: str) -> None:
    """With `time` the earliest rows train, the latest test, rows of one day stay together, in any order."""
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS) // 2, unit="D")
    frame = patients(row=np.arange(ROWS), day=days).sample(frac=1, random_state=0)
    table = read(tmp_path, frame, name=name, target="row", time="day")
    train, val, test = (rows_of(table, part) for part in PARTS)
    assert sorted(train) == list(range(120))
    assert sorted(val) == list(range(120, 160))
    assert sorted(test) == list(range(160, 200))
    assert "day" not in table.feature_names
    odd = read(tmp_path, frame, name=name, target="row", time="day", val_share=0.205, test_share=0.2)
    assert sorted(rows_of(odd, "val")) == list(range(118, 160))


def test_everything_is_estimated_on_the_training_part(tmp_path: Path) -> None:
    """Numbers and categories of the other parts, however strange, change nothing in the training part."""
    frame = patients(row=np.arange(ROWS))
    frame.loc[::7, "age"] = np.nan
    before = read(tmp_path, frame, target="row", time="row")
    frame.loc[120:, "age"] = 1e6
    frame.loc[120:, "kind"] = "unheard of"
    after = read(tmp_path, frame, target="row", time="row")
    assert after.feature_names == before.feature_names
    for one, other in zip(before.parts["train"], after.parts["train"], strict=True):
        assert torch.equal(one, other)
    kinds = [f"kind={kind}" for kind in "abc"]
    assert sum(column(after, kind, "val").sum().item() for kind in kinds) == 0
    assert (before.target_mean, before.target_scale) == (59.5, np.std(np.arange(120)))


def test_a_missing_number_is_the_median_and_is_marked(tmp_path: Path) -> None:
    """An indicator tells where a number was missing; a column with gaps outside of training only has none."""
    frame = patients(row=np.arange(ROWS), late=np.arange(ROWS) % 10)
    frame.loc[:39, "age"] = np.nan
    frame["late"] = frame["late"].where(frame["row"] < 150)
    table = read(tmp_path, frame, target="row", time="row", ignore=["kind", "smokes", "ill"])
    assert table.feature_names == ("age", "late", "missingindicator_age")
    marked = column(table, "missingindicator_age").bool()
    assert marked.tolist() == [row < 40 for row in rows_of(table, "train")]
    known = frame["age"][40:120]
    filled = np.where(np.arange(120) < 40, known.median(), frame["age"][:120])
    expected = (known.median() - filled.mean()) / filled.std()
    assert column(table, "age")[marked].numpy() == pytest.approx(expected, abs=1e-5)


def test_a_missing_category_is_a_category(tmp_path: Path) -> None:
    """Gaps in a column of text have a feature of their own."""
    frame = patients()
    frame.loc[::3, "kind"] = None
    table = read(tmp_path, frame)
    assert table.feature_names[-1] == "kind=(missing)"
    total = sum(column(table, "kind=(missing)", part).sum().item() for part in PARTS)
    assert total == frame["kind"].isna().sum()


def test_rare_categories_share_a_feature(tmp_path: Path) -> None:
    """A column makes a hundred features at most, so that no column of codes fills the memory."""
    table = read(tmp_path, patients(code=np.arange(ROWS) % 150), categorical=["code"], ignore=["kind"])
    assert table.features == 102
    assert "code=(infrequent)" in table.feature_names


def test_quantile_scaling_is_deaf_to_outliers(tmp_path: Path) -> None:
    """One number far out squeezes the others under standard scaling, and does not under that by quantiles."""
    frame = patients(income=np.arange(ROWS, dtype=float))
    frame.loc[:9, "income"] = 1e9
    spread = {}
    for scaling in ("standard", "quantile"):
        income = column(read(tmp_path, frame, scaling=scaling), "income").numpy()
        spread[scaling] = np.ptp(np.quantile(income, [0.25, 0.75]))
    assert spread["standard"] < 1e-3
    assert spread["quantile"] == pytest.approx(2 * 0.674, abs=0.05)


@pytest.mark.parametrize(
    ("target", "options", "classes"),
    [
        (["no", "yes"], {}, ("no", "yes")),
        ([False, True], {}, ("False", "True")),
        ([0.0, 1.0], {}, ("0.0", "1.0")),
        (["1", "2", "3+"], {}, ("1", "2", "3+")),
        (list(range(20)), {}, tuple(map(str, range(20)))),
        (list(range(21)), {}, ()),
        ([0.5, 1.0], {}, ()),
        ([0, 1], {"task": "regression"}, ()),
        (list(range(25)), {"task": "classification"}, tuple(map(str, range(25)))),
    ],
)
def test_the_target_decides_the_task_unless_it_is_told(
    tmp_path: Path, target: list[object], options: dict[str, str], classes: tuple[str, ...]
) -> None:
    """Text, true and false and a few whole numbers are classes, other numbers a quantity."""
    table = read(
        tmp_path, patients(y=[target[row % len(target)] for row in range(ROWS)]), target="y", **options
    )
    assert table.class_names == classes
    assert table.parts["train"][1].dtype == (torch.int64 if classes else torch.float32)


def test_a_quantity_is_standardized_by_the_training_part(tmp_path: Path) -> None:
    """A regression's target has mean 0 and deviation 1 in training; `target_mean` and `_scale` lead back."""
    table = read(tmp_path, patients(), target="age")
    y = table.parts["train"][1]
    assert (y.mean().item(), y.std(correction=0).item()) == pytest.approx((0, 1), abs=1e-5)
    everything = torch.cat([table.parts[part][1] for part in PARTS]) * table.target_scale + table.target_mean
    assert sorted(everything.tolist()) == pytest.approx(sorted(patients()["age"]), rel=1e-5)


def test_balanced_weights_let_every_class_count_alike(tmp_path: Path) -> None:
    """Weights are in inverse proportion to the rows in training, and one on average over these."""
    table = read(tmp_path, patients(ill=["yes"] * 40 + ["no"] * 160), class_weights="balanced")
    weights, counts = table.loss_weights, torch.bincount(table.parts["train"][1])
    assert weights is not None
    assert (weights * counts).tolist() == pytest.approx([60.0, 60.0])


def test_a_table_is_read_once_for_the_trials_of_a_study(tmp_path: Path) -> None:
    """Trials are trained in processes of their own; of two, one reads the file, and both once it has changed.

    A read is noticed by what it would say of a file that holds no table any more.
    """
    path = tmp_path / "patients.csv"
    patients().to_csv(path, index=False)
    network = {"hidden": [4], "features": None, "classes": None}
    configuration = {
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
        "model": {"class_path": "tuner.modules.MLPClassifier", "init_args": network},
        "data": {
            "class_path": "tuner.data.Table",
            "init_args": {"path": str(path), "target": "ill"},
        },
        "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}},
    }
    task = Assignment(
        configuration,
        seed=1,
        objective=Objective("val_loss"),
        threads=1,
        tables=tmp_path / "tables",
        log=tmp_path / "log",
    )

    def trained() -> End:
        return train(task)

    first, state = trained(), path.stat()
    assert isinstance(first, Fit), first
    path.write_bytes(b"x" * state.st_size)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    second = trained()
    assert isinstance(second, Fit), second
    assert second.scores == first.scores
    os.utime(path)
    assert isinstance(trained(), Raised)


def test_a_large_part_is_held_out_in_several_batches(tmp_path: Path) -> None:
    """Ten thousand rows at most are validated at once, in their order, so that the memory suffices."""
    frame = pd.concat([patients()] * 300, ignore_index=True)
    table = read(tmp_path, frame)
    assert [len(y) for _, y in table.val_dataloader()] == [10_000, 2_000]


def test_a_table_says_that_it_has_not_been_read() -> None:
    """What the file tells is not known before `setup`."""
    with pytest.raises(RuntimeError, match=r"call setup\('fit'\) first"):
        _ = Table("patients.csv", "ill").features
