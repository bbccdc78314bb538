"""A projection of features of places in an image to vectors that a contrastive loss compares."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

_normal = nn.initializers.normal(0.02)


class PatchProjection(nn.Module):
    """Features of places to unit vectors: two dense layers with ReLU between them, for each layer its own.

    Park et al. 2020, arXiv:2007.15651, appendix C.1 (CUT). Weights start normal with deviation 0.02.

    Attributes:
        features: Length of the vectors, and width between the layers.
        epsilon: Added to squared lengths.
    """

    features: int = 256
    epsilon: float = 1e-12

    @nn.compact
    def __call__(self, layers: Any, *, train: bool) -> tuple[jax.Array, ...]:
        """Features [B, N, C] of each layer to vectors of length 1, [B, N, features] of each."""
        return tuple(self._unit(self._dense(nn.relu(self._dense(layer)))) for layer in layers)

    def _dense(self, x: jax.Array) -> jax.Array:
        return nn.Dense(self.features, kernel_init=_normal)(x)

    def _unit(self, vectors: jax.Array) -> jax.Array:
        vectors = jnp.float32(vectors)
        squares = jnp.sum(jnp.square(vectors), axis=-1, keepdims=True)
        return vectors * jax.lax.rsqrt(squares + self.epsilon)
