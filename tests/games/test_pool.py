"""The pool of past fakes, against a list in Python and against its closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.games import pool as pools


def _in_python(pool, new, size, coins, places):
    """What CycleGAN's code does with a list, image by image, with given decisions."""
    past = []
    for image, coin, place in zip(new, coins, places):
        if len(pool) < size:
            pool.append(image)
            past.append(image)
        elif coin:
            past.append(pool[place])
            pool[place] = image
        else:
            past.append(image)
    return past


@pytest.mark.parametrize("size, batch", [(5, 1), (5, 3), (4, 4)])
def test_equals_a_list_that_is_filled_and_exchanged_image_by_image(size, batch):
    """Batches of three straddle the end of filling: the second one's last image may take its first one's place."""
    pool, expected = pools.empty(size, jnp.zeros((2,))), []
    exchange = jax.jit(pools.exchange)
    for step in range(12):
        key = jax.random.fold_in(jax.random.key(3), step)
        new = np.float32(np.arange(batch * 2).reshape(batch, 2) + 100 * step + 1)
        coins_key, places_key = jax.random.split(key)
        coins = np.asarray(jax.random.bernoulli(coins_key, 0.5, (batch,)))
        places = np.asarray(jax.random.permutation(places_key, size)[:batch])
        past, pool = exchange(pool, new, key)
        np.testing.assert_array_equal(past, _in_python(expected, list(new), size, coins, places))
        assert pool.filled == len(expected)
        np.testing.assert_array_equal(pool.samples[: len(expected)], expected)
        assert not np.any(pool.samples[len(expected) :])


def test_half_are_new_and_the_age_of_the_others_is_geometric():
    """A place is left with probability 1 / (2 size) a fake, so that past fakes are 2 size fakes old on average."""
    size, count = 5, 6_000

    @jax.jit
    def ages(key):
        def one(pool, number):
            past, pool = pools.exchange(
                pool, jnp.float32(number)[None, None], jax.random.fold_in(key, number)
            )
            return pool, number - past[0, 0]

        return jax.lax.scan(one, pools.empty(size, jnp.zeros((1,))), jnp.arange(count))[1]

    found = np.asarray(ages(jax.random.key(0)))[100:]
    old = found[found > 0]
    # Deviations: of the share 0.0065, of the mean age about 10 / sqrt(5,900 / 2) = 0.2.
    assert abs(np.mean(found == 0) - 0.5) < 0.025
    assert abs(old.mean() - 2 * size) < 0.8
    for age in (1, 2, 10):
        np.testing.assert_allclose(np.mean(old > age), (1 - 1 / (2 * size)) ** age, atol=0.04)


def test_past_fakes_have_no_gradient():
    pool = pools.empty(2, jnp.zeros((1,)))
    slope = jax.grad(lambda new: jnp.sum(pools.exchange(pool, new, jax.random.key(0))[0]))(jnp.ones((2, 1)))
    assert not np.any(slope)


def test_a_batch_larger_than_the_pool():
    with pytest.raises(UsageError, match="game.pool=2: expected at least 3, the samples of a batch, or 0"):
        pools.exchange(pools.empty(2, jnp.zeros((1,))), jnp.zeros((3, 1)), jax.random.key(0))
