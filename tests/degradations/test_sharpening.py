"""The sharpened target against SciPy's filters."""

import jax
import numpy as np
import pytest
import scipy.ndimage

from gan_jax.degradations import chain, gaussian_noise, sharpened_target
from gan_jax.errors import UsageError

IMAGE = np.random.default_rng(0).uniform(-1, 1, (12, 17, 3)).astype(np.float32)


def _blurred(image, deviation):
    return scipy.ndimage.gaussian_filter(image, (deviation, deviation, 0), mode="mirror", truncate=4)


def _made(image, **options):
    return jax.jit(sharpened_target(**options).apply)(jax.random.key(0), {"real": image, "source": image})


@pytest.mark.parametrize(("strength", "threshold"), [(0.5, 10.0), (1.5, 60.0)])
def test_values_are_those_of_unsharp_masking(strength, threshold):
    image = np.float64(IMAGE)
    difference = image - _blurred(image, 1.25)
    share = _blurred(np.float64(np.abs(difference) > threshold / 127.5), 1.25)
    expected = share * np.clip(image + strength * difference, -1, 1) + (1 - share) * image
    made = _made(IMAGE, deviation=1.25, strength=strength, threshold=threshold)
    np.testing.assert_allclose(made["sharpened"], expected, atol=1e-4)
    np.testing.assert_array_equal(made["real"], IMAGE)
    np.testing.assert_array_equal(made["source"], IMAGE)
    assert np.abs(expected - image).max() > 0.1


def test_faint_differences_are_noise_and_stay():
    faint = (IMAGE / 30).astype(np.float32)  # At most 4.25 levels from the middle.
    np.testing.assert_allclose(_made(faint)["sharpened"], faint, atol=1e-6)


def test_it_stands_beside_what_other_links_make():
    """Its margin is cut off with that of the other images, and the source does not see it."""
    link = chain(sharpened_target(deviation=1.0), gaussian_noise(deviation=25.0))
    plain = chain(lambda key, entries: entries, gaussian_noise(deviation=25.0))
    assert link.margin == 4 and plain.margin == 0
    made, other = (jax.jit(each.apply)(jax.random.key(1), {"real": IMAGE}) for each in (link, plain))
    np.testing.assert_array_equal(made["source"], other["source"])
    cut = jax.jit(lambda key, entries: link.apply(key, entries, 4))(jax.random.key(1), {"real": IMAGE})
    assert {name: entry.shape for name, entry in cut.items()} == dict.fromkeys(
        ("real", "source", "sharpened"), (4, 9, 3)
    )
    np.testing.assert_array_equal(cut["sharpened"], made["sharpened"][4:-4, 4:-4])


def test_numbers_out_of_range_are_one_line():
    for options in (dict(deviation=0.0), dict(threshold=-1.0)):
        with pytest.raises(UsageError, match="data.degrade.sharpened_target: deviation="):
            sharpened_target(**options)
