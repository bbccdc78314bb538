"""What fails while a run trains ends it with one line that says so, and with its good checkpoints kept."""

import errno
import os
import threading
import time

import jax
import numpy as np
import pytest
import sources

from gan_jax import build
from gan_jax.checkpoints import checkpoint, checksums
from gan_jax.data import batches as batches_lib
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import folders, lock, parallel
from gan_jax.training import report, train

MODALITY = sources.modality(classes=10)


def _full(*arguments, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _after(calls, original, then):
    """A function that does what another does so many times, and then something else."""
    counted = []

    def called(*arguments, **options):
        counted.append(1)
        return (original if len(counted) <= calls else then)(*arguments, **options)

    return called


def _arrays(recipe, workdir, step):
    start = build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size)
    everywhere = parallel.replicated(parallel.mesh(recipe.batch_size))
    abstract = parallel.abstract(start, jax.random.key(0), everywhere)
    return [np.asarray(leaf) for leaf in jax.tree.leaves(checkpoint.restore(str(workdir), abstract, step))]


def _ends(recipe, workdir, message):
    """Trains until a Fault; nothing is left running, and the workdir is free for the next start."""
    with pytest.raises(Fault, match=message):
        train.run(recipe, str(workdir))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]
    if workdir.exists():
        with lock.held(str(workdir)):
            pass


@pytest.fixture(scope="module")
def undisturbed(tiny, tmp_path_factory):
    """The last arrays of a run that nothing happens to."""
    workdir = tmp_path_factory.mktemp("undisturbed")
    train.run(tiny(), str(workdir))
    return _arrays(tiny(), workdir, 10)


def _same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_disk_full_while_saving_in_the_background(tiny, tmp_path, monkeypatch, undisturbed):
    monkeypatch.setattr(checksums, "checksums", _after(1, checksums.checksums, _full))
    message = (
        r"a checkpoint could not be written in .*: OSError: \[Errno 28\] No space left on device; "
        "these are complete: 5$"
    )
    _ends(tiny(), tmp_path, message)
    assert checkpoint.steps(str(tmp_path)) == [5]
    # The disk has room again: the same command ends where an undisturbed run does.
    monkeypatch.undo()
    train.run(tiny(), str(tmp_path))
    assert _same(_arrays(tiny(), tmp_path, 10), undisturbed)


@pytest.mark.parametrize("what", ["add_scalar", "add_image"])
def test_disk_full_while_logging(tiny, tmp_path, monkeypatch, what):
    from gan_jax.training.tensorboard import Events

    good = 0 if what == "add_image" else 3
    monkeypatch.setattr(Events, what, _after(good, getattr(Events, what), _full))
    monkeypatch.setattr(report, "curves", _full)
    recipe = tiny(log_every=2, checkpoint_every=1)
    _ends(recipe, tmp_path, r"training in .* ended: \[Errno 28\] No space left on device")


def test_disk_full_while_writing_metrics(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "open", _after(1, open, _full), raising=False)
    _ends(tiny(), tmp_path, "No space left on device$")


@pytest.mark.parametrize("every, says", [("log_every", "metrics.jsonl"), ("grid_every", "grids")])
def test_a_workdir_that_disappears(tiny, tmp_path, monkeypatch, every, says):
    workdir, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    recipe = tiny(steps=100, **{"log_every": 100, "grid_every": 100, "checkpoint_every": 50, every: 10})
    moved = _after(6, report.Report.advance, lambda *_: workdir.exists() and workdir.rename(elsewhere))
    monkeypatch.setattr(report.Report, "advance", moved)
    _ends(recipe, workdir, f"training in .* ended: .*No such file or directory: .*{says}'")
    assert not workdir.exists() and elsewhere.exists()


def test_nothing_is_saved_where_the_workdir_was(tiny, tmp_path):
    recipe, workdir = tiny(), tmp_path / "run"
    start = build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size)
    state = jax.jit(start)(jax.random.key(0))
    with checkpoint.manager(str(workdir), keep=1) as manager:
        workdir.rename(tmp_path / "elsewhere")
        with pytest.raises(Fault, match="step 5 cannot be saved: .*checkpoints is gone"):
            checkpoint.save(manager, 5, state)
    assert not workdir.exists()


def test_a_clock_that_jumps_back_changes_nothing(tiny, tmp_path, monkeypatch, undisturbed):
    jumps = {3: -86400.0, 7: -86400.0}  # Seconds, after these steps.
    real, offsets, advance = time.time, [0.0], report.Report.advance

    def jump(reporter, steps):
        advance(reporter, steps)
        offsets.append(offsets[-1] + jumps.get(len(offsets), 0.0))

    monkeypatch.setattr(time, "time", lambda: real() + offsets[-1])
    monkeypatch.setattr(report.Report, "advance", jump)
    train.run(tiny(), str(tmp_path))
    assert offsets[-1] == sum(jumps.values())
    assert _same(_arrays(tiny(), tmp_path, 10), undisturbed)
    speeds = [r["samples_per_second"] for r in report.read_metrics(tmp_path / "metrics.jsonl")]
    assert len(speeds) == 2 and all(0 < speed < 1e6 for speed in speeds)


@pytest.mark.parametrize("error", [RuntimeError("corrupted\nchunk"), UsageError("7.png: corrupt")])
def test_a_reader_that_raises_while_training(tiny, tmp_path, monkeypatch, error):
    def streamed(source, *arguments, **options):
        def fail(rows):
            raise error

        source = source._replace(read=_after(6, source.read, fail))
        return batches_lib.batches(source, *arguments, **options, resident_bytes=0)

    monkeypatch.setattr(train, "batches", streamed)
    monkeypatch.setattr(parallel, "mesh", _one_device)  # One read a step: the seventh step has none.
    _ends(tiny(checkpoint_every=1), tmp_path, "cannot be read: RuntimeError: corrupted|^7.png: corrupt$")
    assert checkpoint.steps(str(tmp_path))[-1] == 6


_mesh = parallel.mesh


def _one_device(size, **axes):
    return _mesh(size, jax.devices()[:1], **axes)


def test_what_a_fault_says(tmp_path):
    with pytest.raises(Fault) as error, folders.errors_as_faults(str(tmp_path)):
        open(tmp_path / "none" / "file", "w")
    expected = f"[Errno 2] No such file or directory: '{tmp_path}/none/file'"
    assert str(error.value) == f"training in {tmp_path} ended: {expected}"
    with pytest.raises(KeyError), folders.errors_as_faults(str(tmp_path)):
        raise KeyError
