import re
import subprocess
import time

import pytest

TPU = (
    "--name=tpu",
    "--zone=us-central1-a",
    "--accelerator_type=v5litepod-16",
    "--version=v2-tpu",
)
PLACE = ["--zone=us-central1-a", "--quiet"]
HARDWARE = "--accelerator-type=v5litepod-16"
FLAGS = ("--config=configs/dcgan.py", "--workdir=/mnt/bucket/run")


def verbs(machine):
    """The calls of gcloud, shortened: the group only for queued resources, the command only for worker.sh."""
    short = []
    for _, _, _, group, verb, *rest in machine.recorded("calls"):
        command = next((word for word in rest if word.startswith("--command=bash")), None)
        if command:
            verb = command.split()[2]
        elif verb == "ssh":
            verb = "unpack"
        short.append(f"queued {verb}" if group == "queued-resources" else verb)
    return short


INSTALL = ["scp", "unpack", "install"]


def polls(machine):
    """`verbs` with consecutive checks of an active run as one."""
    rows = []
    for verb in verbs(machine):
        if rows[-2:] + [verb] == ["outcome", "describe", "outcome"]:
            rows.pop()
        else:
            rows.append(verb)
    return rows


def test_run_makes_an_absent_tpu_and_ends_with_training(cloud):
    code, out, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert (code, out) == (0, "") and "finished; tpu still runs and costs" in err
    assert polls(cloud) == ["describe", "create", "describe", *INSTALL, "start", "outcome"]
    create = next(call for call in cloud.recorded("calls") if "create" in call)
    assert create == [
        "gcloud", "compute", "tpus", "tpu-vm", "create", "tpu", HARDWARE, "--version=v2-tpu", *PLACE
    ]  # fmt: skip
    # Both workers have the code of the commit, jax[tpu] on Python 3.12, and the same command.
    for worker in "01":
        assert cloud.recorded(f"trained-{worker}") == [["-m", "gan_jax.main", "--multihost", *FLAGS]]
        assert (cloud.stubs / "workers" / worker / cloud.code / "setup.cfg").is_file()
    installed = cloud.recorded("installed")
    assert ["python", "install", "--quiet", "3.12"] in installed
    editable = [call[-1] for call in installed if call[0] == "pip"]
    assert editable == [f"{cloud.stubs}/workers/{worker}/{cloud.code}[tpu]" for worker in "01"]


def test_a_ready_tpu_is_used_again(cloud):
    cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    (cloud.stubs / "calls.jsonl").unlink()
    code, _, _ = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 0
    assert polls(cloud) == ["describe", *INSTALL, "start", "outcome"]


@pytest.mark.parametrize(
    "options, expected",
    [
        (("--spot",), ["tpu-vm", "create", "tpu", HARDWARE, "--version=v2-tpu", "--spot"]),
        (
            ("--queued", "--spot"),
            ["queued-resources", "create", "tpu", HARDWARE, "--node-id=tpu", "--runtime-version=v2-tpu",
             "--spot"],
        ),
    ],
)  # fmt: skip
def test_spot_and_queued(cloud, options, expected):
    code, _, _ = cloud.run("tpu_vm.sh", "run", *TPU, *options, "--project=mine", "--", *FLAGS)
    assert code == 0
    create = next(call for call in cloud.recorded("calls") if "create" in call)
    assert create == ["gcloud", "compute", "tpus", *expected, PLACE[0], "--project=mine", PLACE[1]]


def test_a_request_is_waited_for(cloud):
    cloud.run("tpu_vm.sh", "run", *TPU, "--queued", "--", *FLAGS)
    (cloud.stubs / "calls.jsonl").unlink()
    (cloud.stubs / "state").write_text("WAITING_FOR_RESOURCES")
    process = cloud.start("tpu_vm.sh", "run", *TPU, "--queued", "--", *FLAGS)
    until(lambda: verbs(cloud)[:2] == ["queued describe", "queued describe"])
    assert set(verbs(cloud)) == {"queued describe"}
    (cloud.stubs / "state").write_text("READY")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "tpu is WAITING_FOR_RESOURCES: waiting" in err
    assert "queued create" not in verbs(cloud) and "queued delete" not in verbs(cloud)


def until(happened, seconds=30):
    last = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "message",
    [
        "ERROR: (gcloud.create) RESOURCE_EXHAUSTED: Quota limit 'TPUS' has been exceeded.",
        "ERROR: (gcloud.create) PERMISSION_DENIED: Permission denied on 'locations/nowhere'",
        'ERROR: (gcloud.create) {\\n "code": 3,\\n "message": "Invalid accelerator type"}',
    ],
)
def test_a_final_failure_ends_it_with_one_line(cloud, message):
    cloud.plan(faults=f" create \t{message}\n")
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 1
    assert err.splitlines() == ["tpu_vm.sh: making tpu", "error: " + message.replace("\\n", "")]
    assert verbs(cloud) == ["describe", "create"]


