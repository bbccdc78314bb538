"""All ways of feeding a step give the same batches; the table reports the measurements."""

import subprocess
import sys

import jax
import numpy as np

from gan_jax import data
from gan_jax.benchmark import loading
from gan_jax.benchmark.report import Spread
from gan_jax.runtime import parallel


def test_ways_agree():
    """The first batch of all three is the same; the last one repeats it, the others give the next."""
    source, mesh = data.digits(resolution=8), parallel.mesh(4, jax.devices()[:1])
    images = {}
    for name, fed in loading.feeds(source, 4, 2, mesh).items():
        steps = [jax.tree.map(lambda leaf: leaf[0], call_feed) for call_feed in fed.feed(0, 2)]
        decoded = [fed.decode(fed.resident, step_feed, jax.random.key(0)) for step_feed in steps]
        images[name] = [np.asarray(batch["real"]) for batch in decoded]
    first, second = images["resident"]
    assert first.shape == (2, 4, 8, 8, 1) and np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(images["streamed"], [first, second])
    np.testing.assert_array_equal(images["one batch"], [first, first])


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
