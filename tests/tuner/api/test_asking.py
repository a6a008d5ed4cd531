"""`Study.ask` and `Study.tell`: a program that trains the trials itself, in the study's slots."""

import gc
import importlib
import math
from collections.abc import Callable
from typing import Any

import pytest

from studies.errors import StudyFileError
from studies.trials.outcomes import Outcome
from tests.tuner.command_line import CommandLine
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tuner import Choice, Float, Group, Study
from tuner.api.asked import AskedTrial
from tuner.errors import Refused
from tuner.workers.worker import TrialLine

pytestmark = IN_MEMORY

SPACE = {
    "lr": Float(1e-3, 1.0, log=True, default=0.1),
    "optimizer": Choice({"sgd": Group({"momentum": Float(0.0, 0.9)}), "adam": Group()}),
}


def defined(name: str = "loop", trials: int = 4, **changes: Any) -> Study:
    """Make a study of a loop."""
    return Study.define(name, SPACE, metric="loss", trials=trials, epochs=4, **changes)


def asked(study: Study) -> AskedTrial:
    """Ask for a trial that has to be there."""
    trial = study.ask()
    assert trial is not None
    return trial


def spent(study: Study) -> tuple[int, int]:
    """Give how many slots are spent, and how many there are."""
    status = study.status()
    return status.done, status.slots


@pytest.mark.parametrize("window", [1, 2])
def test_no_trial_of_a_repeatable_study_is_asked_for_before_those_that_it_is_chosen_by(
    tuner: CommandLine, window: int
) -> None:
    """A loop that asks for more than that is told so, and does not take the study for over."""
    study = defined(settings={"repeatable": window, "exploration": 0.0})
    held = [asked(study) for _ in range(window)]
    for _ in range(2):
        with pytest.raises(Refused, match=f"repeatable: {window}.* tell trial 0 before you ask again"):
            study.ask()
    study.tell(held.pop(0), outcome="failed")  # its slot is tried once more, as a later trial
    held.append(again := asked(study))
    with pytest.raises(Refused, match=f"tell trial {again.number} before you ask again"):
        study.ask()
    held.sort(key=lambda trial: trial.slot)
    told = 0
    while trial := held.pop(0) if held else study.ask():
        study.tell(trial, 1.0)
        told += 1
    assert (told, spent(study)) == (4, (4, 4))


def test_a_loop_spends_its_slots_exactly_and_goes_on_after_a_crash(tuner: CommandLine) -> None:
    """A program that dies between two trials and begins again spends the slots of the study, and no more."""
    scores = []

    def work(study: Study, most: int) -> None:
        while most > 0 and (trial := study.ask()):
            most -= 1
            lr = float(trial["lr"])
            for epoch in range(4):
                if trial.report(abs(math.log10(lr) + 2) + 1 / (epoch + 1)):
                    break
            study.tell(trial)
            scores.append(trial.score)

    work(defined(), most=3)
    again = defined()
    work(again, most=9)
    assert spent(again) == (4, 4)
    assert len(scores) == 4
    best = again.best()
    assert best is not None
    told = [trial for trial in again.trials() if trial.outcome is Outcome.COMPLETED]
    assert best.trial.score == min(trial.score or math.inf for trial in told)
    assert tuner("status loop").out.startswith("loop: 4 of 4 slots are spent")


