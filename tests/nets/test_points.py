"""Networks of points against NumPy, and in the sizes of their paper."""

import jax
import numpy as np

from gan_jax.nets import points
from gan_jax.nets.linen import from_linen


def _inputs(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_the_papers_sizes():
    generator = from_linen(points.Generator(resolution=1, channels=2))
    discriminator = from_linen(points.Discriminator())
    params, _ = jax.eval_shape(generator.init, jax.random.key(0), np.ones((2, 2)))
    shapes = [params[f"Dense_{i}"]["kernel"].shape for i in range(5)]
    assert shapes == [(2, 400), (400, 400), (400, 400), (400, 400), (400, 2)]
    # No bias in front of a batch norm.
    assert "bias" not in params["Dense_3"] and "bias" in params["Dense_4"]
    params, carry = jax.eval_shape(discriminator.init, jax.random.key(0), np.ones((2, 1, 1, 2)))
    assert [params[f"Dense_{i}"]["kernel"].shape for i in range(3)] == [(2, 1000), (200, 1000), (200, 1000)]
    assert carry == {}


def test_generator_is_relu_of_normalised_layers_and_then_linear():
    net = from_linen(points.Generator(resolution=1, channels=2, widths=(6,)))
    latents = _inputs(9, 2)
    params, carry = net.init(jax.random.key(1), latents)
    samples, _ = net.apply(params, carry, latents, key=jax.random.key(0), train=True)
    hidden = np.float64(latents) @ np.float64(params["Dense_0"]["kernel"])
    hidden = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    expected = np.maximum(hidden, 0) @ np.float64(params["Dense_1"]["kernel"])
    assert samples.shape == (9, 1, 1, 2)
    np.testing.assert_allclose(samples[:, 0, 0], expected, atol=1e-5)
    plain = from_linen(points.Generator(resolution=1, channels=2, widths=(6,), batch_norm=False))
    params, carry = plain.init(jax.random.key(1), latents)
    assert carry == {} and "bias" in params["Dense_0"]
    # Nothing bounds a point.
    far, _ = plain.apply(params, carry, 1e3 * latents, key=None, train=False)
    assert np.abs(far).max() > 10


def test_discriminator_takes_the_largest_of_several_pieces():
    net = from_linen(points.Discriminator(widths=(4,), pieces=3))
    samples = _inputs(7, 1, 1, 2)
    params, carry = net.init(jax.random.key(1), samples)
    heads, _ = net.apply(params, carry, samples, key=jax.random.key(0), train=True)
    kernel = np.float64(params["Dense_0"]["kernel"])
    pieces = np.stack([samples[:, 0, 0] @ kernel[:, [3 * unit + k for unit in range(4)]] for k in range(3)])
    last = next(value["kernel"] for name, value in params.items() if name != "Dense_0")
    np.testing.assert_allclose(heads["logits"], (pieces.max(axis=0) @ np.float64(last))[:, 0], atol=1e-5)


def test_labels_matter():
    net = from_linen(points.Discriminator(classes=3, widths=(8,)))
    samples, labels = np.ones((3, 1, 1, 2), np.float32), np.arange(3)
    params, carry = net.init(jax.random.key(0), samples, labels)
    heads, _ = net.apply(params, carry, samples, labels, key=None, train=False)
    assert len(np.unique(heads["logits"])) == 3
    net = from_linen(points.Generator(resolution=1, channels=2, classes=3, widths=(8,), batch_norm=False))
    params, carry = net.init(jax.random.key(0), np.ones((3, 2), np.float32), labels)
    samples, _ = net.apply(params, carry, np.ones((3, 2), np.float32), labels, key=None, train=False)
    assert len(np.unique(samples[:, 0, 0, 0])) == 3
