"""Noise: means, deviations, and the distribution of counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from gan_jax.degradations import draw, gaussian_noise, poisson_noise
from gan_jax.errors import UsageError

U = np.asarray(draw.uniform(jax.random.key(0), 200_000))
POISSON = jax.jit(draw.poisson)


def test_few_counts_are_the_quantiles_of_the_distribution():
    rates = np.array([0.0, 0.01, 0.5, 2.0, 3.9], np.float32)
    for rate in rates:
        found = np.asarray(POISSON(U[:2000], np.full(2000, rate)))
        expected = scipy.stats.poisson.ppf(U[:2000].astype(np.float64), rate)
        assert np.mean(found != expected) < 0.002 and np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("rate", [0.3, 4.0, 11.0, 180.0])
def test_counts_have_the_mean_the_variance_and_the_skewness(rate):
    counts = np.asarray(POISSON(U, jnp.full(len(U), rate)), np.float64)
    np.testing.assert_array_equal(counts, np.round(counts))
    assert counts.min() >= 0
    error = np.sqrt(rate / len(U))
    assert abs(counts.mean() - rate) < 5 * error + 0.002 * np.sqrt(rate)
    np.testing.assert_allclose(counts.var(), rate, rtol=0.015)
    np.testing.assert_allclose(((counts - rate) ** 3).mean() / rate**1.5, rate**-0.5, atol=0.05)


def test_shot_noise_grows_with_brightness_as_photons_do():
    """256 levels: a white pixel counts 256 photons, so a level's variance is the level over 256 / 255."""
    levels = np.tile(np.arange(256, dtype=np.float32), (256, 1))[..., None]
    image = levels / np.float32(127.5) - 1
    noisy = jax.jit(poisson_noise().apply)(jax.random.key(0), {"source": jnp.asarray(image)})["source"]
    noise = (np.asarray(noisy) - image)[..., 0] * 127.5
    assert abs(noise.mean()) < 0.2
    for low, high in ((1, 3), (20, 60), (200, 256)):
        variance = (noise[:, low:high] ** 2).mean()
        np.testing.assert_allclose(variance, levels[0, low:high, 0].mean() * 255 / 256, rtol=0.1)
    assert np.all(noise[:, 0] == 0)


@pytest.mark.parametrize("noise, deviation", [(gaussian_noise, 25.0), (poisson_noise, None)])
def test_noise_of_grey_samples_has_no_colour(noise, deviation):
    image = jnp.broadcast_to(jnp.linspace(-0.5, 0.5, 64)[:, None, None], (64, 64, 3))
    for grey in (0.0, 1.0):
        added = np.asarray(
            jax.jit(noise(grey=grey).apply)(jax.random.key(1), {"source": image})["source"] - image
        )
        assert np.allclose(added[..., 0], added[..., 1], atol=1e-6) == (grey == 1.0)
        if deviation:
            np.testing.assert_allclose(added.std() * 127.5, deviation, rtol=0.03)


def test_a_strength_is_drawn_for_each_sample():
    image = jnp.zeros((64, 64, 1))
    deviations = [
        float(gaussian_noise(deviation=(5, 50))(jax.random.key(seed), {"source": image})["source"].std())
        * 127.5
        for seed in range(12)
    ]
    assert min(deviations) < 20 and max(deviations) > 35 and 4.5 < min(deviations) and max(deviations) < 52
    with pytest.raises(
        UsageError, match=r"gaussian_noise.deviation=\(5, 1\): expected a number of at least 0, or a pair"
    ):
        gaussian_noise(deviation=(5, 1))
