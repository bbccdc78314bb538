import os
import signal
import time

import pytest

FLAGS = ("--config=configs/dcgan.py", "--workdir=/shared/a run", "--config.note=it's $HOME")
JOB = dict(SLURM_JOB_ID="7")


def batch(cluster, *flags, **environment):
    """The job as SLURM starts it, from a copy of the script in its own folder."""
    cluster.run("slurm.sh", "--gpus_per_node=0", "--", *FLAGS)  # Submitting installs the package.
    copied = cluster.root / "launch" / "spooled"
    (cluster.root / "launch" / "slurm.sh").rename(copied)
    return cluster.start("spooled", "batch", str(cluster.root), *flags, **{**JOB, **environment})


def ended(process):
    """Exit code and stderr of a job."""
    _, err = process.communicate(timeout=30)
    return process.returncode, err


def tasks(cluster):
    """Process ids of both tasks, once they are training."""
    logs = [cluster.root / f"runs/slurm/7-0.{task}.log" for task in "01"]
    last = time.monotonic() + 30
    while not all(log.exists() and "started" in log.read_text() for log in logs):
        assert time.monotonic() < last, "no training"
        time.sleep(0.05)
    return [int(pid) for pid in (cluster.stubs / "tasks").read_text().split()]


def asked(cluster):
    """The calls of scontrol."""
    return [call[1:] for call in cluster.recorded("calls") if call[0] == "scontrol"]


SHOW, REQUEUE = ["show", "job", "--oneliner", "7"], ["requeue", "7"]


@pytest.mark.parametrize(
    "options, resources, extras",
    [
        (
            ("--nodes=2", "--gpus_per_node=4"),
            ["--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4"],
            "[cuda]",
        ),
        (("--gpus_per_node=0",), ["--nodes=1", "--ntasks-per-node=1"], ""),
    ],
)
def test_submits_one_task_a_gpu_or_a_node(cluster, options, resources, extras):
    code, out, err = cluster.run("slurm.sh", *options, "--time=12:00:00", "--", *FLAGS)
    assert (code, out) == (0, "Submitted batch job 7\n")
    (installing,) = err.splitlines()
    assert installing.startswith("installing into ")
    root = str(cluster.root)
    assert cluster.recorded("calls") == [[
        "sbatch", *resources, "--signal=TERM@120", "--requeue", "--open-mode=append",
        "--job-name=gan_jax-_shared_a_run", "--dependency=singleton", f"--chdir={root}",
        f"--output={root}/runs/slurm/%j.log", "--time=12:00:00",
        f"{root}/launch/slurm.sh", "batch", root, *FLAGS,
    ]]  # fmt: skip
    assert cluster.recorded("installed")[-1][-1] == root + extras
    assert (cluster.root / "runs/slurm").is_dir()  # SLURM does not make the folder of --output.


def test_a_finished_run_is_not_queued_again(cluster):
    code, err = ended(batch(cluster, *FLAGS))
    assert code == 0 and err.endswith(": finished\n") and asked(cluster) == []
    srun = next(call for call in cluster.recorded("calls") if call[0] == "srun")
    root = cluster.root
    assert srun == [
        "srun", "--kill-on-bad-exit=1", f"--output={root}/runs/slurm/7-0.%t.log", f"{root}/.venv/bin/python",
        "-m", "gan_jax.main", "--multihost", *FLAGS,
    ]  # fmt: skip
    for task in "01":
        assert cluster.recorded(f"trained-{task}") == [["-m", "gan_jax.main", "--multihost", *FLAGS]]


@pytest.mark.parametrize("batch_too", [False, True])
def test_sigterm_saves_and_queues_again(cluster, batch_too):
    cluster.plan(training="on\n")
    process = batch(cluster, *FLAGS)
    pids = tasks(cluster)
    if batch_too:  # Some clusters signal the batch shell as well; the tasks must still have their time.
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    code, err = ended(process)
    assert code == 0 and "training saved and stopped: queued again" in err
    assert asked(cluster) == [SHOW, REQUEUE]
    assert "stopped at step 3" in (cluster.root / "runs/slurm/7-0.1.log").read_text()


