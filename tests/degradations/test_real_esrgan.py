"""The two rounds of Real-ESRGAN, of grey images and of colour ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.degradations import real_esrgan
from gan_jax.degradations.real_esrgan import _FIRST, _SECOND, _round
from gan_jax.errors import UsageError


@pytest.fixture(scope="module")
def rounds():
    """The sizes that each round makes of 40 x 24 pixels, by 200 samples."""

    def sizes(numbers, unit):
        def one(key, u):
            return _round(key, u, jnp.zeros((40, 24, 1)), jnp.array([40, 24]), unit, numbers)[1]

        u = jax.random.uniform(jax.random.key(1), (200, 17))
        return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 200), u))

    return sizes(_FIRST, (40, 24)), sizes(_SECOND, (20, 12))


def test_sizes_of_the_rounds_are_those_of_the_paper(rounds):
    """Larger, smaller, the same: .2, .7, .1 by .15 to 1.5, then .3, .4, .3 by .3 to 1.2."""
    for made, side, shares, (least, most) in zip(
        rounds, (40, 20), ((0.2, 0.7, 0.1), (0.3, 0.4, 0.3)), ((0.15, 1.5), (0.3, 1.2))
    ):
        high = made[:, 0]
        assert high.min() >= int(least * side) and high.max() <= most * side
        # A factor a little above 1 makes the same size.
        found = [np.mean(high > side), np.mean(high < side), np.mean(high == side)]
        np.testing.assert_allclose(found, shares, atol=0.12)
        np.testing.assert_allclose(made[:, 1], high * 24 / 40, atol=1)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="real_esrgan.factor=4: expected images whose sides are a multiple"):
        real_esrgan()(jax.random.key(0), {"source": jnp.zeros((30, 32, 3))})
