"""Operations that a step needs, by hand; the smallest case's step needs hardly more."""

import pytest

from gan_jax.benchmark import cases, theory


def test_needed_by_hand():
    """With a forward of 1, and 1 more for each derivative."""
    parts = theory.Parts(1.0, 2.0, 2.0)
    plain = 2 * 2 + (2 + 2)
    assert theory.needed(cases.mlp(), parts, parts) == plain
    # Five updates, four with samples of their own; each penalty is 1 forwards and 3 more.
    assert theory.needed(cases.wgan_gp(), parts, parts) == 5 * (2 * 2 + 4) + 4 + (2 + 2)
    # Two penalties without forwards, and real samples in the generator's update.
    assert theory.needed(cases.r3gan(), parts, parts) == 2 * 2 + 2 * 3 + (2 + 2 + 1)


def test_a_step_needs_hardly_more():
    """The rest are Adam and the average of 0.2 million parameters."""
    recipe = cases.mlp()
    discriminator, generator, step = theory.counted(recipe)
    # Two operations for each of the products of 128 samples, and biases, slopes and sums.
    assert discriminator.forward == pytest.approx(2 * 128 * (784 * 128 + 128 * 128 + 128), rel=0.01)
    assert generator.forward == pytest.approx(2 * 128 * (100 * 128 + 128 * 128 + 128 * 784), rel=0.02)
    assert 1.0 < step / theory.needed(recipe, discriminator, generator) < 1.03
