"""Penalties: functionals of a critic, one float32 value per sample.

A critic is a function from samples to logits; samples may be any pytree of arrays [B, ...]. A penalty is
differentiated once more, with respect to whatever the critic closes over.
"""

import jax
import jax.numpy as jnp


def _per_sample(array, like):
    """Reshapes [B] so that it broadcasts against `like` [B, ...]."""
    return array.reshape(array.shape + (1,) * (like.ndim - 1))


def _squared_norm(critic, samples):
    """Squared Euclidean norm of the critic's gradient at each sample, float32 [B]."""
    gradients = jax.grad(lambda s: jnp.sum(jnp.float32(critic(s))))(samples)
    return sum(
        jnp.sum(jnp.square(jnp.float32(g)), axis=tuple(range(1, g.ndim))) for g in jax.tree.leaves(gradients)
    )


def gradient_penalty(critic, real, fake, key, *, target=1.0, epsilon=1e-12):
    """Squared distance of the critic's gradient norm from `target`, between real and fake samples.

    Gulrajani et al. 2017, arXiv:1704.00028, eq. 3; its weight is the paper's lambda, 10. `epsilon` stands
    inside the root, so that the penalty has a derivative where the gradient is zero.

    Args:
        critic: Function from samples to logits, [B].
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        key: Random key for the place between each real and fake.
        target: Gradient norm without penalty, at least 0.
        epsilon: Added to the squared norm.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    count = jax.tree.leaves(real)[0].shape[0]
    share = jax.random.uniform(key, (count,))
    between = jax.tree.map(lambda r, f: r + _per_sample(share, r) * (f - r), real, fake)
    return jnp.square(jnp.sqrt(_squared_norm(critic, between) + epsilon) - target)


def r1(critic, real):
    """Half the squared norm of the critic's gradient at real samples.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 9; its weight is the paper's gamma.

    Args:
        critic: Function from samples to logits, [B].
        real: Real samples, any pytree of arrays [B, ...].

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return 0.5 * _squared_norm(critic, real)


def r2(critic, fake):
    """Half the squared norm of the critic's gradient at fake samples.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 10; its weight is the paper's gamma.

    Args:
        critic: Function from samples to logits, [B].
        fake: Fake samples, any pytree of arrays [B, ...].

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return 0.5 * _squared_norm(critic, fake)
