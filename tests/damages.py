"""Damage to the files of a checkpoint, and whether it is detected, for tests."""

import os

import jax
import numpy as np

from gan_jax.checkpoints import checkpoint


def truncated(path, seed):
    """Cuts a file in half."""
    os.truncate(path, os.path.getsize(path) // 2)


def emptied(path, seed):
    """Leaves a file without content."""
    os.truncate(path, 0)


def deleted(path, seed):
    """Removes a file."""
    os.remove(path)


def flipped(path, seed):
    """Flips one bit of a file."""
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
    """Is damage to the newest checkpoint detected? False only if the state is restored unharmed.

    Args:
        workdir: Folder of the run.
        abstract: The state's shapes, dtypes and shardings.
        states: The saved states by step; at least two.
        log: pytest's caplog.

    Returns:
        bool.
    """
    *before, newest = sorted(states)
    log.clear()
    restored = checkpoint.restore_latest(workdir, abstract)
    assert equal(restored, states[int(restored.step)]), "restored with wrong values"
    if int(restored.step) == newest:
        return False
    assert f"checkpoint {newest}" in log.text and "is damaged: " in log.text
    assert checkpoint.steps(workdir) == before
    assert os.listdir(os.path.join(workdir, "damaged")) == [str(newest)]
    return True
