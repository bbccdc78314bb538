"""The least memory of a step: known products, every step that compiles, and sizes that are refused."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build, data
from gan_jax.errors import UsageError
from gan_jax.runtime import memory, parallel
from gan_jax.training import demand, setup

F32 = functools.partial(jax.ShapeDtypeStruct, dtype=np.float32)


def _mesh(count):
    return parallel.mesh(8, jax.devices()[:count])


def _product(state, batches, key):
    return jnp.tanh(batches["real"] @ state).sum()


def _sliced(state, batches, key):
    slices = batches["real"].reshape(10, 100, 64)
    return jax.lax.scan(lambda total, rows: (total + _product(state, {"real": rows}, key), 0.0), 0.0, slices)


def _convolved(state, batches, key):
    images = batches["real"].reshape(1000, 8, 8, 1)
    kernel = state.reshape(8, 8, 1, 32)
    return jax.lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.mark.parametrize(
    "step, devices, expected",
    [
        # A kernel of 64 x 32 has 8,192 bytes, 1,000 rows of 64 have 256,000, and their product has 128,000.
        (_product, 1, 8_192 + 256_000 + 128_000),
        (_product, 8, (8_192 + 256_000 + 128_000) // 8),
        (_sliced, 1, 8_192 + 25_600 + 12_800),
        # 1,000 x 8 x 8 x 32 results of four bytes.
        (_convolved, 1, 8_192 + 256_000 + 8_192_000),
        (_convolved, 8, (8_192 + 256_000 + 8_192_000) // 8),
        # Without a product, the state alone.
        (lambda state, batches, key: (state + 1, batches["real"] * 2), 1, 8_192),
    ],
    ids=["product", "on eight devices", "in slices", "convolution", "convolution on eight", "no product"],
)
def test_state_and_the_largest_product(step, devices, expected):
    batches = {"real": F32((1000, 64))}
    least = demand.of_step(jax.jit(step), F32((64, 32)), batches, _mesh(devices))
    assert least == (expected, 8_192)


def test_a_gradient_counts_beside_the_state():
    """Of one row and a kernel of 512 x 512: 1 MiB of state, and 1 MiB of its gradient."""
    step = jax.jit(jax.grad(lambda state, batches, key: jnp.square(batches["real"] @ state).sum()))
    least = demand.of_step(step, F32((512, 512)), {"real": F32((2, 512))}, _mesh(1))
    assert least.bytes == 2 * 2**20 and least.state == 2**20


def test_no_step_needs_less_than_its_bound(tiny):
    """XLA's own count of arguments, temporary arrays and results, of one device."""
    recipe, modality = tiny(), data.digits(resolution=8).modality
    spec, key, mesh = build.train_spec(recipe, modality), jax.random.key(0), _mesh(1)
    state = jax.eval_shape(build.start(spec, modality, recipe.batch_size), key)
    batches = jax.eval_shape(lambda: build.blank(modality, 1, recipe.batch_size))
    least = demand.of_step(spec.step, state, batches, mesh)
    needed = spec.step.lower(state, batches, key).compile().memory_analysis()
    assert (
        0
        < least.bytes
        <= needed.argument_size_in_bytes + needed.temp_size_in_bytes + needed.output_size_in_bytes
    )


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            dict(batch_size=800_000_000),
            r"a step of batch_size=800000000 needs at least [\d,.]+ GiB on a device, 0.0",
        ),
        (
            dict(game=dict(name="gan", latents=dict(name="normal", size=2**31 - 1))),
            "GiB of it for parameters, averages and optimizers, and a device has .* device_memory=[0-9]+ insists$",
        ),
        (
            dict(grid_size=2**31 - 1, device_memory=2**20),
            "^grid_size=2147483647: needs at least 128.0 GiB of memory",
        ),
    ],
    ids=["batch", "network", "grid"],
)
def test_absurd_sizes_are_one_line_before_anything_is_made(tiny, tmp_path, monkeypatch, changes, message):
    monkeypatch.setattr(memory, "of_host", lambda: 8 * 2**30)
    with pytest.raises(UsageError, match=message):
        setup.prepare(tiny(**changes), str(tmp_path / "run"))


def test_device_memory_decides(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "of_device", lambda: 100)
    with pytest.raises(UsageError, match="a device has 0.0 GiB"):
        setup.prepare(tiny(), str(tmp_path / "run"))
    assert setup.prepare(tiny(device_memory=1), str(tmp_path / "run"))
