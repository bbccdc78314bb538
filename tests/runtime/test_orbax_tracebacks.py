"""A save that fails among many writes says so once, and nothing else is printed."""

import os
import subprocess
import sys
import types

import command_line

from gan_jax.runtime import orbax_tracebacks

# No file may be longer than 100 kB: most arrays cannot be written.
SAVES = """
import resource, sys
import jax, numpy as np
from absl import logging
from gan_jax.checkpoints import checkpoint
from gan_jax.runtime import orbax_tracebacks
from gan_jax.errors import Fault

logging.set_verbosity(logging.FATAL)
if sys.argv[2] == "ignored":
    orbax_tracebacks.ignore()
random = np.random.default_rng(0)
state = {f"array_{n}": jax.numpy.asarray(random.random((200, 200), np.float32)) for n in range(12)}
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with checkpoint.manager(sys.argv[1], keep=2) as manager:
        checkpoint.save(manager, 1, state)
except Fault as error:
    print(error)
"""


def _saving(workdir, how):
    done = subprocess.run(
        [sys.executable, "-c", SAVES, str(workdir), how],
        cwd=command_line.ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        text=True,
        capture_output=True,
    )
    return done.stdout, done.stderr


def test_a_failing_save_is_reported_once(tmp_path):
    out, err = _saving(tmp_path / "ignored", "ignored")
    # Of the writes that fail, any may be the first; the status of a file that is too large is theirs all.
    assert out.startswith("a checkpoint could not be written in ") and "OUT_OF_RANGE" in out
    assert err == ""
    # Without it there is noise, or this test would be about nothing; in a rare run nothing is late enough.
    noise = (_saving(tmp_path / f"printed {number}", "printed")[1] for number in range(5))
    assert any("Event loop is closed" in each for each in noise)


def test_everything_else_is_said_as_before(monkeypatch):
    hooked = []
    monkeypatch.setattr(sys, "unraisablehook", hooked.append)
    orbax_tracebacks.ignore()
    for error in (
        RuntimeError("Event loop is closed"),
        RuntimeError("other"),
        OSError("Event loop is closed"),
    ):
        sys.unraisablehook(types.SimpleNamespace(exc_value=error, object=None))
    assert [str(each.exc_value) for each in hooked] == ["other", "Event loop is closed"]
    assert isinstance(hooked[1].exc_value, OSError)
