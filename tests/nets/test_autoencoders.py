import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import autoencoders
from gan_jax.nets.linen import from_linen


def _traced(module, inputs):
    """Output shapes and kernel shapes by name, without computing anything."""

    def run(key):
        params, carry = from_linen(module).init(key, inputs)
        return from_linen(module).apply(params, carry, inputs, key=key, train=True)[0], params

    outputs, params = jax.eval_shape(run, jax.random.key(0))
    kernels = {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
        if leaf.ndim > 1
    }
    return jax.tree.map(jnp.shape, outputs), kernels


@pytest.mark.parametrize("resolution, channels, code", [(8, 1, 4), (28, 1, 7), (64, 3, 8)])
def test_reconstructions_have_the_images_shape(resolution, channels, code):
    images = jnp.ones((2, resolution, resolution, channels))
    outputs, _ = _traced(autoencoders.StridedDiscriminator(width=2), images)
    assert outputs["reconstruction"] == images.shape
    assert outputs["features"][1:3] == (code, code)
    outputs, _ = _traced(autoencoders.EmbeddingDiscriminator(width=2, size=5), images)
    assert outputs == {"reconstruction": images.shape, "features": (2, 5)}
    outputs, _ = _traced(autoencoders.DenseDiscriminator(widths=(6, 3)), images)
    assert outputs == {"reconstruction": images.shape, "features": (2, 3)}
    images_of_generator, _ = _traced(
        autoencoders.EmbeddingGenerator(resolution=resolution, channels=channels, width=2), jnp.ones((2, 5))
    )
    assert images_of_generator == images.shape


def test_ebgan_channels_at_64_pixels():
    _, kernels = _traced(autoencoders.StridedDiscriminator(), jnp.ones((2, 64, 64, 3)))
    down = [kernels[f"Conv_{i}/kernel"] for i in range(3)]
    up = [kernels[f"ConvTranspose_{i}/kernel"] for i in range(3)]
    assert down == [(4, 4, 3, 64), (4, 4, 64, 128), (4, 4, 128, 256)]
    assert up == [(4, 4, 256, 128), (4, 4, 128, 64), (4, 4, 64, 3)]
    assert len(kernels) == 6


def test_began_channels_at_32_pixels():
    """Linear growth with each of two halvings: n, 2 n, 3 n; the decoder keeps n."""
    _, kernels = _traced(autoencoders.EmbeddingDiscriminator(width=4, size=6), jnp.ones((2, 32, 32, 3)))
    encoder = [kernels[f"Conv_{i}/kernel"][2:] for i in range(9)]
    assert encoder == [(3, 4), (4, 4), (4, 4), (4, 8), (8, 8), (8, 8), (8, 12), (12, 12), (12, 12)]
    assert kernels["Dense_0/kernel"] == (8 * 8 * 12, 6)
    assert kernels["decoder/Dense_0/kernel"] == (6, 8 * 8 * 4)
    decoder = [kernels[f"decoder/Conv_{i}/kernel"][2:] for i in range(7)]
    assert decoder == [(4, 4)] * 6 + [(4, 3)]


def test_the_generator_is_the_discriminators_decoder():
    _, of_discriminator = _traced(
        autoencoders.EmbeddingDiscriminator(width=4, size=6), jnp.ones((2, 16, 16, 1))
    )
    generator = autoencoders.EmbeddingGenerator(resolution=16, channels=1, width=4)
    _, of_generator = _traced(generator, jnp.ones((2, 6)))
    decoder = {name: shape for name, shape in of_discriminator.items() if name.startswith("decoder")}
    assert of_generator == decoder


def test_began_doubles_by_the_nearest_neighbour():
    """With convolutions that pass their input on, a small image comes out in squares."""
    generator = from_linen(autoencoders.EmbeddingGenerator(resolution=16, channels=1, width=1))
    latents = jnp.abs(jax.random.normal(jax.random.key(0), (1, 64)))
    params, carry = generator.init(jax.random.key(0), latents)
    passing = jnp.zeros((3, 3, 1, 1)).at[1, 1].set(1.0)
    for name, layer in params["decoder"].items():
        layer["kernel"] = jnp.eye(64) if name == "Dense_0" else passing
    samples, _ = generator.apply(params, carry, latents, key=jax.random.key(0), train=True)
    expected = np.kron(np.asarray(latents).reshape(8, 8), np.ones((2, 2)))
    np.testing.assert_allclose(samples[0, :, :, 0], expected, rtol=1e-6)


def test_dense_code_is_between_encoder_and_decoder():
    net = from_linen(autoencoders.DenseDiscriminator(widths=(5, 2)))
    images = jax.random.normal(jax.random.key(0), (3, 2, 2, 1))
    params, carry = net.init(jax.random.key(1), images)
    assert [params[f"Dense_{i}"]["kernel"].shape for i in range(4)] == [(4, 5), (5, 2), (2, 5), (5, 4)]
    outputs, _ = net.apply(params, carry, images, key=jax.random.key(2), train=True)
    layers = [{name: np.float64(value) for name, value in params[f"Dense_{i}"].items()} for i in range(4)]
    x = np.float64(images).reshape(3, 4)
    for layer in layers[:2]:
        x = np.maximum(x @ layer["kernel"] + layer["bias"], 0)
    np.testing.assert_allclose(outputs["features"], x, rtol=1e-5, atol=1e-6)
    x = np.maximum(x @ layers[2]["kernel"] + layers[2]["bias"], 0)
    x = x @ layers[3]["kernel"] + layers[3]["bias"]
    np.testing.assert_allclose(outputs["reconstruction"].reshape(3, 4), x, rtol=1e-4, atol=1e-6)
