import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.errors import UsageError
from gan_jax.metrics import image_checks
from gan_jax.metrics.power_spectrum import power_spectrum_distance, radial_power_spectrum


def _expected(images):
    """Frequency by frequency in float64."""
    count, height, width, channels = images.shape
    circles = {}
    for y in range(height):
        for x in range(width):
            vertical, horizontal = min(y, height - y) / height, min(x, width - x) / width
            radius = int(round(min(height, width) * np.sqrt(vertical**2 + horizontal**2)))
            circles.setdefault(radius, []).append((y, x))
    power = np.zeros((height, width))
    for image in images.astype(np.float64):
        for channel in range(channels):
            pixels = image[..., channel] - image[..., channel].mean()
            power += np.abs(np.fft.fft2(pixels)) ** 2 / (height * width * channels * count)
    return np.array([np.mean([power[at] for at in circles[radius]]) for radius in range(max(circles) + 1)])


def _noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    "shape", [(3, 32, 32, 3), (4, 28, 28, 1), (2, 9, 9, 1), (2, 16, 22, 1), (2, 22, 16, 1), (2, 2, 2, 3)]
)
def test_against_float64(shape):
    images = _noise(0, shape)
    actual = radial_power_spectrum(images)
    assert actual.dtype == np.float64 and actual[0] < 1e-6
    np.testing.assert_allclose(actual[1:], _expected(images)[1:], rtol=1e-6)


def test_smooth_images_keep_their_faint_high_frequencies():
    rows, columns = np.mgrid[:64, :64] / 64
    images = (127 + 90 * np.sin(4 * rows + 3 * columns))[None, ..., None].astype(np.float32)
    expected = _expected(images)
    assert expected[40] < 1e-4 * expected[1]
    np.testing.assert_allclose(radial_power_spectrum(images)[1:], expected[1:], rtol=1e-4)


def test_a_long_rectangle_has_frequencies_that_fit_only_its_longer_side():
    # 48 columns of 8 rows: horizontal frequencies of 1, 2 and 3 cycles are at most half a cycle of 8 pixels.
    wave = 100 + 50 * np.cos(2 * np.pi * 2 * np.arange(48) / 48)
    actual = radial_power_spectrum(np.broadcast_to(wave[None, :, None], (2, 8, 48, 1)))
    # Amplitude 25 at +2 and -2 cycles: a power of 25^2 * 8 * 48 each; 1 to 3 cycles are six frequencies.
    np.testing.assert_allclose(actual[0], 2 * 25**2 * 8 * 48 / 6, rtol=1e-6)
    np.testing.assert_allclose(actual[1:], 0.0, atol=1e-6 * actual[0])
    noise = np.random.default_rng(0).normal(5.0, 3.0, (1600, 8, 48, 1))
    np.testing.assert_allclose(radial_power_spectrum(noise), 9.0, rtol=0.05)


def test_the_distance_of_long_rectangles_counts_their_low_frequencies():
    flat = np.full((1, 48, 8, 1), 100, np.uint8)
    wave = (100 + np.round(50 * np.cos(2 * np.pi * np.arange(48) / 48))).astype(np.uint8)[None, :, None, None]
    wave = np.broadcast_to(wave, (1, 48, 8, 1))
    spectrum = np.abs(np.fft.fft(wave[0, :, 0, 0] - wave[0, :, 0, 0].mean())) ** 2 * 8 / 48
    decibels = 10 * np.log10((spectrum[[1, 2, 3]].sum() * 2 / 6 + 1 / 12) * 12)
    actual = power_spectrum_distance(flat, wave)["power_spectrum_distance"]
    # Radii 0 to 6; rounding to whole grey levels leaves little power at the others.
    np.testing.assert_allclose(actual, decibels / np.sqrt(7), rtol=0.02)


def test_white_noise_is_flat():
    images = np.random.default_rng(0).normal(5.0, 3.0, (1600, 16, 16, 1))
    np.testing.assert_allclose(radial_power_spectrum(images)[1:], 9.0, rtol=0.05)


