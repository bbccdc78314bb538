"""Two real processes of two devices each, as a user starts them, against one process of four."""

import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time

import command_line
import jax
import numpy as np
import pytest
import sources

from gan_jax import build, data
from gan_jax.checkpoints import checkpoint, checksums
from gan_jax.data.batches import row_order
from gan_jax.runtime import parallel
from gan_jax.training import report, train

MODALITY = sources.modality(classes=10)
pytestmark = pytest.mark.usefixtures("saved_in_slices")
# Plain gradient descent: Adam would blow rounding up. Evaluations at steps 3, 6, ...
CONFIG = (
    command_line.CONFIG.replace("adam=dict(learning_rate=1e-3, b1=0.5)", "sgd=dict(learning_rate=0.05)")
    .replace("widths=(16,)", "widths=(8,)")
    .replace("steps=20, log_every=5", 'steps=6, log_every=2, eval_every=3, eval_features="pixels"')
    .replace(
        "grid_every=10, grid_size=4, checkpoint_every=5", "grid_every=6, grid_size=4, checkpoint_every=3"
    )
)


def _address():
    """Host and port that a coordinator may have."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return f"localhost:{free.getsockname()[1]}"


def _scripts(code, paths):
    """Starts two processes of some code, with an address, a number and a path each."""
    address = _address()
    return [
        subprocess.Popen(
            [sys.executable, "-c", code, address, str(number), str(path)],
            cwd=command_line.ROOT, env={**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "2"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number, path in enumerate(paths)
    ]  # fmt: skip


def _pair(*flags, second=()):
    """Starts two processes of one run; `second` are more flags of the second one."""
    address = _address()
    return [
        command_line.start(
            f"--coordinator_address={address}",
            "--num_processes=2",
            f"--process_id={number}",
            *flags,
            *more,
            JAX_NUM_CPU_DEVICES="2",
        )
        for number, more in enumerate(((), second))
    ]


def _ended(processes):
    """Waits for both; exit codes and what they wrote on stderr. Gloo writes on stdout."""
    try:
        return zip(*[(code, err) for code, _, err in map(command_line.finish, processes)])
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multihost")
    (folder / "tiny.py").write_text(CONFIG)
    return folder


def _recipe(folder, config="tiny", **changes):
    recipe = runpy.run_path(str(folder / f"{config}.py"))["get_config"]()
    for name, value in changes.items():
        setattr(recipe, name, value)
    return recipe


def _in_one_process(folder, workdir, **changes):
    """Trains here, on four of the eight devices."""
    with pytest.MonkeyPatch.context() as patch:
        four = parallel.mesh(8, jax.devices()[:4])
        patch.setattr(parallel, "mesh", lambda size, devices=None, **axes: four)
        patch.setattr(jax, "local_devices", lambda: jax.devices()[:4])
        train.run(_recipe(folder, **changes), str(workdir))
    return workdir


@pytest.fixture(scope="module")
def one(folder):
    """The workdir of one process of four devices."""
    return _in_one_process(folder, folder / "one")


@pytest.fixture(scope="module")
def two(folder):
    """The same run in two processes of two devices: workdir and the log of each."""
    codes, logs = _ended(_pair(f"--config={folder}/tiny.py", f"--workdir={folder}/two"))
    assert codes == (0, 0), logs
    return folder / "two", logs


@pytest.fixture(scope="module")
def stopped(folder, one):
    """The run of one goes on in two, the second has SIGTERM: workdir, last step, log of each process."""
    shutil.copytree(one, folder / "broken")
    pair = _pair(*_long(folder, "broken", 100_000))
    deadline = time.time() + 120
    while _steps(folder / "broken")[-1] < 8 and time.time() < deadline:
        time.sleep(0.05)
    pair[1].send_signal(signal.SIGTERM)
    codes, logs = _ended(pair)
    assert codes == (0, 0), logs
    return folder / "broken", checkpoint.steps(str(folder / "broken"))[-1], logs


def _long(folder, name, steps):
    """Flags of a run to so many steps, two a call, that saves at its end only."""
    return [
        f"--config={folder}/tiny.py", f"--workdir={folder}/{name}", f"--config.steps={steps}",
        "--config.checkpoint_every=100000", "--config.grid_every=100000", "--config.eval_every=0",
        "--config.steps_per_call=2",
    ]  # fmt: skip


def _steps(workdir):
    return [record["step"] for record in report.read_metrics(workdir / "metrics.jsonl")]


def _state(folder, workdir, step):
    """A checkpoint, restored on four devices of one process."""
    recipe = _recipe(folder)
    everywhere = parallel.replicated(parallel.mesh(8, jax.devices()[:4]))
    start = build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size)
    return checkpoint.restore(str(workdir), parallel.abstract(start, jax.random.key(0), everywhere), step)


def test_two_processes_equal_one(folder, one, two):
    a, b = (_state(folder, workdir, 6) for workdir in (one, two[0]))
    assert len(jax.tree.leaves(a.params)) == 8
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=0, atol=1e-5), a, b)


def test_two_processes_report_what_one_does(one, two):
    records = [report.read_metrics(workdir / "metrics.jsonl") for workdir in (one, two[0])]
    assert [record["step"] for record in records[0]] == [2, 3, 4, 6]
    for a, b in zip(*records, strict=True):
        assert a.pop("samples_per_second") > 0 and b.pop("samples_per_second") > 0
        assert a == pytest.approx(b, abs=1e-5)
    evaluations = [report.evaluations(workdir) for workdir in (one, two[0])]
    assert [record["step"] for record in evaluations[0]] == [3, 6]
    for a, b in zip(*evaluations, strict=True):
        values = [record["values"]["frechet_distance"]["value"] for record in (a, b)]
        assert a["step"] == b["step"] and values[0] == pytest.approx(values[1], rel=1e-4)
    # Exactly what was reported decides which checkpoint is best, on both processes.
    best = min(evaluations[1], key=lambda record: record["values"]["frechet_distance"]["value"])
    assert checkpoint.best_step(str(two[0])) == best["step"]


def test_the_first_process_alone_speaks_and_writes(one, two):
    workdir, (first, second) = two
    assert "devices   4 x cpu in 2 processes, batch size 8" in first
    assert first.splitlines()[-1].startswith("finished 6 steps;") and second == ""
    files = [sorted(name.split(".")[0] for name in os.listdir(run)) for run in (one, workdir)]
    assert files[0] == files[1] and files[1].count("events") == 1
    assert sorted(os.listdir(workdir / "grids")) == ["real.png", "step_0000006.png"]
    assert (workdir / "recipe.json").read_text() == (one / "recipe.json").read_text()
    assert checkpoint.steps(str(workdir)) == [3, 6]


def test_sigterm_to_one_stops_both_at_the_same_step(stopped):
    workdir, last, (first, second) = stopped
    assert "resuming from step 6" in first  # What one process saved, two have read.
    assert 8 <= last < 100_000 and _steps(workdir)[-1] == last
    assert f"stopped at step {last} of 100000; the same command resumes from there" in first
    assert "Traceback" not in first + second and "error" not in first + second


def test_stopped_and_going_on_equals_never_stopped_bit_for_bit(folder, one, stopped):
    broken, last, _ = stopped
    shutil.copytree(one, folder / "whole")
    for name in ("broken", "whole"):
        codes, logs = _ended(_pair(*_long(folder, name, last + 3)))
        assert codes == (0, 0), logs
        assert f"resuming from step {last if name == 'broken' else 6}" in logs[0]
    a, b = (_state(folder, folder / name, last + 3) for name in ("broken", "whole"))
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_one_process_goes_on_from_two(folder, two, stopped):
    shutil.copytree(two[0], folder / "back")
    _in_one_process(folder, folder / "back", steps=8)
    here, there = (
        report.read_metrics(workdir / "metrics.jsonl") for workdir in (folder / "back", stopped[0])
    )
    term = "generator/non_saturating_generator"
    losses = [next(r[term] for r in records if r["step"] == 8) for records in (here, there)]
    assert checkpoint.steps(str(folder / "back"))[-1] == 8
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


MISTAKES = {
    "a batch that four devices do not divide": (
        ["--config.batch_size=6"],
        [],
        "error: batch_size=6 is not divisible by 4 devices",
    ),
    "different recipes": (
        [],
        ["--config.seed=1"],
        "error: recipe differs between process {number} and process {other}",
    ),
    "different folders": (
        [],
        ["--workdir={f}/elsewhere"],
        "error: process 1: {f}/elsewhere is not the folder of this name that process 0 writes",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_both_processes_with_one_line(folder, name):
    flags, second, expected = MISTAKES[name]
    second = [flag.format(f=folder) for flag in second]
    pair = _pair(f"--config={folder}/tiny.py", f"--workdir={folder}/unborn", *flags, second=second)
    codes, logs = _ended(pair)
    assert codes == (2, 2), logs
    for number, lines in enumerate(logs):
        assert lines.startswith(expected.format(f=folder, number=number, other=1 - number)), lines
        assert lines.count("\n") == 1
    assert not os.path.exists(folder / "unborn" / "recipe.json") and not os.path.exists(folder / "elsewhere")


READS = """
import json, sys
from gan_jax import data
from gan_jax.runtime import parallel, processes
from gan_jax.data.batches import batches

