"""Encoders: images to latents.

An encoder returns a dict with `latents` [B, size] among its outputs. A Gaussian one also returns `mean` and
`log_variance`, draws its latents in training (from the rng stream `dropout`), and gives the mean in
evaluation.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.trunks import convolutions, dense, layers


class _Gaussian(nn.Module):
    """Normal latents: Kingma and Welling 2013, arXiv:1312.6114, section 2.4 (the reparametrisation)."""

    size: int

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> dict[str, jax.Array]:
        """Features [B, ...] to the outputs of a Gaussian encoder."""
        x = x.reshape(x.shape[0], -1)
        mean, log_variance = dense(self.size, name="mean")(x), dense(self.size, name="log_variance")(x)
        latents = mean
        if train:
            noise = jax.random.normal(self.make_rng("dropout"), mean.shape, mean.dtype)
            latents = mean + jnp.exp(0.5 * log_variance) * noise
        return {"latents": latents, "mean": mean, "log_variance": log_variance}


class Encoder(nn.Module):
    """Strided convolutions that halve the image, and a dense layer to latents.

    Donahue et al. 2016, arXiv:1605.09782 (BiGAN).

    Attributes:
        size: Dimensions of the latents, as many as the generator's latents have.
        width: Channels after the first convolution; each further one doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    width: int = 64
    kernel_size: int = 5
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `{"latents": [B, size]}`."""
        x = convolutions(self.width, self.kernel_size, self.slope)(images, train)
        return {"latents": dense(self.size)(x.reshape(x.shape[0], -1))}


class GaussianEncoder(nn.Module):
    """Strided convolutions that halve the image, and a normal distribution of latents.

    Dumoulin et al. 2016, arXiv:1606.00704 (ALI), and Larsen et al. 2015, arXiv:1512.09300 (VAE-GAN), which
    has a dense layer of 2048 units in front of the distribution.

    Attributes:
        size: Dimensions of the latents, as many as the generator's latents have.
        width: Channels after the first convolution; each further one doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    width: int = 64
    kernel_size: int = 5
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `latents`, `mean` and `log_variance`, each [B, size]."""
        x = convolutions(self.width, self.kernel_size, self.slope)(images, train)
        return _Gaussian(self.size, name="distribution")(x, train)


class DenseEncoder(nn.Module):
    """Dense layers to latents.

    Donahue et al. 2016, arXiv:1605.09782, section 4.1: two hidden layers of 1024 units for MNIST, batch norm
    in front of the second nonlinearity; the paper's batch norm has no parameters, this one has.

    Attributes:
        size: Dimensions of the latents, as many as the generator's latents have.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `{"latents": [B, size]}`."""
        return {"latents": dense(self.size)(layers(self.widths, self.slope)(images, train))}


class DenseGaussianEncoder(nn.Module):
    """Dense layers to a normal distribution of latents: `DenseEncoder` with a Gaussian output.

    Attributes:
        size: Dimensions of the latents, as many as the generator's latents have.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `latents`, `mean` and `log_variance`, each [B, size]."""
        x = layers(self.widths, self.slope)(images, train)
        return _Gaussian(self.size, name="distribution")(x, train)
