"""What is kept of samples, and the scatter plot of points, read from its pixels."""

import jax
import numpy as np
import pytest

from gan_jax import build, images, modalities
from gan_jax.errors import UsageError

RED, SILVER = (214, 39, 40), (192, 192, 192)


def _as_rows(points):
    return np.float32(points)[:, None, None, :]


def _middle(picture, colour):
    """The centre of all pixels of a colour, from 0 to 1 to the right and up, and how many there are."""
    at = np.argwhere(np.all(picture == np.uint8(colour), axis=-1))
    rows, columns = at.mean(axis=0) if len(at) else (np.nan, np.nan)
    return (columns / picture.shape[1], 1 - rows / picture.shape[0]), len(at)


def test_images_are_rounded_and_tiled():
    samples = jax.random.uniform(jax.random.key(0), (5, 4, 4, 1), minval=-1.2, maxval=1.2)
    kind = build.kind({})
    kept = np.asarray(jax.jit(kind.keep)(samples))
    expected = np.clip(np.round((np.float64(samples) + 1) * 127.5), 0, 255)
    assert kept.dtype == np.uint8 and np.abs(kept - expected).max() <= 1
    np.testing.assert_array_equal(kind.picture(kept, pytest.fail), images.grid(kept))
    np.testing.assert_array_equal(kind.picture(kept, pytest.fail, columns=5), images.grid(kept, columns=5))


def test_points_stay_as_they_are_and_come_back_as_they_were():
    samples = jax.random.normal(jax.random.key(0), (5, 1, 1, 2))
    kind = build.kind({"kind": "points"})
    kept = np.asarray(jax.jit(kind.keep)(samples))
    np.testing.assert_array_equal(kept, samples)
    np.testing.assert_array_equal(images.to_float(kept), samples)


def test_points_stand_where_they_belong():
    behind = _as_rows([(-1, -1), (1, 1), (-1, 1)])
    picture = modalities.points().picture(_as_rows([(1, -1)]), lambda: behind)
    assert picture.shape == (500, 500, 3) and picture.dtype == np.uint8
    (right, up), found = _middle(picture, RED)
    assert found and right > 0.8 and up < 0.25
    assert _middle(picture, SILVER)[1] > 2 * found


def test_the_window_is_that_of_the_real_points():
    behind = _as_rows([(2, 2), (4, 4)])
    inside, outside = (modalities.scatter(_as_rows([point]), behind) for point in ((3, 3), (9, 3)))
    (right, up), found = _middle(inside, RED)
    assert found and abs(right - 0.5) < 0.1 and abs(up - 0.5) < 0.1
    assert not _middle(outside, RED)[1]
    # The title counts it.
    assert (inside[:30] != outside[:30]).any()
    modalities.scatter(_as_rows([(0, 0)]), _as_rows([(0, 0)]))


def test_a_kind_of_ones_own_and_none():
    assert build.kind({"kind": f"{__name__}.thirds"}).keep(3.0) == 1.0
    with pytest.raises(UsageError, match="kind of data: unknown name 'sounds'.*these exist: images, points"):
        build.kind({"kind": "sounds"})


def thirds():
    return modalities.Kind(lambda samples: samples / 3, None)
