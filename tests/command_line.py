"""Runs the command line as a user does, for tests."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A recipe file of milliseconds a step; tests change it through flags.
CONFIG = """
from gan_jax.recipe import Recipe

def own_loss(fake_logits):
    return -fake_logits

def get_config(data="digits"):
    adam = dict(adam=dict(learning_rate=1e-3, b1=0.5))
    return Recipe(
        data=dict(name=data, resolution=8),
        game=dict(name="gan", latents=dict(name="normal", size=4)),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            discriminator=dict(name="mlp.Discriminator", widths=(16,), dropout=0.2),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0), generator=dict(non_saturating_generator=1.0)
        ),
        optimizers=dict(discriminator=adam, generator=dict(adam)),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=100.0)),
        batch_size=8, steps=20, log_every=5, grid_every=10, grid_size=4, checkpoint_every=5,
    )
"""


def start(*flags, **environment):
    """Starts `python -m gan_jax.main` on one device."""
    command = [sys.executable, "-m", "gan_jax.main", *flags]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "JAX_PLATFORMS": "cpu", **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process):
    """Waits; returns exit code, stdout and stderr."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err
