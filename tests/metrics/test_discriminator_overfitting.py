"""The two gauges by hand."""

import jax.numpy as jnp
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.discriminator_overfitting import discriminator_overfitting

REAL, FAKE = [3.0, 1.0, -1.0, 0.0, 2.0], [-2.0, -4.0]  # means 1 and -3; signs +, +, -, 0, +


@pytest.mark.parametrize(
    "heldout, expected", [([1.0], 0.0), ([-3.0], 1.0), ([0.0, 1.0], 0.125), ([3.0], -0.5)]
)
def test_by_hand(heldout, expected):
    actual = discriminator_overfitting(REAL, heldout, FAKE)
    assert actual == {"discriminator_overfitting": expected, "discriminator_sign": pytest.approx(0.4)}


def test_does_not_depend_on_scale_and_offset_but_for_the_sign():
    real, heldout, fake = jnp.asarray(REAL), jnp.asarray([0.0, 1.0]), jnp.asarray(FAKE)
    actual = discriminator_overfitting(2.0 * real - 20.0, 2.0 * heldout - 20.0, 2.0 * fake - 20.0)
    assert actual == {"discriminator_overfitting": 0.125, "discriminator_sign": -1.0}


def test_a_discriminator_that_tells_nothing_apart():
    actual = discriminator_overfitting([0.5] * 3, [0.5] * 2, [0.5])
    assert actual == {"discriminator_overfitting": 0.0, "discriminator_sign": 1.0}


def test_mistakes_are_one_line():
    with pytest.raises(UsageError, match=r"fake_logits: expected one number per sample, \[N\]"):
        discriminator_overfitting(REAL, REAL, [[0.0]])
    with pytest.raises(UsageError, match="heldout_logits: 1 of 2 samples are NaN"):
        discriminator_overfitting(REAL, [0.0, float("nan")], FAKE)