def test_no_wrong_word_changes_a_trial(tuner: CommandLine) -> None:
    """Each wrong call is one sentence; the trial runs on, and can be told as it ended."""
    study, other = defined(), defined("other")
    trial = asked(study)
    wrong: dict[str, Callable[[], object]] = {
        "has no score": lambda: study.tell(trial),
        "must be a finite number, but got nan": lambda: study.tell(trial, math.nan),
        "must be a finite number, but got inf": lambda: study.tell(trial, math.inf),
        "must be a number, but got 'low'": lambda: study.tell(trial, "low"),  # type: ignore[arg-type]
        "must be a number, but got True": lambda: trial.report(True),  # noqa: FBT003
        "must lie between": lambda: trial.report(10**5000),
        "'done' is none": lambda: study.tell(trial, outcome="done"),
        "has no score; leave out one": lambda: study.tell(trial, 1.0, outcome="failed"),
        "one of 'loop', and this study is 'other'": lambda: other.tell(trial, 1.0),
        "as Study.ask has given it, but got None": lambda: study.tell(None, 1.0),  # type: ignore[arg-type]
        "as Study.ask has given it, but got 0": lambda: study.tell(0, 1.0),  # type: ignore[arg-type]
        "no value of 'momentum'": lambda: trial["momentum"],
        "steps are whole numbers": lambda: trial.report(1.0, step=0),
        "names no module": study.run,
    }
    for sentence, call in wrong.items():
        with pytest.raises(Refused, match=sentence):
            call()
    assert spent(study) == (0, 4)
    study.tell(trial, 0.25)
    with pytest.raises(Refused, match=r"was told before, completed with 0\.25, which stays"):
        study.tell(trial, 0.5)
    with pytest.raises(Refused, match="was told before"):
        trial.report(0.5)
    (told,) = study.trials()
    assert (told.score, told.outcome, spent(study)) == (0.25, Outcome.COMPLETED, (1, 4))
    answer = tuner("worker loop --no-wait")
    assert (answer.code, "names no module" in answer.err) == (2, True)
    answer = tuner("best loop --export best.yaml")
    assert (answer.code, "no configuration for LightningCLI" in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("wrong", "kind", "sentence"),
    [
        ({"space": {"lr": 0.1}}, Refused, r"space: lr is 0.1; write such as tuner.Float\(0.0, 1.0\)"),
        ({"space": {"c": Choice({"a": Group({"x": 1})})}}, Refused, r"space.c.a: x is 1; write"),  # type: ignore[dict-item]
        ({"space": "recipe.quick"}, Refused, "space: must be a mapping .* but got 'recipe.quick'"),
        ({"space": {}}, Refused, "space: nothing varies"),
        ({"settings": [1]}, StudyFileError, r"settings: must be a mapping .* but got \[1\]"),
        ({"settings": {"name": "other"}}, StudyFileError, "settings: must not hold 'name'; give it as"),
        *(
            ({"epochs": epochs}, StudyFileError, f"epochs: must be a whole number .* but got {epochs!r}")
            for epochs in ("9", 0, -1, 2.5, True)
        ),
    ],
)
def test_what_defines_no_study_is_refused(
    tuner: CommandLine, wrong: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    """Each wrong argument is one sentence, and no study is made."""
    with pytest.raises(kind, match=sentence):
        Study.define(**{"name": "loop", "space": SPACE, "metric": "loss", **wrong})
    assert not (tuner.folder / "tuner.db").exists()


@pytest.mark.usefixtures("tuner")
def test_a_trial_that_diverged_stays_so() -> None:
    """Neither a score that is reported later nor one that it is told with makes it a completed one."""
    study = defined(trials=5, settings={"diverged_beyond": 10.0})
    study.tell(asked(study), 1e9)
    for told in ({"score": 0.3}, {"score": math.nan}, {"outcome": "pruned"}, {}):
        trial = asked(study)
        assert trial.report(math.nan)
        assert trial.report(0.1)
        study.tell(trial, **told)
    ended = study.trials()
    assert [trial.outcome for trial in ended] == [Outcome.DIVERGED] * 5
    assert ended[0].cause == "loss was 1e+09 at the end, beyond 10"
    assert {trial.cause for trial in ended[1:]} == {"loss was nan at step 1"}
    assert study.best() is None


def test_how_a_block_ends_is_told(tuner: CommandLine) -> None:
    """A block that raises fails its trial, one that meets NaN diverges, and Ctrl-C frees the slot."""
    study = defined(trials=3)
    with pytest.raises(ZeroDivisionError), asked(study):
        1 / 0  # noqa: B018
    with pytest.raises(KeyboardInterrupt), asked(study):
        raise KeyboardInterrupt
    with asked(study) as trial:
        assert trial.report(math.nan)
    with asked(study) as trial:
        trial.report(0.5)
    outcomes = [trial.outcome for trial in study.trials()]
    assert outcomes == [Outcome.FAILED, Outcome.PREEMPTED, Outcome.DIVERGED, Outcome.COMPLETED]
    assert study.trials()[1].values == study.trials()[2].values  # the interrupted one was tried again
    assert "loss was nan at step 1" in tuner("trial loop 2").out


def test_a_forgotten_trial_frees_its_slot(tuner: CommandLine) -> None:
    """A trial that nobody holds any more is renewed no longer, and its values come again."""
    study = defined(trials=1)
    study.ledger.slots.lease = 0.2
    values = asked(study).values
    gc.collect()
    again = asked(Study.open("loop"))  # waits for the lease to end
    assert again.values == values
    assert again.number == 1


@pytest.mark.parametrize("package", ["pytorch_lightning", "lightning.pytorch"])
def test_a_callback_reports_what_a_worker_would(
    tuner: CommandLine, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under plain Lightning the callback takes every validation's score, and a pruned fit stops there."""
    lightning = importlib.import_module(package)
    kind: Any = Small
    if package == "lightning.pytorch":
        methods = {name: value for name, value in vars(Small).items() if not name.startswith("__")}
        kind = type("Other", (lightning.LightningModule,), methods | {"__init__": _init(lightning)})
    study = Study.define("fits", {"width": Float(1.0, 8.0)}, metric="val_loss", trials=2, epochs=4)
    trial = asked(study)
    lightning.seed_everything(trial.seed, verbose=False)
    seen: list[float] = []

    class Record(lightning.Callback):  # type: ignore[misc, name-defined]
        def on_validation_end(self, trainer: Any, module: Any) -> None:
            if not trainer.sanity_checking:
                seen.append(float(trainer.callback_metrics["val_loss"]))

    def fit(trial: AskedTrial) -> Any:
        trainer = lightning.Trainer(
            max_epochs=4, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
            callbacks=[Record(), trial.callback(package)],
        )  # fmt: skip
        trainer.fit(kind())
        return trainer

    fit(trial)
    study.tell(trial)
    assert list(study.trials()[0].curve.values()) == seen
    assert study.trials()[0].score == min(seen)
    monkeypatch.setattr(TrialLine, "scored", lambda line, lane, step, score: step == 2)
    stopped = asked(study)
    trainer = fit(stopped)
    study.tell(stopped)
    assert (trainer.current_epoch, study.trials()[1].outcome) == (2, Outcome.PRUNED)


def _init(lightning: Any) -> Callable[[Any], None]:
    def init(self: Any) -> None:
        import torch

        lightning.LightningModule.__init__(self)
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 1))

    return init


