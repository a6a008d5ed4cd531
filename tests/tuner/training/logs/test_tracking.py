"""Trackers that are installed: the trials of a study stand together, each with its values and its outcome."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.trials.outcomes import Outcome
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import work
from tuner.preparation.prepare import prepare
from tuner.training.assignment import Tracked
from tuner.training.logs.tracking import KEY, OUTCOME, PARENT, SCORE, STUDY, TRIAL, begin, finish

pytestmark = IN_MEMORY

STUDY_FILE = """
study: {{name: tracked, metric: val_loss, trials: 8, seed: 3, exploration: 0.0}}
trainer:
  max_epochs: 9
  accelerator: cpu
  logger: {{class_path: pytorch_lightning.loggers.{logger}, init_args: {arguments}}}
model: {{class_path: {model}}}
space: {{add: {{model.init_args.width: {{low: 1, high: 8, type: int, default: 4}}}}}}
"""


def worked(
    folder: Path, logger: str, arguments: str, model: str = "tests.tuner.small_modules.Small"
) -> Ledger:
    """Work on a study whose trials a tracker is told of; some of them are pruned."""
    text = STUDY_FILE.format(logger=logger, arguments=arguments, model=model)
    ledger = create(
        open_database(f"sqlite:///{folder}/tuner.db"), prepare(parse_study_file(text, source="s")), text
    )
    work(ledger, folder)
    assert {record.outcome for record in ledger.records()} >= {Outcome.COMPLETED, Outcome.PRUNED}
    return ledger


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, by the tracker
def test_mlflow_shows_the_trials_of_a_study_under_one_run_and_none_as_failed(tmp_path: Path) -> None:
    """Each run is finished, tagged with outcome and score, and has the values as parameters."""
    mlflow = pytest.importorskip("mlflow")
    ledger = worked(tmp_path, "MLFlowLogger", f"{{tracking_uri: 'sqlite:///{tmp_path}/mlflow.db'}}")
    client = mlflow.tracking.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    (parent,) = [run for run in runs if KEY in run.data.tags]
    assert (parent.data.tags[KEY], parent.data.tags[STUDY]) == (ledger.slots.ledger, "tracked")
    children = {int(run.data.tags[TRIAL]): run for run in runs if TRIAL in run.data.tags}
    assert len(runs) == 1 + len(children)
    for record in ledger.records():
        run = children.pop(record.number)
        assert run.info.status == "FINISHED"
        assert run.data.tags[PARENT] == parent.info.run_id
        assert run.data.tags[OUTCOME] == (record.outcome and record.outcome.value)
        assert run.data.params == {name: str(value) for name, value in record.values.items()}
        assert run.data.metrics.get(SCORE) == record.score
    assert not children


class MLFlowLogger:
    """What is needed of one: a run of MLflow, and a client, whose runs begin at a time of its own clock.

    `is_blind` makes it see no run at its first look, as one that had looked before there was any;
    `before_tag` is called before it tags a run.
    """

    def __init__(self, uri: str, experiment: str, begins: int, *, is_blind: bool = False) -> None:
        from mlflow.tracking import MlflowClient

        own = self
        self.before_tag: Callable[[], object] = lambda: None

        class Client(MlflowClient):  # type: ignore[misc]
            def search_runs(self, *about: Any, **more: Any) -> Any:
                sees_none, own.is_blind = own.is_blind, False
                return [] if sees_none else super().search_runs(*about, **more)

            def create_run(self, *about: Any, **more: Any) -> Any:
                return super().create_run(*about, start_time=begins, **more)

            def set_tag(self, *about: Any, **more: Any) -> None:
                first, own.before_tag = own.before_tag, lambda: None
                first()
                super().set_tag(*about, **more)

        self.experiment, self.experiment_id, self.is_blind = Client(uri), experiment, is_blind
        self.run_id = self.experiment.create_run(experiment).info.run_id


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, by the tracker
@pytest.mark.parametrize("is_told_late", [True, False])
def test_two_workers_that_begin_at_once_never_leave_two_runs_of_one_study(
    tmp_path: Path, *, is_told_late: bool
) -> None:
    """Both saw none; the second makes one that began earlier, while the first tags its trial or after."""
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.tracking.MlflowClient(uri)
    experiment = client.create_experiment("tracked")
    one, other = (MLFlowLogger(uri, experiment, 20), MLFlowLogger(uri, experiment, 10, is_blind=True))
    told = [(one, Tracked("tracked", "key", 0)), (other, Tracked("tracked", "key", 1))]
    if is_told_late:
        one.before_tag = lambda: begin([other], told[1][1])
    begin([one], told[0][1])
    if is_told_late:
        for logger, tracked in told:
            finish([logger], tracked, None)
    else:
        begin([other], told[1][1])
    runs = client.search_runs([experiment])
    (parent,) = [run for run in runs if KEY in run.data.tags]
    assert parent.info.start_time == 10
    children = [run for run in runs if TRIAL in run.data.tags]
    assert [run.data.tags[PARENT] for run in children] == [parent.info.run_id] * 2


def test_tensorboard_has_the_outcome_and_the_values_of_each_trial(tmp_path: Path) -> None:
    """The folder of the study holds a folder for each trial, whose events say how it ended."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    ledger = worked(tmp_path, "TensorBoardLogger", "{}")
    for record in ledger.records():
        folder = tmp_path / f"trial-{record.number}" / "lightning_logs" / "version_0"
        events = EventAccumulator(str(folder)).Reload()
        (text,) = events.Tensors(f"{OUTCOME}/text_summary")
        assert text.tensor_proto.string_val[0].decode() == (record.outcome and record.outcome.value)
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        told = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
        assert told["model.init_args.width"].number_value == record.values["model.init_args.width"]
        assert told[OUTCOME].string_value == (record.outcome and record.outcome.value)
        if record.score is not None:
            assert events.Scalars(SCORE)[0].value == pytest.approx(record.score)


def test_weights_and_biases_groups_the_trials_of_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each offline run has the study as its group, and the outcome in its summary."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    ledger = worked(tmp_path, "WandbLogger", f"{{save_dir: {tmp_path}/wandb-runs, offline: true}}")
    files = sorted((tmp_path / "wandb-runs").rglob("run-*.wandb"))
    assert len(files) == len(ledger.records())
    for file in files:
        content = file.read_bytes()
        assert b"tracked" in content
        assert OUTCOME.encode() in content


class _Broken:
    """A tracker whose server is away."""

    def __getattr__(self, name: str) -> Any:
        raise ConnectionError("no server")


def test_a_tracker_that_is_away_ends_no_training(capfd: pytest.CaptureFixture[str]) -> None:
    """The training goes on, and a sentence of its log says what was not told."""
    from tuner.training.assignment import Tracked
    from tuner.training.logs.tracking import begin, finish

    logger = type("MLFlowLogger", (_Broken,), {})()
    begin([logger], Tracked("study", "key", 1))
    finish([logger], Tracked("study", "key", 1), None)
    assert capfd.readouterr().err.count("was not told of the study: ConnectionError: no server\n") == 2
