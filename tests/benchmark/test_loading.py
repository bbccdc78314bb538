"""The ways that images come to a step give the same batches; what is reported is what was measured."""

import subprocess
import sys

import jax
import numpy as np

from gan_jax import data
from gan_jax.benchmark import loading
from gan_jax.benchmark.report import Spread
from gan_jax.runtime import parallel


def test_ways_agree():
    """All three see the same first batch; the last sees it again, the others the next."""
    source, mesh = data.digits(resolution=8), parallel.mesh(4, jax.devices()[:1])
    seen = {}
    for name, fed in loading.feeds(source, 4, 2, mesh).items():
        decoded = [fed.decode(fed.resident, given, jax.random.key(0)) for given in fed.feed(0, 2)]
        seen[name] = [np.asarray(batch["real"]) for batch in decoded]
    first, second = seen["resident"]
    assert first.shape == (2, 4, 8, 8, 1) and np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(seen["streamed"], [first, second])
    np.testing.assert_array_equal(seen["one batch"], [first, first])


def test_table():
    rows = loading.table({"resident": Spread(1.0, 2.0, 4.0)}, images=64)
    assert rows[-1] == "| resident | 2.00 [1.00, 4.00] | 32,000 |"


def test_command():
    command = [sys.executable, "-m", "gan_jax.benchmark.loading", "--repeats=1", "--seconds=0.01"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    names = [line.split(" | ")[0] for line in ended.stdout.splitlines()]
    assert names == ["| images", "|---|---|---|", "| loader alone", "| resident", "| streamed", "| one batch"]
    wrong = subprocess.run([*command, "--case=mpl"], capture_output=True, text=True)
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: --case") and "mlp" in wrong.stderr
