import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets.dropout import Dropout, kept


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.3, 0.5, 0.999])
@pytest.mark.parametrize("shape", [(40, 9, 64), (20_000, 1), (4_000, 3, 7)])
def test_features_are_dropped_at_the_rate(rate, shape):
    """Over many draws, for each channel: rates that are no multiple of 1/256 too."""
    draws = 200
    share = 1 - jnp.mean(
        jax.vmap(lambda key: kept(key, rate, shape))(jax.random.split(jax.random.key(0), draws))
    )
    # Rounding a channel's threshold is one draw for all its features: its deviation is at most 1/512.
    deviation = np.sqrt(rate * (1 - rate) / (draws * np.prod(shape)) + (1 / 512) ** 2 / (draws * shape[-1]))
    assert abs(float(share) - rate) <= 5 * deviation


def test_features_are_dropped_independently():
    mask = np.asarray(kept(jax.random.key(1), 0.4, (50_000, 8)), np.float64)
    correlation = np.corrcoef(mask, rowvar=False) - np.eye(8)
    assert np.abs(correlation).max() < 5 / np.sqrt(50_000)
    lagged = np.corrcoef(mask[:-1].ravel(), mask[1:].ravel())[0, 1]
    assert abs(lagged) < 5 / np.sqrt(mask.size)


def test_the_rest_is_scaled_and_evaluation_leaves_all():
    x = jax.random.normal(jax.random.key(2), (6, 5, 3), jnp.bfloat16)
    layer = Dropout(0.25)
    dropped = layer.apply({}, x, train=True, rngs={"dropout": jax.random.key(3)})
    assert dropped.dtype == x.dtype
    scaled = np.asarray(x / 0.75, np.float32)
    dropped = np.asarray(dropped, np.float32)
    assert np.all((dropped == 0) | (dropped == scaled))
    assert 0 < np.mean(dropped == 0) < 0.6
    np.testing.assert_array_equal(layer.apply({}, x, train=False), x)
    np.testing.assert_array_equal(Dropout(0.0).apply({}, x, train=True), x)


def test_another_stream_of_random_numbers():
    x = jnp.ones((50, 4))
    layer = Dropout(0.5, stream="noise")
    drop = functools.partial(layer.apply, {}, x, train=True)
    dropped = [drop(rngs={"noise": jax.random.key(seed), "dropout": jax.random.key(9)}) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(dropped[0], dropped[1])
    assert (np.asarray(dropped[0]) != np.asarray(dropped[2])).any()


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(UsageError, match=r"expected a rate in \[0, 1\)"):
        Dropout(rate).apply({}, jnp.ones((2, 2)), train=False)


def test_it_draws_a_quarter_of_the_bits():
    lowered = jax.jit(lambda key: kept(key, 0.5, (16, 8, 64))).lower(jax.random.key(0)).as_text()
    assert "16x8x16xui32" in lowered and "16x8x64xui32" not in lowered