@pytest.mark.usefixtures("tuner")
def test_a_program_tells_what_is_kept_and_repeats_by_itself() -> None:
    """A trial that lacks a metric, or whose is no number, goes on; a limit counts; repeats are workers'."""
    study = defined(settings={"keep_metrics": ["latency_ms"], "limits": {"latency_ms": "<= 5"}})
    for latency, score in ((4.0, 0.5), (6.0, 0.1)):
        trial = asked(study)
        with pytest.raises(Refused, match=r"has no 'latency_ms'.*trial.metrics\['latency_ms'\]"):
            study.tell(trial, score)
        for wrong in ("4 ms", None):
            trial.metrics["latency_ms"] = wrong  # type: ignore[assignment]
            with pytest.raises(Refused, match=rf"trial.metrics\['latency_ms'\] must be a number.*{wrong}"):
                study.tell(trial, score)
        trial.metrics["latency_ms"] = latency
        study.tell(trial, score)
    kept, broken = study.trials()
    assert (kept.metrics, kept.broken) == ({"latency_ms": 4.0}, ())
    assert (broken.score, broken.broken) == (0.1, ("latency_ms",))
    best = study.best()
    assert best is not None
    assert best.trial.number == kept.number
    with pytest.raises(Refused, match=r"trains each trial several times .* call Study.run"):
        defined("repeated", settings={"repeats": {"seeds": 3}}).ask()