address, number, path = sys.argv[1:]
with processes.joined(address, 2, int(number)):
    read, source = [], data.digits(resolution=8)
    counted = source._replace(read=lambda rows: read.extend(rows.tolist()) or source.read(rows))
    decode = source.modality.decode
    fed = batches(counted, 8, 2, 0, parallel.mesh(8), lambda key, rows: decode(rows), resident_bytes=0)
    parts = [part["label"].addressable_shards for part in fed.feed(0, 3)]
    labels = [[shard.data[0].tolist() for shard in shards] for shards in parts]
    with open(path, "w") as file:
        json.dump({"read": read, "label": labels}, file)
"""


def test_each_process_reads_only_its_rows_of_a_stream(folder):
    paths = [folder / f"read.{number}.json" for number in range(2)]
    codes, logs = _ended(_scripts(READS, paths))
    assert codes == (0, 0), logs
    source = data.digits(resolution=8)
    rows = np.stack([row_order(source.size, 16, 0)(step).reshape(2, 8) for step in range(3)])
    labels = source.read(rows.ravel())["label"].reshape(rows.shape)
    for number, path in enumerate(paths):
        part = json.loads(path.read_text())
        mine = slice(4 * number, 4 * number + 4)
        # Every image is read once, in the order of the threads.
        assert sorted(part["read"]) == sorted(rows[:, :, mine].ravel().tolist())
        np.testing.assert_array_equal(np.concatenate(np.moveaxis(part["label"], 1, 0), 2), labels[:, :, mine])


def test_two_processes_that_diverge_go_back_alike_and_equal_one(folder, monkeypatch):
    monkeypatch.syspath_prepend(command_line.ROOT)
    own = "discriminator=dict(non_saturating_discriminator=1.0)"
    unlucky = {"tests.unlucky.unlucky": dict(weight=1.0, steps=(4,), shares=(0.5,))}
    text = CONFIG.replace(own, f"discriminator={dict(unlucky, non_saturating_discriminator=1.0)!r}")
    (folder / "unlucky.py").write_text(text)
    codes, logs = _ended(
        _pair(f"--config={folder}/unlucky.py", f"--workdir={folder}/together", "--config.max_rollbacks=20")
    )
    assert codes == (0, 0), logs
    _in_one_process(folder, folder / "alone", config="unlucky", max_rollbacks=20)
    rolled = [(folder / workdir / "rollbacks.json").read_text() for workdir in ("together", "alone")]
    assert rolled[0] == rolled[1] and {each["step"] for each in json.loads(rolled[0])} == {3}
    assert logs[0].count("with a new random key") == len(json.loads(rolled[0])) and logs[1] == ""
    a, b = (_state(folder, folder / workdir, 6) for workdir in ("together", "alone"))
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=0, atol=1e-5), a, b)
    assert _steps(folder / "together") == _steps(folder / "alone") == [2, 3, 4, 6]


RESTORES = """
import json, sys
import jax
from gan_jax import build, modalities, recipe
from gan_jax.checkpoints import checkpoint, checksums
from gan_jax.runtime import parallel, processes

