"""ADA's filter bank, noise and cutout."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.augment import corruption


def test_sym2_is_orthonormal_with_two_vanishing_moments():
    taps = corruption.SYM2
    np.testing.assert_allclose([taps @ taps, taps[2:] @ taps[:2], taps.sum()], [1, 0, np.sqrt(2)], atol=1e-12)
    k = np.arange(4)
    np.testing.assert_allclose([np.sum((-1.0) ** k * k**m * taps) for m in (0, 1)], 0, atol=1e-12)


def test_filter_bank_splits_the_identity_into_octaves():
    bank = corruption.filter_bank()
    assert bank.shape == (4, 43)
    np.testing.assert_allclose(bank.sum(0), np.eye(43)[21], atol=1e-12)
    np.testing.assert_allclose(bank, bank[:, ::-1], atol=1e-12)
    frequencies = np.array([0, 3 / 32, 3 / 16, 1 / 2])  # Cycles per pixel, one of each octave.
    response = bank @ np.exp(-2j * np.pi * frequencies[None] * (np.arange(43)[:, None] - 21))
    assert np.abs(response.imag).max() < 1e-12
    np.testing.assert_array_equal(response.real.argmax(0), [0, 1, 2, 3])
    np.testing.assert_allclose(response.real[:, [0, 3]], np.eye(4)[:, [0, 3]], atol=1e-12)


def test_image_filter_is_separable_and_keeps_expected_power():
    count = 100
    impulse = jnp.zeros((count, 64, 64, 1)).at[:, 32, 32].set(1.0)
    actual = np.float64(corruption.image_filter(jax.random.key(0), impulse, 0.2))[..., 0]
    bank = corruption.filter_bank()
    single = 0
    for response in actual:
        # A square root of the separable response by its own middle row and column.
        np.testing.assert_allclose(
            response * response[32, 32], np.outer(response[:, 32], response[32]), atol=1e-5
        )
        taps = response[32, 11:54] / np.sqrt(response[32, 32])
        gains = np.linalg.lstsq(bank.T, taps, rcond=None)[0]
        np.testing.assert_allclose(gains @ bank, taps, atol=1e-5)
        if np.sum(np.abs(gains - np.median(gains)) < 1e-4) == 3:
            single += 1
            np.testing.assert_allclose(np.sum(np.array([10, 1, 1, 1]) / 13 * gains**2), 1, rtol=1e-4)
    assert single > 20  # 4 * 0.2 * 0.8 ** 3 = 0.41 of the samples have exactly one band amplified.


def test_image_filter_reflects_at_the_border():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 40, 36, 2)).astype(np.float32)
    key = jax.random.key(1)
    padded = np.pad(images, ((0, 0), (21, 21), (21, 21), (0, 0)), "reflect")
    inner = corruption.image_filter(key, padded, 1.0)[:, 21:-21, 21:-21]
    np.testing.assert_allclose(corruption.image_filter(key, images, 1.0), inner, atol=2e-5)


def test_noise_has_a_half_normal_deviation():
    actual = np.asarray(corruption.noise(jax.random.key(0), jnp.ones((800, 16, 16, 1)), 0.5)) - 1
    deviation = actual.std(axis=(1, 2, 3))
    positive = deviation[deviation > 0]
    np.testing.assert_allclose(len(positive) / 800, 0.5, atol=0.06)
    np.testing.assert_allclose(positive.mean(), 0.1 * np.sqrt(2 / np.pi), rtol=0.1)
    np.testing.assert_allclose(np.sqrt(np.mean(positive**2)), 0.1, rtol=0.1)


def test_cutout_covers_half_a_side_around_any_centre():
    covered = np.asarray(corruption.cutout(jax.random.key(0), jnp.ones((500, 20, 12, 3)), 0.5)) == 0
    assert np.array_equal(covered, np.repeat(covered[..., :1], 3, -1))
    changed = covered.any((1, 2, 3))
    np.testing.assert_allclose(changed.mean(), 0.5, atol=0.08)
    for one in covered[changed][..., 0]:
        rows, columns = (np.flatnonzero(one.any(axis)) for axis in (1, 0))
        assert one.sum() == len(rows) * len(columns)
        for actual, size in ((rows, 20), (columns, 12)):
            assert len(actual) == actual[-1] - actual[0] + 1 <= size // 2 + 1
            assert len(actual) >= size // 2 - 1 or actual[0] == 0 or actual[-1] == size - 1
            assert len(actual) >= size // 4
