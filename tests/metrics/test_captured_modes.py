"""Modes and high quality of samplers of which everything is known."""

import math

import numpy as np
import pytest

from gan_jax import data
from gan_jax.errors import UsageError
from gan_jax.metrics.captured_modes import captured_modes

GRID = np.array([(x, y) for y in (-4, -2, 0, 2, 4) for x in (-4, -2, 0, 2, 4)], float)


def _distances(points, centres, deviation):
    return np.linalg.norm(points[:, None] - centres, axis=-1) / deviation


def _points(source):
    return np.float64(source.read(np.arange(source.size))["real"]).reshape(-1, 2)


def test_by_hand():
    # Near the first; near both, nearer to the second; at the radius itself; far off.
    distances = [[0.5, 9.0, 8.0], [2.0, 1.0, 5.0], [7.0, 6.0, 3.0], [4.0, 50.0, 60.0]]
    actual = captured_modes(distances)
    assert (actual["captured_modes"], actual["high_quality"]) == (2.0, 0.5)
    # One each of the first two modes, of three.
    assert actual["captured_modes_kl"] == pytest.approx(math.log(3 / 2), rel=1e-12)
    wider = captured_modes(distances, radius=3.5)
    assert (wider["captured_modes"], wider["high_quality"]) == (3.0, 0.75)
    assert wider["captured_modes_kl"] == pytest.approx(0.0, abs=1e-12)
    nothing = captured_modes([[3.0, 3.0]])
    assert (nothing["captured_modes"], nothing["high_quality"]) == (0.0, 0.0)
    assert nothing["captured_modes_kl"] == pytest.approx(math.log(2), rel=1e-12)
    # One draw always has one mode.
    assert nothing["captured_modes_kl_of_perfect"] == pytest.approx(math.log(2), rel=1e-12)


@pytest.mark.parametrize("world, modes", [(data.ring, 8), (data.grid, 25)])
def test_perfect_sampler(world, modes):
    """1 - exp(-4.5) = 98.89 %, within five standard errors."""
    source = world(size=2_500, seed=7, scale=1.0)
    centres = np.stack([np.cos(np.arange(8) * math.pi / 4), np.sin(np.arange(8) * math.pi / 4)], 1)
    distances = _distances(_points(source), *((centres, 0.01) if modes == 8 else (GRID, 0.05)))
    actual = captured_modes(distances)
    share = 1 - math.exp(-4.5)
    assert actual["captured_modes"] == modes
    assert actual["high_quality"] == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / 2_500))
    # Twice N KL is chi-squared of K - 1 degrees: five standard errors.
    expected, error = (modes - 1) / 5_000, 5 * math.sqrt(2 * (modes - 1)) / 5_000
    assert actual["captured_modes_kl"] == pytest.approx(expected, abs=error)
    assert actual["captured_modes_kl_of_perfect"] == pytest.approx(expected, rel=0.02)


def test_a_sampler_that_misses_three_modes():
    kept = np.delete(np.arange(25), [0, 12, 24])
    random = np.random.default_rng(0)
    points = GRID[random.choice(kept, 2_500)] + 0.05 * random.standard_normal((2_500, 2))
    actual = captured_modes(_distances(points, GRID, 0.05))
    assert actual["captured_modes"] == 22.0
    # The logarithm of 25 / 22, and what chance adds to it, within five of its standard errors.
    error = 5 * math.sqrt(2 * 21) / 5_000
    assert actual["captured_modes_kl"] == pytest.approx(math.log(25 / 22) + 21 / 5_000, abs=error)


def test_samples_between_the_modes_do_not_count_in_the_divergence():
    """Even along the circle, all nearest modes are alike; of high quality are those at one mode only."""
    angles = np.arange(8) * math.pi / 4 + math.pi / 8
    between, centres = (
        np.stack([np.cos(each), np.sin(each)], 1) for each in (angles, np.arange(8) * math.pi / 4)
    )
    points = np.concatenate([between, centres[:1]])
    assert captured_modes(_distances(points, centres, 0.01))["captured_modes_kl"] == pytest.approx(
        math.log(8), rel=1e-12
    )


def test_uniform_noise_has_the_share_of_its_area():
    """25 circles of radius 0.15 in a square of side 10."""
    points = np.random.default_rng(0).uniform(-5, 5, (40_000, 2))
    actual = captured_modes(_distances(points, GRID, 0.05))
    share = 25 * math.pi * 0.15**2 / 100
    assert actual["high_quality"] == pytest.approx(share, abs=5 * math.sqrt(share / 40_000))
    assert actual["captured_modes"] == 25.0


def test_mistakes():
    with pytest.raises(UsageError, match=r"fake_mode_distances: expected one row per sample, \[N, D\]"):
        captured_modes([1.0, 2.0])
    with pytest.raises(UsageError, match="fake_mode_distances: 1 of 2 samples are NaN"):
        captured_modes([[1.0, 2.0], [1.0, math.nan]])
