import jax
import numpy as np
import pytest
from scipy import stats

from gan_jax import latents


@pytest.mark.parametrize(
    "draw, distribution", [(latents.normal, stats.norm()), (latents.uniform, stats.uniform(-1, 2))]
)
def test_distribution(draw, distribution):
    drawn = draw(jax.random.key(0), 500, size=4)
    assert drawn.shape == (500, 4) and drawn.dtype == np.float32
    assert stats.kstest(np.ravel(drawn), distribution.cdf).pvalue > 0.01
