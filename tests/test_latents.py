import jax
import numpy as np
import pytest
from scipy import stats

from gan_jax import latents
from gan_jax.errors import UsageError


@pytest.mark.parametrize(
    "draw, distribution", [(latents.normal, stats.norm()), (latents.uniform, stats.uniform(-1, 2))]
)
def test_distribution(draw, distribution):
    samples = draw(jax.random.key(0), 500, size=4)
    assert samples.shape == (500, 4) and samples.dtype == np.float32
    assert stats.kstest(np.ravel(samples), distribution.cdf).pvalue > 0.01


def _parts(samples, noise, discrete):
    """Columns of noise, of each discrete code, and of the continuous ones."""
    return np.split(np.asarray(samples), np.cumsum((noise, *discrete)), axis=1)


def test_codes_stand_side_by_side():
    samples = latents.codes(jax.random.key(0), 2_000, noise=3, discrete=(4, 2), continuous=2)
    assert samples.shape == (2_000, 3 + 4 + 2 + 2) and samples.dtype == np.float32
    noise, four, two, continuous = _parts(samples, 3, (4, 2))
    for hot in (four, two):
        assert set(np.unique(hot)) == {0.0, 1.0} and (hot.sum(1) == 1).all()
        # Counts of equally likely values.
        assert stats.chisquare(hot.sum(0)).pvalue > 0.01
    for part in (noise, continuous):
        assert stats.kstest(np.ravel(part), stats.uniform(-1, 2).cdf).pvalue > 0.01
    read = latents.codes_discrete(samples, noise=3, discrete=(4, 2), continuous=2)
    assert read.shape == (2_000, 2) and read.dtype == np.int32
    for hot, values in zip((four, two), read.T):
        np.testing.assert_array_equal(hot, np.eye(hot.shape[1])[values])
    # The codes do not depend on each other.
    assert stats.chi2_contingency(four.T @ two).pvalue > 0.01
    assert abs(np.corrcoef(continuous.T)[0, 1]) < 0.1
    assert latents.codes(jax.random.key(0), 5).shape == (5, 74)


def test_latents_without_discrete_codes_have_none_to_read():
    assert latents.codes_discrete(np.zeros((5, 64)), discrete=()).shape == (5, 0)


def test_each_row_of_a_codes_grid_varies_one_code():
    samples = latents.codes_grid(jax.random.key(1), 25, noise=3, discrete=(4, 2), continuous=2)
    noise, four, two, continuous = (part.reshape(5, 5, -1) for part in _parts(samples, 3, (4, 2)))
    np.testing.assert_array_equal(noise, np.broadcast_to(noise[:, :1], noise.shape))
    assert len(np.unique(noise[:, 0, 0])) == 5
    varies = [[bool(np.ptp(part, axis=1)[row].any()) for part in (four, two)] for row in range(5)]
    moving = np.ptp(continuous, axis=1) > 0
    # Rows take the four codes in turn and begin again.
    assert varies == [[True, False], [False, True], [False, False], [False, False], [True, False]]
    assert moving.tolist() == [[False] * 2, [False] * 2, [True, False], [False, True], [False] * 2]
    np.testing.assert_array_equal(four[0].argmax(1), [0, 1, 2, 3, 0])
    np.testing.assert_array_equal(two[1].argmax(1), [0, 1, 0, 1, 0])
    np.testing.assert_allclose(continuous[2, :, 0], [-2, -1, 0, 1, 2])


def test_a_grid_that_is_not_full():
    samples = latents.codes_grid(jax.random.key(1), 7, noise=1, discrete=(3,), continuous=1)
    assert samples.shape == (7, 5)
    np.testing.assert_array_equal(samples[:3, 1:4], np.eye(3))


@pytest.mark.parametrize("discrete", [(1,), (10, 0), (2.5,)])
def test_a_discrete_code_has_at_least_two_values(discrete):
    with pytest.raises(UsageError, match="expected at least 2 values of each"):
        latents.codes(jax.random.key(0), 3, discrete=discrete)
