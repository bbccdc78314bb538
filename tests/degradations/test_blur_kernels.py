"""Kernels of Real-ESRGAN: closed forms in float64, sums and signs."""

import jax
import numpy as np
import pytest
import scipy.special

from gan_jax.degradations import blur, kernels
from gan_jax.errors import UsageError

BOUNDS = kernels.Bounds((7, 21), (0.2, 3.0), (0.5, 4.0), (1.0, 2.0))
SHARES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)


def _reference(shape, side, first, second, angle, exponent):
    """The formulas of the appendix, in the corner-free middle of a grid of 21."""
    line = np.arange(21) - 10.0
    y, x = np.meshgrid(line, line, indexing="ij")
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag([first**2, second**2]) @ turn.T
    places = np.stack([x, y], -1)
    squared = np.einsum("...i,ij,...j->...", places, np.linalg.inv(covariance), places)
    weights = 1 / (1 + squared**exponent) if shape >= 4 else np.exp(-0.5 * squared**exponent)
    weights[np.maximum(abs(x), abs(y)) > side // 2] = 0
    return weights / weights.sum()


@pytest.mark.parametrize("shape", range(6))
def test_shapes_are_those_of_the_appendix(shape):
    # Uniform numbers that choose the shape, side 13, deviations 1.6 and 2.3, angle pi / 4, and an exponent.
    middle = np.cumsum((0, *SHARES))[shape] + SHARES[shape] / 2
    u = np.array([middle, 3.5 / 8, 0.5, 0.75, 0.625, 0.4, 0.7 if shape % 2 else 0.2], np.float32)
    first, second = 1.6, 2.3 if shape % 2 else 1.6
    exponent = {0: 1, 1: 2.2 if shape % 2 else 0.7, 2: 1.4 if shape % 2 else 1.0}[shape // 2]
    found = jax.jit(lambda u: kernels.mixed(u, 21, SHARES, BOUNDS))(u)
    np.testing.assert_allclose(found, _reference(shape, 13, first, second, np.pi / 4, exponent), atol=2e-6)


def test_sinc_is_bessels_function():
    line = np.arange(21) - 10.0
    y, x = np.meshgrid(line, line, indexing="ij")
    radius = np.hypot(x, y)
    for cutoff in (np.pi / 5, np.pi):
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = cutoff * scipy.special.j1(cutoff * radius) / (2 * np.pi * radius)
        expected[10, 10] = cutoff**2 / (4 * np.pi)
        np.testing.assert_allclose(kernels.sinc(x, y, np.float32(cutoff)), expected, atol=1e-6)


def test_all_kernels_sum_to_one_and_those_that_must_are_not_negative():
    u = jax.random.uniform(jax.random.key(0), (300, kernels.DRAWN))
    draw = jax.jit(jax.vmap(lambda u: kernels.kernel_of(u, SHARES, BOUNDS, 0.1, 0.8)))
    drawn = np.asarray(draw(u))
    np.testing.assert_allclose(drawn.sum((1, 2)), 1, atol=1e-5)
    assert np.isfinite(drawn).all()
    chosen, ringing = np.asarray(u[:, 10]) < 0.8, np.asarray(u[:, 7]) < 0.1
    pulse = np.zeros((21, 21))
    pulse[10, 10] = 1
    np.testing.assert_array_equal(drawn[~chosen], np.broadcast_to(pulse, drawn[~chosen].shape))
    assert drawn[chosen & ~ringing].min() >= 0 and np.all(drawn[chosen & ringing].min((1, 2)) < 0)
    # Kernels of all sizes: how far the weights reach.
    reach = {int(np.flatnonzero(kernel.sum(0)).max() - 10) for kernel in drawn[chosen]}
    assert max(reach) == 10 and min(reach) <= 3
    # A kernel and its point reflection are the same, so that nothing moves.
    np.testing.assert_allclose(drawn, drawn[:, ::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(size=(7, 20)), "data.degrade.blur.size"),
        (dict(size=(21, 7)), "expected a pair .* of odd numbers"),
        (dict(deviation=(0.0, 3.0)), "blur.deviation=.*: expected numbers above 0"),
        (dict(shares=(1.0,)), "expected 6 probabilities"),
    ],
)
def test_mistakes_are_one_line(options, says):
    with pytest.raises(UsageError, match=says):
        blur(**options)
