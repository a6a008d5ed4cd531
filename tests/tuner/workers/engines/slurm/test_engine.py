"""The engine on a real Slurm: what it refuses, what it tells of its workers, and what others can read."""

import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contracts.slurm import Cluster, missing, slurm
from tuner.errors import Refused
from tuner.workers.engines.engine import ENDED, WAITING, EngineAway, Order, Resources, WorkerState
from tuner.workers.engines.registry import engine_named
from tuner.workers.engines.slurm.engine import Slurm

PASSWORD = "hidden-from-others"  # noqa: S105 - of no account


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """Two workers of a study in a database that is not there."""
    launch = secrets.token_hex(6)
    return Order(
        launch=launch,
        engine="slurm",
        study="a 'study';",
        url=f"postgresql://tuner:{PASSWORD}@127.0.0.1:1/tuner",
        options=("--output", str(tmp_path)),
        folder=tmp_path / "a b'c" / launch,
        directory=tmp_path,
        workers=2,
        resources=Resources(),
        grace=1.0,
    )


@pytest.mark.parametrize(
    ("resources", "options", "sentence"),
    [
        (Resources(gpus=3), {}, "no node has what a worker needs; `sinfo -N -l` shows what they have"),
        (Resources(gpus=1), {"gpu": "a100"}, "no node has what a worker needs"),
        (Resources(cpus=50), {}, "no node has what a worker needs"),
        (Resources(memory=100.0), {}, "no node has what a worker needs"),
        (Resources(), {"partition": "no"}, "Invalid partition name specified'; `sinfo` lists the partitions"),
        (Resources(), {"constraint": "no"}, "Invalid feature specification'; `sinfo -N -o"),
        (Resources(), {"nodelist": "no"}, "Invalid node name specified'; `sinfo -N` lists the nodes"),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_what_no_node_has_is_refused_before_anything_is_made(
    order: Order, resources: Resources, options: dict[str, str], sentence: str
) -> None:
    """One sentence says what Slurm says and where to look."""
    with pytest.raises(Refused, match=sentence):
        engine_named("slurm", options).check(replace(order, resources=resources))
    assert not order.folder.exists()


@pytest.mark.usefixtures("cluster")
def test_more_workers_than_an_array_has_are_refused(order: Order) -> None:
    """Slurm's administrator has set how many tasks an array may have."""
    with pytest.raises(Refused, match="see MaxArraySize of `scontrol show config`; launch twice"):
        engine_named("slurm", {}).check(replace(order, workers=5000))


def test_where_slurm_is_not_installed_a_sentence_says_so(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its programs are looked for before anything else is asked of them."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match="sbatch, squeue, scancel, scontrol of Slurm cannot be found"):
        engine_named("slurm", {}).check(order)


def test_where_submitit_is_not_installed_a_sentence_says_what_to_type(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(Refused, match=r"needs submitit: pip install 'interplay-tuner\[slurm\]'"):
        engine_named("slurm", {}).check(order)


def test_submitit_is_imported_by_nothing_but_a_submission() -> None:
    """Whoever has no Slurm pays nothing for it."""
    code = (
        "import sys; from tuner.workers.engines.registry import engine_named; engine_named('slurm', {});"
        "import tuner.workers.engines.slurm.task; sys.exit('submitit' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_wait_say_why_hide_the_password_and_are_ended_by_another_process(
    order: Order, cluster: Cluster, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of the database is in no file and in nothing that Slurm shows."""
    cluster.call("scontrol", "update", "partition=main", "state=DOWN")
    monkeypatch.setenv("SBATCH_EXPORT", "NONE")
    monkeypatch.setenv("SBATCH_PARTITION", "elsewhere")  # sbatch takes it before what a script says
    try:
        job = engine_named("slurm", {"setup": "export ONE=1", "partition": "main"}).submit(
            replace(order, workers=workers)
        )
        another = Slurm.of({})  # as a later process makes it, by the identifier alone
        assert another.states(job) == [WorkerState(WAITING, "", "Slurm says PartitionDown")] * workers
        shown = cluster.call("scontrol", "show", "job") + cluster.call("squeue", "--format=%all")
        assert PASSWORD not in shown
        files = [path for path in order.folder.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
        assert (order.folder / "slurm").stat().st_mode & 0o777 == 0o700
        another.cancel(job, 1.0)
        assert {state.state for state in another.states(job)} == {ENDED}
        another.cancel(job, 1.0)  # what is over is left alone
    finally:
        cluster.call("scontrol", "update", "partition=main", "state=UP")


@pytest.mark.usefixtures("cluster")
def test_a_job_of_somebody_else_is_neither_shown_nor_ended(cluster: Cluster) -> None:
    """Numbers begin anew where a controller has lost its state, so the name of the job has to fit too."""
    said = cluster.call("sbatch", "--hold", "--output=/dev/null", "--wrap=sleep 60")
    number = said.split()[-1]
    job = f"{number}/tuner-0123456789ab/1/tuner"
    engine = Slurm.of({})
    assert engine.states(job) == []
    engine.cancel(job, 0.0)
    assert cluster.jobs() == [(number, "PENDING")]
    cluster.call("scancel", number)


@pytest.mark.usefixtures("cluster")
def test_a_job_of_another_cluster_is_not_taken_for_forgotten() -> None:
    """Its workers may go on, so its record is kept."""
    with pytest.raises(EngineAway, match="started on the cluster far, and this machine is of tuner"):
        Slurm.of({}).states("7/tuner-0123456789ab/1/far")


@pytest.mark.parametrize("job", ["1; rm", "1/tuner-x/1/a", "--all/tuner-0123456789ab/1/a"])
def test_a_record_that_no_launch_has_made_is_given_to_no_program(job: str) -> None:
    """Whoever may write to the database may write a record."""
    with pytest.raises(Refused, match="is none that --on slurm has made"):
        Slurm.of({}).cancel(job, 0.0)


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_controller_that_does_not_answer_ends_no_worker(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said to be away, and once it is back its jobs are found again."""
    with slurm(answer=2) as cluster:
        monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
        engine = engine_named("slurm", {})
        cluster.call("scontrol", "update", "partition=main", "state=DOWN")
        job = engine.submit(order)
        cluster.stop("slurmctld")
        with pytest.raises(EngineAway, match=r"controller is not reached: .*; look with `scontrol ping`"):
            engine.states(job)
        with pytest.raises(EngineAway):
            engine.check(order)
        cluster.start("slurmctld")
        assert [state.state for state in engine.states(job)] == [WAITING] * 2
        engine.cancel(job, 0.0)
