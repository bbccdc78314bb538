"""Damages to the files of a checkpoint, and whether they are noticed, for tests."""

import os

import jax
import numpy as np

from gan_jax.checkpoints import checkpoint


def truncated(path, seed):
    """Cuts a file in half."""
    os.truncate(path, os.path.getsize(path) // 2)


def emptied(path, seed):
    """Leaves nothing of a file but its name."""
    os.truncate(path, 0)


def deleted(path, seed):
    """Removes a file."""
    os.remove(path)


def flipped(path, seed):
    """Makes one bit of a file another one."""
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        data[seed * 7919 % len(data)] ^= 1 << seed % 8
        file.seek(0)
        file.write(data)


def files(folder):
    """Every file below a folder, in the order of their names."""
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def equal(a, b):
    """Whether two pytrees of arrays are the same, bit for bit."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def noticed(workdir, abstract, states, log):
    """Whether a damage to the newest checkpoint was; False only if it did no harm.

    Args:
        workdir: Folder of the run.
        abstract: The state's shapes, dtypes and shardings.
        states: What the checkpoints were, by step; at least two.
        log: pytest's caplog.

    Returns:
        bool.
    """
    *before, newest = sorted(states)
    log.clear()
    restored = checkpoint.restore_latest(workdir, abstract)
    assert equal(restored, states[int(restored.step)]), "restored with other values"
    if int(restored.step) == newest:
        return False
    assert f"checkpoint {newest}" in log.text and "is damaged: " in log.text
    assert checkpoint.steps(workdir) == before
    assert os.listdir(os.path.join(workdir, "damaged")) == [str(newest)]
    return True
