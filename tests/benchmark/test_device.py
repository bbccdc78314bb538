"""The script for a GPU, at tiny sizes on the CPU: all its parts run, and each one that fails says so."""

import contextlib
import json
import os
import subprocess
import sys
import time

import command_line
import pytest

from gan_jax.benchmark import device, device_report
from gan_jax.benchmark.helper import Helper, reason
from gan_jax.errors import Fault


def _run(*flags):
    return subprocess.run(
        [sys.executable, "-m", "gan_jax.benchmark.device", *flags], cwd=command_line.ROOT, capture_output=True,
        text=True, env={**os.environ, "JAX_PLATFORMS": "cpu"}, timeout=1200,
    )  # fmt: skip


def test_all_parts_run(tmp_path):
    output = tmp_path / "device.json"
    ended = _run(
        "--tiny", "--budget=3000", "--recipes=cgan", "--cases=mlp", "--precisions=float32", "--recipe=gan",
        f"--output={output}",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    results = json.loads(output.read_text())
    assert results["machine"]["platform"] == "cpu" and results["seconds"] < 3000
    (checked,) = results["smoke"]
    assert checked["recipe"] == "cgan" and "error" not in checked, checked
    assert max(checked["differences"]) < 1e-6  # The same processor, here.
    ours = [row for row in results["speed"]["rows"] if row["framework"] == "gan_jax"]
    assert [row["steps_per_call"] for row in ours] == [1, device.STEPS_PER_CALL]
    assert all(row["milliseconds"] > 0 and row["memory_mib"] > 0 for row in ours), ours
    assert results["speed"]["operations"]["mlp"] > 0 and results["speed"]["peaks"]["float32"] > 0
    for row in results["loop"]:
        assert 0 < row["images_per_second"] and 0 < row["bare_images_per_second"], row
    quality = results["quality"]
    assert quality["evaluations"][0]["step"] == 2 * device.STEPS_PER_CALL, quality
    assert quality["images"] > 8 * 2 * device.STEPS_PER_CALL
    assert {"frechet_distance", "kernel_distance"} < set(quality["evaluations"][-1])
    assert (tmp_path / "device.png").stat().st_size > 100
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("device    1 x cpu") and {"smoke", "speed", "loop", "quality"} < set(lines)
    assert (tmp_path / "device.txt").read_text() == ended.stdout
    assert sum(results["programs"].values()) > 10
    again = _run("--tiny", "--parts=speed", "--cases=mlp", "--precisions=float32", f"--output={output}")
    assert again.returncode == 0, again.stderr
    programs = json.loads(output.read_text())["programs"]
    assert programs["compiled"] == 0 and programs["cached"] > 5, programs


def test_what_does_not_fit_into_the_budget_says_so(tmp_path):
    begun = time.monotonic()
    flags = ("--tiny", "--budget=1", "--recipes=gan,toy", "--cases=mlp", f"--output={tmp_path}/device.json")
    ended = _run(*flags)
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - begun < 100
    rows = json.loads((tmp_path / "device.json").read_text())
    assert [row["recipe"] for row in rows["smoke"]] == ["gan", "toy"]
    for row in [*rows["smoke"], *rows["speed"]["rows"], *rows["loop"], rows["quality"], rows["machine"]]:
        assert "did not fit into its time" in row["error"]


def test_a_mistake_is_one_line():
    ended = _run("--parts=smoek")
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1 and not ended.stdout
    assert "--parts: unknown name 'smoek'; did you mean smoke" in ended.stderr


def test_time_that_a_part_leaves_goes_to_the_parts_after_it():
    """Shares .25, .4, .1 and .25: of 100 s, then of 95 that are left after 5, of 40, and all of the last 30."""
    times = iter([0.0, 5.0, 60.0, 70.0])
    planned = dict(device.deadlines(list(device.PARTS), 100.0, lambda: next(times)))
    expected = dict(smoke=25.0, speed=5 + 95 * 0.4 / 0.75, loop=60 + 40 * 0.1 / 0.35, quality=100.0)
    assert planned == pytest.approx(expected)
    # What is late has no time, and does not end the others.
    assert dict(device.deadlines(["loop"], 10.0, lambda: 12.0)) == {"loop": 12.0}


def test_one_of_several_measurements_has_half_of_what_is_left_but_some_time_at_least():
    assert device.share(100.0, False, lambda: 0.0) == 50.0
    assert device.share(100.0, False, lambda: 60.0) == 90.0  # 30 s rather than 20.
    assert device.share(100.0, False, lambda: 80.0) == 100.0
    assert device.share(100.0, False, lambda: 120.0) == 100.0
    assert device.share(100.0, True, lambda: 0.0) == 100.0


def test_a_part_that_fails_keeps_what_it_found_and_the_next_part_goes_on(monkeypatch, tmp_path):
    def smoke(setting, first, deadline, record):
        record([dict(recipe="a", differences=[0.0, 0.0])])
        raise ZeroDivisionError("why")

    def loop(setting, first, deadline, record):
        raise Fault("no time")

    def quality(setting, first, deadline, record):
        # What came before is on the disk already.
        written = json.loads((tmp_path / "device.json").read_text())
        assert written["loop"] == dict(error="no time")
        return dict(error="the device is gone")

    @contextlib.contextmanager
    def pair():
        yield device.Pair(Helper("os", {}), Helper("os", {}))

    for name, part in dict(smoke=smoke, loop=loop, quality=quality, pair=pair).items():
        monkeypatch.setattr(device, name, part)
    setting = device.Setting([], [], [], "", None, "", True, lambda line: None)
    output = tmp_path / "device.json"
    results = device.run(setting, ["smoke", "loop", "quality"], 60.0, device.writer(str(output)))
    assert "has no attribute 'describe'" in results["machine"]["error"]
    assert results["smoke"] == dict(
        error="ZeroDivisionError: why", so_far=[dict(recipe="a", differences=[0.0, 0.0])]
    )
    assert json.loads(output.read_text()) == results
    lines = [" ".join(line.split()) for line in (tmp_path / "device.txt").read_text().splitlines()]
    assert lines[1:] == [
        "", "smoke", "ZeroDivisionError: why", "a as on the CPU 0.0e+00 0.0e+00",
        "", "loop", "no time", "", "quality", "the device is gone",
    ]  # fmt: skip


def test_measurements_are_in_turn_with_pytorch_and_several_steps_a_call_come_last():
    setting = device.Setting([], ["a", "b"], ["bfloat16", "tf32"], "", None, "", True, lambda line: None)
    planned = [
        (framework, *task.values()) for framework, task in device.measurements(setting, with_torch=True)
    ]
    frameworks = dict(bfloat16=("gan_jax", "torch", "torch.compile"), tf32=("gan_jax", "torch"))
    single = [(f, case, p, 1) for p in frameworks for case in ("a", "b") for f in frameworks[p]]
    assert planned == single + [("gan_jax", case, p, 10) for p in frameworks for case in ("a", "b")]
    alone = [framework for framework, _ in device.measurements(setting, with_torch=False)]
    assert alone == ["gan_jax"] * 8


@pytest.fixture
def helper():
    """A process whose tasks are the functions of `os`, and needs no JAX."""
    helper = Helper("os", {})
    yield helper
    helper.close()


def test_a_task_that_fails_ends_or_hangs_is_a_fault_and_the_next_one_is_done(helper):
    later = time.monotonic() + 60
    assert helper.ask(later, "listdir", path=command_line.ROOT)
    with pytest.raises(Fault, match="FileNotFoundError: .*no such folder"):
        helper.ask(later, "listdir", path="no such folder")
    process = helper.process
    with pytest.raises(Fault, match="^its process ended: no message$"):
        helper.ask(later, "_exit", status=3)
    assert process.returncode == 3
    with pytest.raises(Fault, match="^did not fit into its time$"):
        helper.ask(time.monotonic() + 0.1, "system", command="sleep 2")
    assert helper.process is None
    with pytest.raises(Fault, match="^did not fit into its time$"):
        helper.ask(time.monotonic() - 1, "getcwd")
    assert helper.process is None  # It was not even started.
    assert helper.ask(later, "getcwd")


def test_a_crash_is_named_by_its_signal_and_by_the_line_that_says_why(helper):
    with pytest.raises(Fault, match="^its process ended by SIGABRT: no message$"):
        helper.ask(time.monotonic() + 60, "abort")
    assert reason("loading\nF1127 Check failed: no memory\n*** threads ***\nmodules: numpy\n") == (
        "F1127 Check failed: no memory"
    )
    assert reason("loading\nsaving\n") == "saving" and len(reason("x" * 300)) == 200


def test_a_process_ends_with_whoever_asks_it_also_within_a_task():
    waiting = Helper("signal", {})
    waiting.send("pause")
    waiting.process.stdin.close()
    assert waiting.process.wait(timeout=60) == 0


def test_losses_are_compared_by_step_and_by_their_size():
    host = {"a": [2.0, 10.0], "b": [0.1, -0.5]}
    near = {"a": [2.0006, 10.1], "b": [0.1005, -0.5]}
    compared = device_report.compared(near, host)
    assert compared["differences"] == pytest.approx([0.0005, 0.01]) and "error" not in compared
    far = {"a": [2.0, 10.0], "b": [0.102, -0.5]}
    assert device_report.compared(far, host)["error"].startswith(
        "losses of step 1 differ from the CPU's by 0.002"
    )
    nan = {"a": [2.0, 10.0], "b": [0.1, float("nan")]}
    assert "losses of step 2" in device_report.compared(nan, host)["error"]


def test_the_table_has_what_failed_in_its_place():
    row = dict(case="mlp", precision="float32", images=100)
    speed = dict(
        peaks={"float32": 1e9},
        operations={"mlp": 1e6},
        rows=[
            dict(row, framework="gan_jax", steps_per_call=1, milliseconds=2.0, first_call_seconds=3.0, memory_mib=None),
            dict(row, framework="gan_jax", steps_per_call=10, milliseconds=1.0, first_call_seconds=4.0, memory_mib=5),
            dict(row, framework="torch", steps_per_call=1, error="OutOfMemoryError: too much"),
        ],
    )  # fmt: skip
    results = dict(
        machine=dict(error="no device"), seconds=1.0, budget=2.0, speed=speed, quality=dict(error="did not fit"),
        smoke=[dict(recipe="a", differences=[1e-7, 2e-7]), dict(recipe="b", error="device: Fault: why")],
        loop=[dict(steps_per_call=1, images_per_second=90.0, bare_images_per_second=100.0)],
        programs=dict(cached=3, compiled=4),
    )  # fmt: skip
    lines = [" ".join(line.split()) for line in device_report.table(results)]
    assert lines == [
        "device no device; 1 s of 2 s",
        "", "smoke", "a as on the CPU 1.0e-07 2.0e-07", "b device: Fault: why",
        "", "speed",
        "case framework precision steps a call ms a step images/s of peak time / ours first call s memory MiB",
        # 1e6 operations in 2 ms are 5e8 a second, half of the peak.
        "mlp gan_jax float32 1 2 50,000 50.0% 1.00 3.0", "mlp gan_jax float32 10 1 100,000 100.0% 0.50 4.0 5",
        "mlp torch float32 1 OutOfMemoryError: too much",
        "", "loop", "steps a call images/s of a run of its steps alone share", "1 90 100 90%",
        "", "quality", "did not fit", "", "programs", "4 compiled, 3 found in the cache",
    ]  # fmt: skip
