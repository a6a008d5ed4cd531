"""What LightningCLI itself cannot make is refused by a sentence, and the lines beside it adapt it."""

from pathlib import Path

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.preparation.drafting.shape import HEAD
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

MODULES = """
class Template(LightningModule):
    def __init__(self, net: torch.nn.Module, optimizer: torch.optim.Optimizer,
                 scheduler: torch.optim.lr_scheduler, compile: bool):
        super().__init__()
        self.save_hyperparameters(logger=False, ignore=["net"])
        self.net = net

    def training_step(self, batch, batch_idx):
        return self.net(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.net(batch).square().mean())

    def configure_optimizers(self):
        optimizer = self.hparams.optimizer(params=self.parameters())
        scheduler = self.hparams.scheduler(optimizer=optimizer)
        return {{"optimizer": optimizer, "lr_scheduler": {{"scheduler": scheduler, "monitor": "val/loss"}}}}

class Weighted(LightningModule):
    def __init__(self, weights: torch.Tensor, lr: float = 0.1):
        super().__init__()

class Asking(LightningModule):
    def __init__(self, in_dim: int, lr: float):
        super().__init__()
        self.lr, self.layer = lr, nn.Linear(in_dim, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch).square().mean()
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("quality", -self.layer(batch).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

def untold():
    return Asking(2, 0.1)

class Alone(LightningCLI):
    def __init__(self):
        super().__init__(Asking)

class Net(nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.layer = nn.Linear(2, width)

    def forward(self, x):
        return self.layer(x)
"""


@pytest.fixture
def own(tuner: CommandLine) -> CommandLine:
    """The command line in a folder with modules that LightningCLI cannot make as they are."""
    tuner.write("refused_modules.py", (HEAD + MODULES).format(package="lightning.pytorch"))
    return tuner


def test_partial_optimizers_are_refused_with_what_adapts_them(own: CommandLine) -> None:
    """The lines that are printed make a module of which `init` and `validate` make a study."""
    answer = own("init --model refused_modules.Template --data refused_modules.Data")
    assert (answer.code, answer.out) == (2, "")
    sentence, _, lines = answer.err.partition("\n")
    assert sentence.startswith("Error: refused_modules.Template takes an optimizer or a scheduler ready-made")
    assert "LightningCLI itself cannot make one" in sentence
    assert len(lines.splitlines()) <= 22
    own.write("adapted.py", lines)
    own.write(
        "config.yaml",
        "trainer: {max_epochs: 2}\nmodel:\n  class_path: adapted.AdaptedTemplate\n"
        "  init_args: {net: {class_path: refused_modules.Net}, compile: false}\n"
        "data: {class_path: refused_modules.Data}\n",
    )
    answer = own("init --config config.yaml --output study.yaml")
    assert (answer.code, answer.err) == (0, "")
    text = Path("study.yaml").read_text()
    assert "model.init_args.optimizer.init_args.lr: {low: 3.0e-05, high: 0.03" in text
    answer = own("validate study.yaml")
    assert answer.code == 0, answer.err + answer.out + text


def test_a_tensor_is_refused_with_what_adapts_it(own: CommandLine) -> None:
    """An argument without a default that is no plain value cannot stand in a configuration."""
    answer = own("init --model refused_modules.Weighted")
    assert answer.code == 2
    assert "needs weights: Tensor, which is no plain value and has no default" in answer.err
    assert "weights=torch.load(weights_file)" in answer.err


def test_a_configuration_of_hydra_is_refused(own: CommandLine) -> None:
    """`_target_` is not LightningCLI's."""
    own.write("config.yaml", "model:\n  _target_: refused_modules.Template\n  optimizer: {_partial_: true}\n")
    answer = own("init --config config.yaml")
    assert answer.code == 2
    assert answer.err.startswith("Error: config.yaml: model._target_ is hydra's, and LightningCLI itself")
    assert "class_path: my_package.MyModule" in answer.err


def test_what_nobody_can_know_is_asked(own: CommandLine) -> None:
    """A value without a default and an unknown direction are marked; `validate` accepts the answers."""
    answer = own("init --model refused_modules.Asking --data refused_modules.Data")
    assert answer.code == 0
    assert "# Lines to answer first, marked ANSWER: 3.\n" in answer.out
    assert "in_dim: null  # ANSWER: int, without a default" in answer.out
    assert "direction: minimize  # ANSWER: minimize or maximize" in answer.out
    own.write(
        "study.yaml", answer.out.replace("in_dim: null", "in_dim: 2").replace(": minimize", ": maximize")
    )
    answer = own("validate study.yaml")
    assert answer.code == 0, answer.err


SENTENCES = {
    "init": "name your module by --model my_package.MyModule, or a configuration by --config FILE.",
    "init --model refused_modules.Askin": "did you mean refused_modules.Asking?",
    "init --model refused_modules.Data": "model.class_path: refused_modules.Data makes no LightningModule",
    "init --model refused_modules.untold": "does not say which class it returns",
    "init --model refused_modules.Asking --data refused_modules.Net": "is no LightningDataModule",
    "init --model refused_modules.Asking --cli refused_modules.Net": "no subclass of lightning.pytorch.cli",
    "init --model refused_modules.Asking --cli refused_modules.Alone": "Alone cannot be called as",
    "init --config none.yaml": "none.yaml: the configuration cannot be read: No such file or directory",
    "init --config list.yaml": "is no configuration of LightningCLI",
    "init --config classless.yaml": "model: does not name its class; give it by --model",
    "init --config unknown.yaml": "model.init_args.depth: Asking takes no such argument",
    "init --config adding.yaml": "early: is an argument that a subclass of LightningCLI adds",
    "init --config environment.yaml": "refers to ${oc.env:HOME}, which this configuration does not hold",
    "init --model refused_modules.Asking --output list.yaml": "list.yaml exists, and nothing is overwritten",
}
FILES = {
    "list.yaml": "[1]",
    "classless.yaml": "model: {lr: 0.1}",
    "unknown.yaml": "model: {class_path: refused_modules.Asking, init_args: {depth: 1}}",
    "adding.yaml": "model: {class_path: refused_modules.Asking}\nearly: {patience: 3}",
    "environment.yaml": 'model: {class_path: refused_modules.Asking, init_args: {lr: "${oc.env:HOME}"}}',
}


def test_no_wrong_request_gets_more_than_a_sentence(own: CommandLine) -> None:
    """Each says what was given, the rule and the next step, and nothing is written."""
    for name, text in FILES.items():
        own.write(name, text)
    for line, said in SENTENCES.items():
        answer = own(line)
        assert (line, answer.code, answer.out) == (line, 2, "")
        assert said in answer.sentence
    assert Path("list.yaml").read_text() == "[1]"
