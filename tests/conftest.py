"""Eight simulated devices, a compilation cache, and a recipe small enough to train in a test."""

import gc
import os

import jax
import orbax.checkpoint as ocp
import pytest

from gan_jax.recipe import Recipe
from gan_jax.training import report

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
# Tracing makes many objects that live on: to look for garbage among them again and again takes a sixth of it.
gc.set_threshold(50_000, 20, 20)
# From many devices orbax writes a slice of each array, and compiles a program for every shape: tests of
# checkpoints and command lines do so, the others write arrays whole.
_IN_SLICES = ocp.type_handlers.get_type_handler(jax.Array)
_WHOLE = ocp.type_handlers.ArrayHandler(use_replica_parallel=False)
ocp.type_handlers.register_type_handler(jax.Array, _WHOLE, override=True)


def pytest_configure(config):
    folder = str(config.cache.mkdir("compiled"))
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    # Command lines that tests start share the cache.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    # Tests compile much and compute little: LLVM may leave the code as it finds it.
    os.environ["XLA_FLAGS"] = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0 "
        "--xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1 "
        # The older way to emit fusions compiles in half the time; later versions have only the newer one.
        f"{'--xla_cpu_use_fusion_emitters=false ' if jax.__version_info__ < (0, 11) else ''}"
        # Eight devices on a busy machine of two cores may well wait for each other for a while.
        "--xla_cpu_collective_call_terminate_timeout_seconds=600"
    )
    # Classifiers that tests train are no business of the user's cache.
    os.environ["XDG_CACHE_HOME"] = str(config.cache.mkdir("home"))


def _tiny(net="mlp", optimizer=None, **changes):
    """A GAN on digits of 8 pixels that trains in milliseconds a step."""
    nets = {
        "mlp": dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            discriminator=dict(name="mlp.Discriminator", widths=(16,), dropout=0.2),
        ),
        "dcgan": dict(
            generator=dict(name="dcgan.Generator", width=4),
            discriminator=dict(name="dcgan.Discriminator", width=4),
        ),
    }
    optimizer = optimizer or dict(adam=dict(learning_rate=1e-3, b1=0.5))
    fields = dict(
        data=dict(name="digits", resolution=8),
        game=dict(name="gan", latents=dict(name="normal", size=4)),
        nets=nets[net],
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0), generator=dict(non_saturating_generator=1.0)
        ),
        optimizers=dict(discriminator=optimizer, generator=optimizer),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=100.0)),
        batch_size=8,
        steps=10,
        log_every=5,
        grid_every=10,
        grid_size=4,
        checkpoint_every=5,
    )
    return Recipe(**{**fields, **changes})


@pytest.fixture(scope="session")
def tiny():
    """The maker of tiny recipes."""
    return _tiny


@pytest.fixture(scope="module")
def saved_in_slices():
    """Checkpoints are written as runs write them, a slice of each array from every device."""
    ocp.type_handlers.register_type_handler(jax.Array, _IN_SLICES, override=True)
    yield
    ocp.type_handlers.register_type_handler(jax.Array, _WHOLE, override=True)


@pytest.fixture(scope="module")
def without_curves():
    """Runs draw no curves, which takes as long as their steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "curves", lambda *args: None)
        yield