@pytest.mark.parametrize("cycles", [1, 5, 8])
def test_a_wave_peaks_at_its_frequency(cycles):
    wave = 100 + 50 * np.cos(2 * np.pi * cycles * np.arange(16) / 16)
    actual = radial_power_spectrum(np.broadcast_to(wave[:, None, None], (2, 16, 16, 1)))
    assert np.argmax(actual) == cycles
    np.testing.assert_allclose(np.delete(actual, cycles), 0.0, atol=1e-6 * actual.max())


def test_checkerboard_stands_in_the_corner():
    actual = radial_power_spectrum((np.indices((16, 16)).sum(0) % 2 * 255.0)[None, ..., None])
    assert len(actual) == 12 and np.argmax(actual) == 11


def test_distance_in_decibels():
    real, fake = _noise(0, (6, 16, 16, 3)), _noise(1, (4, 16, 16, 3)) // 2
    decibels = [10 * np.log10(_expected(images) + 1 / 12) for images in (real, fake)]
    squares = (decibels[0] - decibels[1])[1:] ** 2
    actual = power_spectrum_distance(real, fake)
    # Half the amplitude: 20 log10(2) = 6 dB.
    np.testing.assert_allclose(actual["power_spectrum_distance"], 6.02, atol=0.6)
    np.testing.assert_allclose(actual["power_spectrum_distance"], np.sqrt(squares.mean()), rtol=1e-6)
    # 16 pixels: up to 8 cycles along an axis, 11 in the corners; three quarters of 8 are 6.
    np.testing.assert_allclose(actual["power_spectrum_distance_high"], np.sqrt(squares[5:].mean()), rtol=1e-6)


def test_a_wave_of_known_height():
    flat = np.full((1, 8, 8, 1), 100, np.uint8)
    wave = flat + np.uint8(10) * (np.arange(8) % 2).astype(np.uint8)[:, None, None]
    # Amplitude 5 at (4, 0), alone in power 5^2 * 64; 24 frequencies round to the radius of 4.
    at = np.round(np.hypot(*np.meshgrid(np.fft.fftfreq(8, 1 / 8), np.fft.fftfreq(8, 1 / 8))))
    decibels = 10 * np.log10((25 * 64 / np.sum(at == 4) + 1 / 12) * 12)
    actual = power_spectrum_distance(flat, wave)
    np.testing.assert_allclose(actual["power_spectrum_distance"], decibels / np.sqrt(6), rtol=1e-6)
    np.testing.assert_allclose(actual["power_spectrum_distance_high"], decibels / np.sqrt(4), rtol=1e-6)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_properties(seed):
    real, fake = _noise(seed, (4, 12, 12, 1)), _noise(seed + 1, (5, 12, 12, 1)) // 3
    actual = power_spectrum_distance(real, fake)
    assert set(power_spectrum_distance(fake, fake).values()) == {0.0}
    assert min(actual.values()) > 1
    assert actual == power_spectrum_distance(fake, real)
    mixed = np.random.default_rng(seed).permutation(fake)
    np.testing.assert_allclose(list(power_spectrum_distance(real, mixed).values()), list(actual.values()))


def test_blocks_equal_one_pass(monkeypatch):
    images = _noise(0, (7, 12, 12, 1))
    whole = radial_power_spectrum(images)
    monkeypatch.setattr(image_checks, "BLOCK_BYTES", 3 * 32 * 144)
    np.testing.assert_allclose(radial_power_spectrum(images)[1:], whole[1:], rtol=1e-6)


def test_constant_images():
    grey, white = np.full((2, 8, 8, 3), 100, np.uint8), np.full((3, 8, 8, 3), 255, np.uint8)
    assert set(power_spectrum_distance(grey, white).values()) == {0.0}
    np.testing.assert_array_equal(radial_power_spectrum(grey), np.zeros(7))


def test_mistakes():
    with pytest.raises(UsageError, match=r"expected images \[N, height, width, channels\], got \(8, 8\)"):
        radial_power_spectrum(np.zeros((8, 8)))
    with pytest.raises(UsageError, match="expected sides of at least 2 pixels, got 1x1"):
        power_spectrum_distance(*2 * [np.zeros((2, 1, 1, 1), np.uint8)])
    with pytest.raises(UsageError, match="fake images: expected uint8 .* got float64"):
        power_spectrum_distance(np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 8, 8, 1)))
