"""What every augmentation has in common: affine in the images, each sample on its own, the same under jit."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augment
from gan_jax.augment import color, corruption, differentiable, geometry
from gan_jax.errors import UsageError

# Compiling is most of this file's time; its programs are tiny.
jit = functools.partial(
    jax.jit, compiler_options={"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
)

OFF = {"blit": 0.0, "geometry": 0.0, "color": 0.0, "image_filter": 0.0, "noise": 0.0, "cutout": 0.0}


def _applied(augmentation):
    return lambda key, images: augmentation.apply(augmentation.init(), key, images, jnp.int32(3))


def _only(group, p=1.0):
    return _applied(augment.scheduled(p=p, **{**OFF, group: 1.0}))


FUNCTIONS = {
    "brightness": differentiable.brightness,
    "saturation": differentiable.saturation,
    "contrast": differentiable.contrast,
    "translation": differentiable.translation,
    "cutout": differentiable.cutout,
    "diffaugment": _applied(augment.diffaugment()),
    "flip": augment.flip,
    "shift": augment.shift,
    "instance_noise": _applied(augment.instance_noise()),
    **{f"scheduled {group}": _only(group) for group in OFF},
    "adaptive": _applied(augment.adaptive(start=0.8, **dict.fromkeys(OFF, 1.0))),
    "chain": _applied(augment.chain(augment.diffaugment(policy=("color",)), augment.instance_noise())),
    "pseudo_augment": lambda key, images: augment.pseudo_augment(key, images, 0.3 - images, 0.0),
}
# `adaptive` is all groups of the pipeline, and both geometric groups move pixels by the same function:
# compiling them once more is most of this file's time.
ALONE = [name for name in FUNCTIONS if name not in ("adaptive", "scheduled blit")]
JITTED = {name: jit(function) for name, function in FUNCTIONS.items()}


def _images(seed, count=8, height=10, width=8, channels=3):
    return jax.random.uniform(jax.random.key(seed), (count, height, width, channels), minval=-1.0)


@pytest.mark.parametrize("name", ALONE)
def test_jit_equals_eager_and_keeps_shape_and_type(name):
    key, images = jax.random.key(7), _images(0)
    eager, jitted = FUNCTIONS[name](key, images), JITTED[name](key, images)
    chex.assert_trees_all_close(eager, jitted, atol=2e-5)
    chex.assert_equal_shape([eager, images])
    assert eager.dtype == images.dtype
    assert bool(jnp.all(jnp.isfinite(eager)))


@pytest.mark.parametrize("name", ALONE)
def test_is_differentiable_affine_and_has_the_right_gradient(name):
    # All are affine in the images, so that a finite difference of any step is the exact derivative.
    key = jax.random.key(3)
    function = functools.partial(JITTED[name], key)
    images, direction, weights = _images(1), _images(2), _images(3)
    difference = function(images + direction) - function(images)
    gradient = jit(jax.grad(lambda x: jnp.vdot(weights, FUNCTIONS[name](key, x))))(images)
    actual, expected = jnp.vdot(gradient, direction), jnp.vdot(weights, difference)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(function(images + 3 * direction) - function(images), 3 * difference, atol=1e-4)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_sample_on_its_own(name):
    images, others = _images(4), _images(5)
    changed = images.at[1:].set(others[1:])
    key = jax.random.key(2)
    np.testing.assert_array_equal(JITTED[name](key, images)[0], JITTED[name](key, changed)[0])


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "pseudo_augment"])
def test_changes_images_and_differently_by_sample_and_key(name):
    images = jnp.broadcast_to(_images(6)[:1], (8, 10, 8, 3))
    first, second = (np.asarray(JITTED[name](jax.random.key(seed), images)) for seed in (0, 1))
    assert np.abs(first - images).max() > 1e-3
    assert len(np.unique(first.reshape(8, -1), axis=0)) > 1
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 8, 3)])
def test_any_resolution_with_one_or_three_channels(shape):
    images = _images(8, 2, *shape)
    actual = jax.eval_shape(_applied(augment.diffaugment()), jax.random.key(0), images)
    assert actual.shape == images.shape
    # ADA starts at p = 0, where it changes nothing.
    unchanged = jit(_applied(augment.adaptive(**dict.fromkeys(OFF, 1.0))))
    np.testing.assert_allclose(unchanged(jax.random.key(0), images), images, atol=2e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda key, x: geometry.resample(x, geometry.blit(key, x.shape, 1.0)),
        lambda key, x: color.color(key, x, 1.0),
        lambda key, x: corruption.image_filter(key, x, 1.0),
        lambda key, x: corruption.noise(key, x, 1.0),
        lambda key, x: corruption.cutout(key, x, 1.0),
        differentiable.contrast,
        differentiable.translation,
        _applied(augment.instance_noise()),
    ],
)
def test_bfloat16_stays_bfloat16(function):
    actual = jax.eval_shape(function, jax.random.key(0), jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.bfloat16))
    assert actual.dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("augmentation", "names"),
    [
        (lambda: augment.diffaugment(policy=("colour",)), ["'colour'", "color", "cutout"]),
        (lambda: augment.adaptive(blit=-1.0), ["blit=-1.0", "at least 0"]),
        (lambda: augment.adaptive(start=1.5), ["start=1.5", "[0, 1]"]),
        (lambda: augment.adaptive(every=0), ["every=0", "at least 1"]),
        (lambda: augment.adaptive(target=2.0), ["target=2.0", "[-1, 1]"]),
        (lambda: augment.scheduled(p=1.5), ["p=1.5", "[0, 1]"]),
        (lambda: augment.scheduled(cutout=-0.5), ["cutout=-0.5", "at least 0"]),
        (lambda: augment.instance_noise(steps=0), ["steps=0", "at least 1"]),
        (lambda: _only("color")(jax.random.key(0), jnp.zeros((1, 4, 4, 2))), ["2 channels", "1 or 3"]),
    ],
)
def test_a_bad_hyperparameter_fails_in_one_line(augmentation, names):
    with pytest.raises(UsageError) as error:
        augmentation()
    assert "\n" not in str(error.value)
    for name in names:
        assert name in str(error.value)


def test_chain_hands_each_its_carry():
    augmentation = augment.chain(augment.adaptive(every=1, images=100), augment.diffaugment())
    carry = augmentation.adapt(augmentation.init(), jnp.ones(10), 10)
    np.testing.assert_allclose(carry[0]["p"], 0.1)
    assert carry[1] == ()
    images = _images(0)
    np.testing.assert_array_equal(augment.chain().apply((), jax.random.key(0), images, 0), images)


def test_instance_noise_is_annealed_linearly():
    augmentation = augment.instance_noise(start=0.4, end=0.1, steps=30)
    zeros = jnp.zeros((4, 64, 64, 3))
    for step, deviation in ((0, 0.4), (10, 0.3), (30, 0.1), (99, 0.1)):
        actual = augmentation.apply((), jax.random.key(1), zeros, jnp.int32(step))
        np.testing.assert_allclose(jnp.std(actual), deviation, rtol=0.02)