def test_a_passing_failure_is_tried_again(cloud):
    full = 'ERROR: (gcloud.compute.tpus.tpu-vm.create) There is no more capacity in the zone "us-central1-a"'
    cloud.plan(faults=f" create \t{full}\n" * 2 + " scp \tERROR: [Errno 104] Connection reset by peer\n")
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 0, err
    assert err.count(full) == 2
    once = ["describe", "create", "create", "create", "describe", "scp", *INSTALL, "start", "outcome"]
    assert polls(cloud) == once


def test_passing_failures_are_not_tried_forever(cloud):
    cloud.plan(faults=" create \tERROR: (gcloud.compute.tpus.tpu-vm.create) UNAVAILABLE\n" * 9)
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 1 and verbs(cloud) == ["describe"] + ["create"] * 5
    assert err.splitlines()[-1] == "error: ERROR: (gcloud.compute.tpus.tpu-vm.create) UNAVAILABLE"


@pytest.mark.parametrize("option, deletion", [((), ["delete"]), (("--queued",), ["queued delete"])])
def test_a_preempted_tpu_is_made_again_and_training_goes_on(cloud, option, deletion):
    cloud.plan(faults=" outcome \tpreempt\n", training="on finish\n")
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, *option, "--", *FLAGS)
    assert code == 0 and f"tpu is {'SUSPENDED' if option else 'PREEMPTED'}: deleting it" in err
    asked = verbs(cloud)
    changes = [verb for verb in asked if verb.split()[-1] in ("create", "delete", "install", "start", "stop")]
    create = deletion[0].replace("delete", "create")
    assert changes == [create, "install", "start", *deletion, create, "install", "stop", "start"]
    for worker in "01":
        first, second = cloud.recorded(f"trained-{worker}")
        assert first == second == ["-m", "gan_jax.main", "--multihost", *FLAGS]


def test_training_that_was_killed_is_started_again_on_the_same_tpu(cloud):
    cloud.plan(faults=" outcome \tcrash\n", training="on finish\n")
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 0 and "training ended early: starting it again" in err
    assert "delete" not in verbs(cloud) and verbs(cloud).count("create") == 1
    assert [len(cloud.recorded(f"trained-{worker}")) for worker in "01"] == [2, 2]


def test_a_mistake_in_the_recipe_ends_it(cloud):
    cloud.plan(training="fail\n")
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 1 and err.splitlines()[-1] == "error: batch_size=3 is not divisible by 8 devices"
    assert verbs(cloud).count("start") == 1 and "delete" not in verbs(cloud)


def test_a_start_whose_connection_broke_is_not_a_second_run(cloud):
    # Training started on both workers, and then the answer was lost: the retried start finds them running.
    process = running(cloud)
    cloud.kill(process)
    command = next(call for call in cloud.recorded("calls") if " start " in call[-3])
    subprocess.run(["gcloud", *command[1:]], env=cloud.environment, check=True)
    assert [len(cloud.recorded(f"trained-{worker}")) for worker in "01"] == [1, 1]


