"""Worlds have the moments of their closed forms, their labels are their modes, and seeds decide."""

import math

import numpy as np
import pytest
import sources

from gan_jax import build, data
from gan_jax.data.source import per_class
from gan_jax.data.toy import mixture
from gan_jax.errors import UsageError

PLANE = ("points", (1, 1, 2))


def _drawn(source):
    read = source.read(np.arange(source.size))
    return np.float64(read["real"]).reshape(source.size, 2), read.get("label")


def _has_modes(source, centres, deviation):
    """Equal shares, centres and deviations, each within five standard errors; no correlation."""
    points, labels = _drawn(source)
    count = source.size / len(centres)
    for label, centre in enumerate(centres):
        own = points[labels == label]
        assert abs(len(own) - count) < 5 * math.sqrt(count)
        np.testing.assert_allclose(own.mean(axis=0), centre, atol=5 * deviation / math.sqrt(len(own)))
        error = 5 * deviation**2 * math.sqrt(2 / len(own))
        np.testing.assert_allclose(np.cov(own.T), deviation**2 * np.eye(2), atol=error)


def test_ring():
    half = math.sqrt(0.5)
    centres = np.array([(1, 0), (half, half), (0, 1), (-half, half)])
    centres = np.concatenate([centres, -centres])
    source = data.ring(scale=1.0)
    assert (source.size, *sources.described(source)) == (100_000, *PLANE, 8)
    _has_modes(source, centres, 0.01)
    _has_modes(data.ring(), 0.8 * centres, 0.008)


def test_grid():
    centres = [(x, y) for y in (-4, -2, 0, 2, 4) for x in (-4, -2, 0, 2, 4)]
    source = data.grid(scale=1.0)
    assert (source.size, *sources.described(source)) == (100_000, *PLANE, 25)
    _has_modes(source, np.array(centres), 0.05)
    _has_modes(data.grid(), 0.2 * np.array(centres), 0.01)
    _has_modes(data.grid(side=2, scale=1.0, size=4_000), np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)]), 0.05)


def test_swiss_roll():
    """Without noise every point is t (cos t, sin t) / 7.5, t from 1.5 pi to 4.5 pi, uniformly."""
    source = data.swiss_roll(noise=0.0, scale=1.0, size=20_000)
    assert sources.described(source) == (*PLANE, 0)
    points, labels = _drawn(source)
    turn = 7.5 * np.linalg.norm(points, axis=1)
    assert labels is None
    np.testing.assert_allclose(
        points, turn[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1) / 7.5, atol=1e-5
    )
    assert turn.min() > 1.5 * math.pi - 1e-5 and turn.max() < 4.5 * math.pi + 1e-5
    # A uniform variable of width 3 pi has the mean 3 pi, within five standard errors.
    assert abs(turn.mean() - 3 * math.pi) < 5 * 3 * math.pi / math.sqrt(12 * 20_000)
    assert not _common(source, source.heldout())
    noisy = _drawn(data.swiss_roll(noise=0.3, scale=1.0, size=20_000))[0]
    assert np.std(noisy - points) == pytest.approx(0.3 / 7.5, rel=0.02)
    assert np.abs(_drawn(data.swiss_roll())[0]).max() < 1.05


def _common(one, other):
    """Number of points that are in both."""
    return len(set(map(tuple, _drawn(one)[0])) & set(map(tuple, _drawn(other)[0])))


@pytest.mark.parametrize("toy", [data.ring, data.grid, data.swiss_roll])
def test_seeds_decide_and_held_out_points_are_others(toy):
    first, again, other = (toy(size=500, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(_drawn(first)[0], _drawn(again)[0])
    assert not _common(first, other)
    heldout = first.heldout()
    assert (heldout.size, heldout.heldout(), heldout.facts) == (2500, None, first.facts)
    assert not _common(first, heldout) and _common(first, again) == 500
    np.testing.assert_array_equal(_drawn(heldout)[0], _drawn(again.heldout())[0])


def test_a_mixture_of_ones_own():
    source = mixture("two", [(0.0, 0.0), (0.5, -0.5)], 0.1, size=2000, seed=1)
    _has_modes(source, np.array([(0.0, 0.0), (0.5, -0.5)]), 0.1)
    few = per_class(source, 3)
    assert (few.size, few.facts["modality"]) == (6, "points") and few.classifier is source.classifier


def test_by_name_in_a_recipe_without_resolution(tiny):
    toy = dict(name="grid", side=3, resolution=0, flip=False)
    source = build.source(tiny(data=toy))
    assert (source.name, len(source.classes)) == ("grid of 9 modes", 9)
    with pytest.raises(UsageError, match="data: unknown name 'resolution'.*these exist: deviation, scale, s"):
        build.source(tiny(data={**toy, "resolution": 8}))
    with pytest.raises(UsageError, match="data.side=0: expected at least 1"):
        build.source(tiny(data={**toy, "side": 0}))
    with pytest.raises(UsageError, match="grid of 9 modes: expected a deviation above 0, got -0.05"):
        build.source(tiny(data={**toy, "scale": -1.0}))