def test_a_cancelled_job_is_not_queued_again(cluster):
    cluster.plan(training="on\n", job="CANCELLED")
    process = batch(cluster, *FLAGS)
    for pid in tasks(cluster):
        os.kill(pid, signal.SIGTERM)
    code, err = ended(process)
    assert code == 0 and "the job is CANCELLED: not queued again" in err and asked(cluster) == [SHOW]


def test_a_killed_task_ends_the_others_and_queues_again(cluster):
    cluster.plan(training="on\n")
    process = batch(cluster, *FLAGS)
    os.kill(tasks(cluster)[1], signal.SIGKILL)
    code, err = ended(process)
    assert code == 0 and "training ended early: queued again" in err and asked(cluster) == [SHOW, REQUEUE]
    assert (cluster.root / "runs/slurm/7.lost").read_text() == "start 0: exit code 137\n"


def test_a_job_that_always_ends_early_is_given_up(cluster):
    (cluster.root / "runs/slurm").mkdir(parents=True)
    (cluster.root / "runs/slurm/7.lost").write_text("start: exit code 137\n" * 5)
    cluster.plan(training="on\n")
    process = batch(cluster, *FLAGS)
    os.kill(tasks(cluster)[0], signal.SIGKILL)
    code, err = ended(process)
    assert code == 1 and "training ended early too often" in err and asked(cluster) == []


def test_a_mistake_fails_the_job_with_its_line(cluster):
    cluster.plan(training="fail\n")
    code, err = ended(batch(cluster, *FLAGS))
    assert code == 1 and err.endswith("error: batch_size=3 is not divisible by 8 devices\n")
    assert asked(cluster) == []


def test_logs_of_the_start_before_do_not_count(cluster):
    folder = cluster.root / "runs/slurm"
    folder.mkdir(parents=True)
    for task in "01":
        (folder / f"7-0.{task}.log").write_text(
            "stopped at step 3 of 10; the same command goes on from there\n"
        )
    code, _ = ended(batch(cluster, *FLAGS, SLURM_RESTART_COUNT="1", SLURM_CPUS_PER_TASK="6"))
    assert code == 0 and asked(cluster) == []
    assert "finished 10 steps" in (folder / "7-1.0.log").read_text()


def test_dry_run_prints_and_calls_nothing(cluster):
    code, out, _ = cluster.run("slurm.sh", "--nodes=2", "--dry-run", "--", *FLAGS)
    assert code == 0 and cluster.recorded("calls") == [] and cluster.recorded("installed") == []
    assert out.startswith("sbatch --nodes=2 --ntasks-per-node=1 --gpus-per-node=1 ")
    assert out.endswith(r"--workdir=/shared/a\ run --config.note=it\'s\ \$HOME " + "\n")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (FLAGS, "flags of gan_jax.main are missing; they follow after --"),
        (("--nodes=0", "--", *FLAGS), "--nodes=0: expected a whole number from 1"),
        (("--gpus_per_node=x", "--", *FLAGS), "--gpus_per_node=x: expected a whole number, 0 for none"),
        (("--", FLAGS[0]), "--workdir is missing among the flags after --"),
        (
            ("-N2", "--", *FLAGS),
            "unknown argument '-N2'; options of sbatch as --name=value, flags of gan_jax.main after --",
        ),
    ],
)
def test_mistakes_are_one_line(cluster, arguments, message):
    code, out, err = cluster.run("slurm.sh", *arguments)
    assert (code, out, err) == (2, "", f"error: {message}\n") and cluster.recorded("calls") == []


def test_help(cluster):
    code, out, _ = cluster.run("slurm.sh", "--help")
    assert code == 0 and "--gpus_per_node" in out
