import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.errors import UsageError
from gan_jax.latents import linear, spherical
from gan_jax.metrics.perceptual_path_length import perceptual_path_length

SIZE, HEIGHT, WIDTH = 6, 4, 3


def _latents(seed, count):
    return np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)


MATRIX = np.random.default_rng(9).normal(size=(SIZE, HEIGHT * WIDTH)).astype(np.float32)


def _generate(latents):
    return jnp.matmul(latents, MATRIX, precision="highest").reshape(-1, HEIGHT, WIDTH, 1)


def _flat(images):
    return images.reshape(len(images), -1)


def _trimmed(distances, lower=1.0, upper=99.0):
    """Between the order statistics that enclose the percentiles."""
    ordered = np.sort(distances)
    last = len(ordered) - 1
    return ordered[int(np.floor(lower / 100 * last)) : int(np.ceil(upper / 100 * last)) + 1].mean()


def test_linear_generator_has_a_closed_form():
    latents = _latents(0, 401)  # the odd one is left over
    steps = (latents[200:400].astype(np.float64) - latents[:200]) @ MATRIX
    distances = np.sum(steps**2, axis=1)
    options = dict(interpolate=linear, batch_size=37)
    actual = perceptual_path_length(_generate, latents, _flat, 0, epsilon=0.5, **options)
    assert list(actual) == ["perceptual_path_length"]
    np.testing.assert_allclose(actual["perceptual_path_length"], _trimmed(distances), rtol=1e-6)
    assert _trimmed(distances) < 0.99 * distances.mean()
    wide = perceptual_path_length(
        _generate, latents, _flat, 0, epsilon=0.5, lower=0.0, upper=100.0, **options
    )
    np.testing.assert_allclose(wide["perceptual_path_length"], distances.mean(), rtol=1e-6)
    half = perceptual_path_length(
        _generate, latents, _flat, 0, epsilon=0.5, lower=20.0, upper=60.0, **options
    )
    np.testing.assert_allclose(half["perceptual_path_length"], _trimmed(distances, 20.0, 60.0), rtol=1e-6)
    # The paper's step has three digits in float32.
    small = perceptual_path_length(_generate, latents, _flat, 0, **options)
    np.testing.assert_allclose(small["perceptual_path_length"], _trimmed(distances), rtol=2e-3)


def test_places_on_spherical_paths_and_a_curved_generator():
    latents, epsilon = _latents(1, 20), 0.01

    def image(z):
        return np.tanh(z @ np.float64(MATRIX))

    def point(a, b, t):
        angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)

    distances = []
    for a, b, t in zip(
        np.float64(latents[:10]), np.float64(latents[10:]), np.random.default_rng([4]).random(10)
    ):
        step = image(point(a, b, t + epsilon)) - image(point(a, b, t))
        distances.append(np.sum(step**2) / epsilon**2)
    actual = perceptual_path_length(
        jax.jit(lambda z: jnp.tanh(_generate(z))), latents, _flat, 4, epsilon=epsilon, lower=0.0, upper=100.0
    )
    np.testing.assert_allclose(actual["perceptual_path_length"], np.mean(distances), rtol=2e-5)


def test_embedding_that_is_twice_as_long_is_four_times_as_far():
    latents = _latents(2, 30)
    once = perceptual_path_length(_generate, latents, _flat, 0, epsilon=0.1)["perceptual_path_length"]
    twice = perceptual_path_length(_generate, latents, lambda x: 2 * _flat(x), 0, epsilon=0.1)
    np.testing.assert_allclose(twice["perceptual_path_length"], 4 * once, rtol=1e-6)


def test_constant_generator_has_no_path():
    actual = perceptual_path_length(lambda z: jnp.zeros((len(z), 4, 4, 1)), _latents(0, 10), _flat, 0)
    assert actual == {"perceptual_path_length": 0.0}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1))
def test_great_circles(seed, t):
    left, right = np.random.default_rng(seed).normal(size=(2, 3, 2, 4))
    lengths = [np.linalg.norm(x.reshape(3, -1), axis=1)[:, None, None] for x in (left, right)]
    right *= lengths[0] / lengths[1]
    shares = np.full(3, t)
    actual = spherical(left, right, shares)
    for a, b, c in zip(left.reshape(3, -1), right.reshape(3, -1), actual.reshape(3, -1)):
        length = np.linalg.norm(a)
        np.testing.assert_allclose(np.linalg.norm(c), length)
        # Cosines of the angles passed and to go.
        angle = np.arccos(a @ b / length**2)
        np.testing.assert_allclose(a @ c / length**2, np.cos(t * angle), atol=1e-12)
        np.testing.assert_allclose(b @ c / length**2, np.cos((1 - t) * angle), atol=1e-12)
    np.testing.assert_allclose(spherical(right, left, 1 - shares), actual, atol=1e-12)


@pytest.mark.parametrize("right", [[2.0, 0.0], [-2.0, 0.0], [1.0, 1e-9], [0.0, 0.0]])
def test_latents_without_a_great_circle_go_straight(right):
    left, right = np.array([[1.0, 0.0]]), np.array([right])
    np.testing.assert_allclose(spherical(left, right, [0.25]), 0.75 * left + 0.25 * right, atol=1e-12)


def test_lines():
    left, right = np.zeros((2, 1, 2)), np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    np.testing.assert_array_equal(linear(left, right, [0.5, 0.25]), [[[0.5, 1.0]], [[0.75, 1.0]]])
    np.testing.assert_allclose(spherical([[3.0, 0.0]], [[0.0, 3.0]], [1 / 3]), [[3 * np.sqrt(0.75), 1.5]])


def test_mistakes():
    with pytest.raises(UsageError, match="at least 2 latents, got 1"):
        perceptual_path_length(_generate, _latents(0, 1), _flat, 0)
    with pytest.raises(UsageError, match="expected finite features of generated images"):
        perceptual_path_length(_generate, _latents(0, 4), lambda x: _flat(x) * np.nan, 0)
