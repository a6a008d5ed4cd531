"""The catalogue on modules that know nothing of it."""

import yaml

from tests.tuner.command_line import CommandLine
from tests.tuner.preparation.drafting.shape import HEAD
from tests.tuner.preparation.drafting.shapes import SHAPES
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

STUDY = """
study: {{name: own, metric: {metric}, trials: 1}}
trainer: {{max_epochs: 2, accelerator: cpu}}
model: {model}
data: {{class_path: foreign_own.{data}}}
space: {space}
"""
CALLABLES = """{class_path: foreign_own.Own, init_args: {
  net: {class_path: foreign_own.Net},
  optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.02}},
  lr_scheduler: {class_path: torch.optim.lr_scheduler.ExponentialLR, init_args: {gamma: 0.9}}}}"""
PLAIN = "{class_path: foreign_own.Own}"


def write(
    tuner: CommandLine,
    shape: str,
    space: str,
    *,
    model: str = PLAIN,
    data: str = "Data",
    metric: str = "val_loss",
) -> None:
    """Write a module of that shape, and a study of it."""
    tuner.write("foreign_own.py", (HEAD + SHAPES[shape].source).format(package="pytorch_lightning"))
    tuner.write("study.yaml", STUDY.format(model=model, data=data, metric=metric, space=space))


def test_a_replaced_optimizer_is_announced_and_leaves_nothing_dead(tuner: CommandLine) -> None:
    """`use: optimizer` says what it replaces, scheduler included, and `best.yaml` holds none of that."""
    shape = "callables and a nested module"
    write(tuner, shape, "{use: optimizer}", model=CALLABLES)
    answer = tuner("run study.yaml --quiet")
    assert answer.code == 0
    assert "takes the place of Own.configure_optimizers: of its optimizer, and of its scheduler" in answer.err
    assert "optimizer, lr_scheduler of the module then does nothing" in answer.err
    best = yaml.safe_load((tuner.folder / "runs/own/best.yaml").read_text())
    assert list(best["model"]["init_args"]) == ["net"]
    assert best["optimizer"]["class_path"] == "torch.optim.AdamW"
    varied = "{add: {model.init_args.optimizer.init_args.lr: {low: 0.01, high: 0.1}}}"
    write(tuner, shape, varied, model=CALLABLES)
    answer = tuner("run study.yaml --quiet --name kept")
    assert (answer.code, answer.err) == (0, "")
    best = yaml.safe_load((tuner.folder / "runs/kept/best.yaml").read_text())
    assert best["model"]["init_args"]["lr_scheduler"]


def test_manual_optimization_takes_no_optimizer_of_the_study(tuner: CommandLine) -> None:
    """It is refused in plain words, before a study is made and where nothing was rehearsed."""
    write(tuner, "manual optimization", "{use: optimizer}", data="TrainData", metric="g_loss")
    answer = tuner("run study.yaml --quiet")
    assert (answer.code, "Own trains by manual optimization" in answer.sentence) == (2, True)
    assert "own" not in tuner("list").out
    answer = tuner("run study.yaml --quiet --no-rehearsal")
    assert (answer.code, "Own trains by manual optimization" in answer.err) == (1, True)


def test_data_without_a_length_are_told_what_to_write(tuner: CommandLine) -> None:
    """A decay by its timescale names the space that needs no length, and that one trains."""
    write(tuner, "data without a length", "{use: optimizer}", data="StreamData", metric="valid/rmse")
    answer = tuner("validate study.yaml")
    assert (answer.code, "`use: optimizer.rate`" in answer.err) == (2, True), answer.err
    write(tuner, "data without a length", "{use: optimizer.rate}", data="StreamData", metric="valid/rmse")
    assert tuner("run study.yaml --quiet").code == 0


def test_a_recipe_is_used_as_far_as_it_fits(tuner: CommandLine) -> None:
    """What a module does not take is named with what fits; `missing: skip` searches that."""
    write(tuner, "callables by default", "{use: recipe.quick}")
    sentence = tuner("run study.yaml").sentence
    assert "recipe.quick searches norm, norm.placement, dropout" in sentence
    assert "write `missing: skip` beside it to search what fits: optimizer." in sentence
    write(tuner, "callables by default", "{use: recipe.quick, missing: skip}")
    answer = tuner("run study.yaml --quiet")
    assert answer.code == 0, answer.err
    best = yaml.safe_load((tuner.folder / "runs/own/best.yaml").read_text())
    assert not {"norm", "dropout"} & set(best["model"].get("init_args") or {})
    write(tuner, "callables by default", "{use: dropout, missing: skip}")
    assert "nothing of it fits" in tuner("validate study.yaml").sentence
    write(tuner, "callables by default", "{use: recipe.quick, missing: all}")
    assert "must be `skip`" in tuner("validate study.yaml").sentence