address, number, workdir = sys.argv[1:]
with processes.joined(address, 2, int(number)):
    plain, data = checkpoint.read_recipe(workdir)
    restored, modality = recipe.from_dict(plain), modalities.from_plain(data)
    start = build.start(build.train_spec(restored, modality), modality, restored.batch_size)
    everywhere = parallel.replicated(parallel.mesh(restored.batch_size))
    state = checkpoint.restore_latest(workdir, parallel.abstract(start, jax.random.key(0), everywhere))
    with open(f"{workdir}/restored.json", "w") as file:
        json.dump(checksums.checksums(state), file)
"""


def test_what_one_process_cannot_read_none_goes_on_from(folder, one):
    """Each sees a copy of the workdir; the newest checkpoint in the second one's has lost its index."""
    copies = [folder / "copy.0", folder / "copy.1"]
    for copy in copies:
        shutil.copytree(one, copy)
    os.remove(copies[1] / "checkpoints" / "6" / "state" / "manifest.ocdbt")
    begun = time.monotonic()
    codes, logs = _ended(_scripts(RESTORES, copies))
    assert codes == (0, 0), logs
    assert time.monotonic() - begun < 60  # No process waited for one that had failed.
    assert all("checkpoint 6 in" in line and "is damaged: " in line for line in logs), logs
    restored = [json.loads((copy / "restored.json").read_text()) for copy in copies]
    assert restored[0] == restored[1] == checksums.read(str(one / "checkpoints" / "3"))
    assert os.listdir(copies[0] / "damaged") == ["6"]