def running(cloud):
    """An active run, once both workers are training."""
    cloud.plan(training="on\n")
    process = cloud.start("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    logs = [cloud.stubs / "workers" / worker / "gan_jax-runs/_mnt_bucket_run/log" for worker in "01"]
    until(lambda: all(log.exists() and "started" in log.read_text() for log in logs))
    return process


def test_a_second_run_is_refused_and_the_first_goes_on_until_stop(cloud):
    process = running(cloud)
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 1 and "a run of this workdir is alive, process" in err.splitlines()[-1]
    assert len(cloud.recorded("trained-0")) == 1
    status = cloud.run("tpu_vm.sh", "status", *TPU[:2], "--", FLAGS[1])
    assert status[:2] == (0, "TPU VM    READY\ntraining  running\n")
    assert cloud.run("tpu_vm.sh", "stop", *TPU[:2], "--", FLAGS[1])[0] == 0
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "stopped as asked" in err
    log = cloud.stubs / "workers/1/gan_jax-runs/_mnt_bucket_run/log"
    assert "stopped at step 3 of 10" in log.read_text()
    assert "delete" not in verbs(cloud)


def test_training_outlives_the_script_and_watch_takes_over(cloud):
    process = running(cloud)
    cloud.kill(process)
    status = cloud.run("tpu_vm.sh", "status", *TPU[:2], "--", FLAGS[1])
    assert status[1].endswith("training  running\n")
    (cloud.stubs / "calls.jsonl").unlink()
    cloud.plan(training="on finish\n")
    watching = cloud.start("tpu_vm.sh", "watch", *TPU, "--", *FLAGS)
    until(lambda: "outcome" in verbs(cloud))
    assert set(verbs(cloud)) == {"describe", "outcome"}
    cloud.kill_training()
    _, err = watching.communicate(timeout=30)
    assert watching.returncode == 0 and "finished" in err


def test_follow_shows_the_log_of_the_first_worker(cloud):
    cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    process = cloud.start("tpu_vm.sh", "follow", *TPU[:2], "--", FLAGS[1])
    assert process.stdout.readline() == "finished 10 steps; the workdir holds checkpoints\n"
    cloud.kill(process)


def test_delete_is_one_command_and_asked_for(cloud):
    assert cloud.run("tpu_vm.sh", "delete", *TPU[:2], "--queued")[0] == 1  # There is none yet.
    cloud.run("tpu_vm.sh", "run", *TPU, "--queued", "--", *FLAGS)
    (cloud.stubs / "calls.jsonl").unlink()
    assert cloud.run("tpu_vm.sh", "delete", *TPU[:2], "--queued")[0] == 0
    delete = ["gcloud", "compute", "tpus", "queued-resources", "delete", "tpu", "--force", *PLACE]
    assert cloud.recorded("calls") == [delete] and not (cloud.stubs / "state").exists()


AWKWARD = (
    "--config=configs/dcgan.py", "--workdir=/mnt/bucket/a run", "--config.betas=(0, 0.9)", "--config.empty=",
    "--config.name=it's $HOME `id` \"x\" \\ * ;&|", "--config.note=two\nlines",
)  # fmt: skip


def test_flags_arrive_as_they_were_given(cloud):
    code, _, _ = cloud.run("tpu_vm.sh", "run", *TPU, "--", *AWKWARD)
    assert code == 0
    for worker in "01":
        assert cloud.recorded(f"trained-{worker}") == [["-m", "gan_jax.main", "--multihost", *AWKWARD]]


def words(line):
    """The words of a command as bash reads it, without the parts that differ between scripts."""
    read = subprocess.check_output(["bash", "-c", f"printf '%s\\0' {line}"], text=True).split("\0")[:-1]
    return steady(read)


def steady(command):
    return [re.sub(r"/\S*/tmp\.\w+/|\w+-1(?= )", "...", word) for word in command]


def test_dry_run_prints_the_commands_and_calls_nothing(cloud):
    code, out, err = cloud.run("tpu_vm.sh", "run", *TPU, "--dry-run", "--", *AWKWARD)
    assert (code, err) == (0, "") and cloud.recorded("calls") == []
    commands, _, again = out.partition("# whenever it was preempted, and then all of the above again:\n")
    printed = [words(line) for line in commands.splitlines()]
    assert printed.pop(3)[:5] == ["git", "-C", str(cloud.root), "archive", "--format=tar.gz"]
    assert words(again) == ["gcloud", "compute", "tpus", "tpu-vm", "delete", "tpu", *PLACE]
    cloud.run("tpu_vm.sh", "run", *TPU, "--", *AWKWARD)
    assert len(printed) == 8
    assert printed == [steady(call) for call in cloud.recorded("calls")[:8]]


def test_a_dirty_tree_is_refused_unless_a_commit_is_named(cloud):
    (cloud.root / "setup.cfg").write_text("changed")
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", *FLAGS)
    assert code == 2 and err.startswith("error: uncommitted changes") and cloud.recorded("calls") == []
    code, _, _ = cloud.run("tpu_vm.sh", "run", *TPU, "--commit=HEAD", "--", *FLAGS)
    assert code == 0
    assert (cloud.stubs / "workers" / "0" / cloud.code / "setup.cfg").read_text() != "changed"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "unknown subcommand ''; expected run, watch, follow, status, stop or delete"),
        (("train",), "unknown subcommand 'train'; expected run, watch, follow, status, stop or delete"),
        (("run", "--zone=z", "--", *FLAGS), "--name is missing; see launch/tpu_vm.sh --help"),
        (("run", *TPU[:3], "--", *FLAGS), "--version is missing; see launch/tpu_vm.sh --help"),
        (("run", *TPU, "--", FLAGS[0]), "--workdir is missing among the flags after --"),
        (("run", *TPU, "--commit=none", "--", *FLAGS), "--commit=none: no such commit"),
        (
            ("run", *TPU, *FLAGS),
            f"unknown argument '{FLAGS[0]}'; launch/tpu_vm.sh --help lists them, "
            "flags of gan_jax.main follow after --",
        ),
    ],
)
def test_mistakes_are_one_line(cloud, arguments, message):
    code, out, err = cloud.run("tpu_vm.sh", *arguments)
    assert (code, out, err) == (2, "", f"error: {message}\n") and cloud.recorded("calls") == []


def test_a_bucket_is_refused_before_anything_costs(cloud):
    code, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--", FLAGS[0], "--workdir=gs://bucket/run")
    assert code == 2 and "gs:// paths are not supported yet" in err and cloud.recorded("calls") == []
    assert len(err.splitlines()) == 1


def test_a_local_workdir_is_warned_about(cloud):
    _, _, err = cloud.run("tpu_vm.sh", "run", *TPU, "--dry-run", "--", FLAGS[0], "--workdir", "runs/here")
    assert err.startswith("tpu_vm.sh: warning: --workdir=runs/here is on the TPU VM and goes with it")
    assert len(err.splitlines()) == 1


def test_help(cloud):
    code, out, _ = cloud.run("tpu_vm.sh", "--help")
    assert code == 0 and "--accelerator_type" in out
    assert cloud.run("tpu_vm.sh", "run", "--help")[:2] == (0, out)
