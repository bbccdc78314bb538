"""ADA as a whole: identity, each group, the probability and its adaptation; APA and consistency."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import augment
from gan_jax.augment import color, corruption, geometry
from gan_jax.augment.probability import adapt_probability, start_probability

# Compiling is most of this file's time; its programs are tiny.
jit = functools.partial(
    jax.jit, compiler_options={"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
)

GROUPS = ("blit", "geometry", "color", "image_filter", "noise", "cutout")
OFF = dict.fromkeys(GROUPS, 0.0)


def _images(count, size=8, channels=3):
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, channels)).astype(np.float32)


def test_is_its_parts_in_the_papers_order():
    images = _images(3)[:, :, :6]  # A rectangle, 8 x 6.

    def parts(key):
        keys = jax.random.split(key, 6)
        inverse = geometry.compose(
            geometry.blit(keys[0], images.shape, 0.9), geometry.transform(keys[1], images.shape, 0.9)
        )
        # R3GAN's setting, half as much colour; and the corruptions beside it.
        x = color.color(keys[2], geometry.resample(images, inverse), 0.45)
        x = corruption.noise(keys[4], corruption.image_filter(keys[3], x, 0.9), 0.9)
        return corruption.cutout(keys[5], x, 0.9)

    augmentation = augment.scheduled(p=0.9, color=0.5, image_filter=1.0, noise=1.0, cutout=1.0)
    actual = jit(lambda key: augmentation.apply((), key, images, 0))(jax.random.key(2))
    np.testing.assert_allclose(actual, jit(parts)(jax.random.key(2)), atol=1e-5)


@pytest.mark.parametrize("group", ["noise", "cutout"])
@pytest.mark.parametrize("p", [0.25, 1.0])
def test_about_p_of_the_samples_change(group, p):
    images = _images(2000, size=2, channels=1)
    augmentation = augment.scheduled(p=p, **{**OFF, group: 1.0})
    actual = np.asarray(augmentation.apply((), jax.random.key(0), images, 0))
    changed = np.any(actual != images, axis=(1, 2, 3))
    np.testing.assert_allclose(changed.mean(), p, atol=0.04)
    # Neighbours change independently of each other.
    np.testing.assert_allclose(np.mean(changed[1:] & changed[:-1]), p**2, atol=0.04)


def test_multipliers_scale_the_probability():
    images = _images(2000, size=2, channels=1)
    augmentation = augment.scheduled(p=0.8, **{**OFF, "noise": 0.5})
    actual = np.asarray(augmentation.apply((), jax.random.key(0), images, 0))
    np.testing.assert_allclose(np.any(actual != images, axis=(1, 2, 3)).mean(), 0.4, atol=0.04)


def test_scheduled_follows_the_step():
    images = _images(2000, size=2, channels=1)
    augmentation = augment.scheduled(p=lambda step: step / 100, **{**OFF, "noise": 1.0})
    for step, p in ((0, 0.0), (30, 0.3), (300, 1.0)):
        actual = np.asarray(jit(augmentation.apply)((), jax.random.key(0), images, jnp.int32(step)))
        np.testing.assert_allclose(np.any(actual != images, axis=(1, 2, 3)).mean(), p, atol=0.04)


def test_p_follows_the_signs_of_every_four_moves():
    augmentation = augment.adaptive(images=1600)  # Batches of 100, four of them: a step of 400 / 1600.
    adapt, carry, values = jax.jit(augmentation.adapt), augmentation.init(), []
    right = jnp.ones(100)
    half = jnp.where(jnp.arange(100) < 50, 3.0, -2.0)  # r_t = 0.
    nearly = jnp.where(jnp.arange(100) < 79, 0.1, -5.0)  # r_t = 0.58, less than 0.6.
    for logits in [*[right] * 12, *[nearly] * 4, *[right] * 2, *[half] * 2, *[right] * 4]:
        carry = adapt(carry, logits, 100)
        values.append(float(carry["p"]))
    steps = [0, 0, 0, 0.25] + [0.25] * 3 + [0.5] + [0.5] * 3 + [0.75] + [0.75] * 3 + [0.5]
    steps += [0.5] * 3 + [0.25]  # Two right and two half: r_t = 0.5 over the four.
    steps += [0.25] * 3 + [0.5]
    np.testing.assert_allclose(values, steps, atol=1e-6)


def test_p_has_the_papers_speed():
    augmentation = augment.adaptive()
    carry = augmentation.init()
    for _ in range(4):
        carry = augmentation.adapt(carry, jnp.ones(64), 64)
    np.testing.assert_allclose(carry["p"], 64 * 4 / 500_000, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=12), st.floats(0, 1))
def test_p_stays_a_probability(signs, start):
    carry = start_probability(start)
    for sign in signs:
        carry = adapt_probability(carry, jnp.full(50, sign), 50, images=100, every=1)
        assert 0.0 <= float(carry["p"]) <= 1.0
    if signs[-2:] == [1.0, 1.0]:
        assert float(carry["p"]) == 1.0


@pytest.mark.parametrize("factory", [augment.adaptive, augment.pseudo])
def test_p_counts_images_and_not_logits(factory):
    # A packed discriminator has a logit for several images, a patch discriminator several for one.
    augmentation = augment.chain(factory(images=1000, every=1))
    for logits in (jnp.ones(2), jnp.ones(8), jnp.ones((8, 3, 3, 1))):
        (carry,) = augmentation.adapt(augmentation.init(), logits, 8)
        np.testing.assert_allclose(carry["p"], 8 / 1000, rtol=1e-6)


def test_adapting_keeps_the_carrys_shapes_and_types():
    augmentation = augment.adaptive()
    before, after = augmentation.init(), augmentation.adapt(augmentation.init(), jnp.ones(3), 3)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), before) == jax.tree.map(
        lambda x: (x.shape, x.dtype), after
    )


def test_pseudo_augment_replaces_about_p_of_the_reals():
    real, fake = np.ones((2000, 2, 2, 1), np.float32), np.full((2000, 2, 2, 1), 5, np.float32)
    actual = np.asarray(augment.pseudo_augment(jax.random.key(0), real, fake, 0.3))
    assert set(np.unique(actual)) == {1.0, 5.0}
    np.testing.assert_allclose((actual[:, 0, 0, 0] == 5).mean(), 0.3, atol=0.04)
    assert np.all(actual == actual[:, :1, :1])
    np.testing.assert_array_equal(augment.pseudo_augment(jax.random.key(0), real, fake, 1.0), fake)
    np.testing.assert_array_equal(augment.pseudo_augment(jax.random.key(0), real, fake, 0.0), real)


def test_pseudo_augment_stops_the_gradient_of_fakes():
    def total(real, fake):
        return jnp.sum(augment.pseudo_augment(jax.random.key(0), real, fake, 0.5)["x"])

    real = {"x": jnp.ones((64, 3))}
    of_real, of_fake = jax.grad(total, argnums=(0, 1))(real, {"x": jnp.zeros((64, 3))})
    np.testing.assert_array_equal(of_fake["x"], 0)
    np.testing.assert_allclose(of_real["x"].mean(), 0.5, atol=0.2)


def test_flip_mirrors_about_half():
    images = _images(400, size=4)
    actual = np.asarray(augment.flip(jax.random.key(0), images))
    flipped = np.all(actual == images[:, :, ::-1], axis=(1, 2, 3))
    assert np.all(flipped | np.all(actual == images, axis=(1, 2, 3)))
    np.testing.assert_allclose(flipped.mean(), 0.5, atol=0.1)


@pytest.mark.parametrize("width, most", [(16, 2), (24, 3)])
def test_shift_is_a_crop_of_the_reflected_image(width, most):
    images = np.random.default_rng(0).uniform(-1, 1, (400, 16, width, 3)).astype(np.float32)
    padded = np.pad(images, ((0, 0), (2, 2), (most, most), (0, 0)), "reflect")
    crops = [padded[:, i : i + 16, j : j + width] for i in range(5) for j in range(2 * most + 1)]
    actual = np.asarray(augment.shift(jax.random.key(0), images))
    matching = np.stack([np.all(crop == actual, axis=(1, 2, 3)) for crop in crops])
    np.testing.assert_array_equal(matching.sum(0), 1)
    assert np.all(matching.sum(1) > 0)


def test_flip_and_shift_yields_the_crops_of_the_reflected_image_each_about_equally_often():
    image = np.arange(8 * 4, dtype=np.float32).reshape(8, 4, 1)
    images = jnp.broadcast_to(image, (2000, 8, 4, 1))
    actual = np.asarray(augment.flip_and_shift(jax.random.key(0), images))
    # An eighth of 8 rows is one pixel; of 4 columns half a pixel, which is rounded up.
    crops = [
        np.pad(flipped, ((1, 1), (1, 1), (0, 0)), mode="reflect")[top : top + 8, left : left + 4]
        for flipped in (image, image[:, ::-1])
        for top in range(3)
        for left in range(3)
    ]
    counts = [np.sum(np.all(actual == crop, axis=(1, 2, 3))) for crop in crops]
    assert sum(counts) == 2000
    np.testing.assert_allclose(counts, 2000 / 18, atol=50)
