"""Penalties: functionals of a critic, of its logits, or of a player's parameters; float32.

A critic is a function from samples to logits, [B] or [B, ...] with one logit per patch; its gradient at a
sample is that of the sum of the sample's logits. To a critic of packs (`wrap.packed`), with one logit for m
consecutive samples, a pack is a sample: norms are over packs, and there are [B / m] penalties. Samples may be
any pytree of arrays [B, ...]. Training differentiates a penalty once more, with respect to the parameters
that the critic closes over; networks may be bfloat16.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.augment import flip_and_shift
from gan_jax.kernels import kernels, matching
from gan_jax.losses.gradient_norms import samples_per_logit, squared_norms


def _per_sample(array, like):
    """Reshapes [B] so that it broadcasts against `like` [B, ...]."""
    return array.reshape(array.shape + (1,) * (like.ndim - 1))


def _between(critic, key, real, fake):
    """A uniform random point on the line from each real sample to its fake; one position per sample."""
    pack = samples_per_logit(real, jax.eval_shape(critic, real))
    share = jax.random.uniform(key, (jax.tree.leaves(real)[0].shape[0] // pack,))
    share = jnp.repeat(share, pack) if pack > 1 else share
    return jax.tree.map(lambda r, f: r + _per_sample(share, r) * (f - r), real, fake)


def _squared_norm(critic, samples):
    """Squared Euclidean norm of the critic's gradient at each sample, float32 [B]."""

    def summed(samples):
        logits = jnp.float32(critic(samples))
        return jnp.sum(logits), samples_per_logit(samples, logits)

    gradients, pack = jax.grad(summed, has_aux=True)(samples)
    return squared_norms(gradients, pack)


def _matrices(params, pattern, leave):
    """Every kernel whose path matches and is not left out, as a float32 matrix [rest, out]."""
    by_path = kernels(params, leave=leave)
    chosen = [by_path[path] for path in matching(list(by_path), pattern, f"pattern={pattern!r}")]
    return [jnp.float32(kernel).reshape(-1, kernel.shape[-1]) for kernel in chosen]


def _gram(matrix):
    """Inner products of a matrix's columns."""
    return jnp.matmul(matrix.T, matrix, precision=jax.lax.Precision.HIGHEST)


def gradient_penalty(
    critic: Callable[[Any], jax.Array],
    real: Any,
    fake: Any,
    key: jax.Array,
    *,
    target: float = 1.0,
    epsilon: float = 1e-12,
) -> jax.Array:
    """Squared distance of the critic's gradient norm from `target`, between real and fake samples.

    Gulrajani et al. 2017, arXiv:1704.00028, eq. 3; its weight is the paper's lambda, 10. `epsilon` stands
    inside the root, so that the penalty has a derivative where the gradient is zero.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        key: Random key of the position between each real and fake.
        target: Gradient norm without penalty, at least 0.
        epsilon: Added to the squared norm.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return jnp.square(jnp.sqrt(_squared_norm(critic, _between(critic, key, real, fake)) + epsilon) - target)


def one_sided_gradient_penalty(
    critic: Callable[[Any], jax.Array],
    real: Any,
    fake: Any,
    key: jax.Array,
    *,
    target: float = 1.0,
    epsilon: float = 1e-12,
) -> jax.Array:
    """Squared excess of the critic's gradient norm over `target`, between real and fake samples.

    Petzka et al. 2018, arXiv:1709.08894 (WGAN-LP): a 1-Lipschitz critic may be flatter than 1; Gulrajani et
    al. 2017, arXiv:1704.00028, section 4, mention it and prefer both sides. Its weight is their lambda.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        key: Random key of the position between each real and fake.
        target: Largest gradient norm without penalty, at least 0.
        epsilon: Added to the squared norm, inside the root.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    norm = jnp.sqrt(_squared_norm(critic, _between(critic, key, real, fake)) + epsilon)
    return jnp.square(jax.nn.relu(norm - target))


def dragan(
    critic: Callable[[Any], jax.Array],
    real: Any,
    key: jax.Array,
    *,
    deviation: float = 0.5,
    target: float = 1.0,
    epsilon: float = 1e-12,
) -> jax.Array:
    """Squared distance of the critic's gradient norm from `target`, around real samples.

    Kodali et al. 2017, arXiv:1705.07215: at x + delta with delta normal around 0; its weight is the paper's
    lambda, 10. The paper gives delta an absolute variance; here its deviation is relative to the batch's, as
    in the authors' code. Their noise, however, is uniform and only positive, which shifts the samples.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].
        key: Random key for the noise.
        deviation: Standard deviation of the noise, in standard deviations of each array of the batch.
        target: Gradient norm without penalty, at least 0.
        epsilon: Added to the squared norm, inside the root.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    leaves, structure = jax.tree.flatten(real)
    around = [
        leaf + deviation * jnp.std(jnp.float32(leaf)) * jax.random.normal(leaf_key, leaf.shape)
        for leaf, leaf_key in zip(leaves, jax.random.split(key, len(leaves)), strict=True)
    ]
    return jnp.square(
        jnp.sqrt(_squared_norm(critic, jax.tree.unflatten(structure, around)) + epsilon) - target
    )


def max_gradient_penalty(
    critic: Callable[[Any], jax.Array], real: Any, fake: Any, key: jax.Array
) -> jax.Array:
    """Largest squared norm of the critic's gradient in the batch, between real and fake samples.

    Zhou et al. 2019, arXiv:1902.05687 (Lipschitz GAN, MaxGP); its weight is the paper's lambda. The largest
    norm of the batch estimates the largest norm anywhere; a step changes only the sample that attains it.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        key: Random key of the position between each real and fake.

    Returns:
        One penalty for the whole batch, float32 [1], at least 0.
    """
    return jnp.max(_squared_norm(critic, _between(critic, key, real, fake)), keepdims=True)


def wasserstein_divergence_penalty(
    critic: Callable[[Any], jax.Array],
    real: Any,
    fake: Any,
    key: jax.Array,
    *,
    power: float = 6.0,
    epsilon: float = 1e-12,
) -> jax.Array:
    """A power of the norm of the critic's gradient, between real and fake samples.

    Wu et al. 2018, arXiv:1712.01026, algorithm 1 (WGAN-div), for a Wasserstein loss; its weight is the
    paper's k, 2. Some implementations use half the sum at the real and at the fake samples themselves.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        key: Random key of the position between each real and fake.
        power: The paper's p, above 1.
        epsilon: Added to the squared norm, so that powers below 2 have a derivative at zero.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return (_squared_norm(critic, _between(critic, key, real, fake)) + epsilon) ** (power / 2)


def zero_centered_gradient_penalty(
    critic: Callable[[Any], jax.Array], real: Any, fake: Any, key: jax.Array
) -> jax.Array:
    """Squared norm of the critic's gradient between real and fake samples.

    Thanh-Tung et al. 2019, arXiv:1902.03984 (0-GP); its weight is the paper's lambda, 100. Unlike `r1` not
    halved, and unlike `gradient_penalty` zero for the critic that cannot tell real from fake.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        key: Random key of the position between each real and fake.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return _squared_norm(critic, _between(critic, key, real, fake))


def r1(critic: Callable[[Any], jax.Array], real: Any) -> jax.Array:
    """Half the squared norm of the critic's gradient at real samples.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 9; its weight is the paper's gamma.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, any pytree of arrays [B, ...].

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return 0.5 * _squared_norm(critic, real)


def r2(critic: Callable[[Any], jax.Array], fake: Any) -> jax.Array:
    """Half the squared norm of the critic's gradient at fake samples.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 10; its weight is the paper's gamma.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        fake: Fake samples, any pytree of arrays [B, ...].

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    return 0.5 * _squared_norm(critic, fake)


def drift(real_logits: jax.Array) -> jax.Array:
    """Squared logit of real samples: keeps a critic near zero, because its loss has no origin.

    Karras et al. 2018, arXiv:1710.10196, appendix A.1; its weight is the paper's epsilon_drift, 0.001.

    Args:
        real_logits: Critic's logits of real samples, [B] or [B, ...].

    Returns:
        One penalty per logit, float32 of the same shape, at least 0.
    """
    return jnp.square(jnp.float32(real_logits))


def lecam(
    real_logits: jax.Array,
    fake_logits: jax.Array,
    average_real_logits: jax.Array,
    average_fake_logits: jax.Array,
) -> jax.Array:
    """Squared excess of real logits over the fakes' average, and of the reals' average over fake logits.

    Tseng et al. 2021, arXiv:2104.03310, eq. 3, in the form of the authors' code, which pulls back only logits
    on the right side of the other's average; eq. 3 has the squares without the rectifiers. Its weight is the
    paper's lambda; reference recipes use 0.3, from some thousand steps on, when the averages have settled. A
    recipe lists in `averages` the outputs that the game averages.

    Args:
        real_logits: Discriminator logits of real samples, [B] or [B, ...].
        fake_logits: Discriminator logits of fake samples, of the same shape.
        average_real_logits: Running mean of the real logits, scalar.
        average_fake_logits: Running mean of the fake logits, scalar.

    Returns:
        One penalty per pair of logits, float32 of the same shape, at least 0.
    """
    real, fake = jnp.float32(real_logits), jnp.float32(fake_logits)
    above, below = jax.nn.relu(real - average_fake_logits), jax.nn.relu(average_real_logits - fake)
    return jnp.square(above) + jnp.square(below)


def consistency(
    critic: Callable[[Any], jax.Array],
    real: Any,
    key: jax.Array,
    *,
    transform: Callable[[jax.Array, Any], Any] = flip_and_shift,
) -> jax.Array:
    """Squared change of the critic's logits when real samples are transformed.

    Zhang et al. 2020, arXiv:1910.12027, section 2.2 (CR-GAN); its weight is the paper's lambda, 10. Of logits
    of patches, which move with the sample, the mean counts.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, as `transform` takes them; images [B, H, W, C] by default.
        key: Random key for the transform.
        transform: Function `(key, samples) -> samples` that keeps the content of the samples.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """

    def logits(samples):
        values = jnp.float32(critic(samples))
        return jnp.mean(values, axis=tuple(range(1, values.ndim)))

    return jnp.square(logits(real) - logits(transform(key, real)))


def balanced_consistency(
    critic: Callable[[Any], jax.Array],
    real: Any,
    fake: Any,
    key: jax.Array,
    *,
    fake_weight: float = 1.0,
    transform: Callable[[jax.Array, Any], Any] = flip_and_shift,
) -> jax.Array:
    """Squared change of the critic's logits when real and fake samples are transformed, summed over the two.

    Zhao et al. 2020, arXiv:2002.04724, bCR; its weight is the paper's lambda_real, 10. Their improved
    consistency (ICR) is this plus the consistency under perturbed latents (zCR), two terms among the losses.

    Args:
        critic: Function from samples to logits, [B] or [B, ...].
        real: Real samples, as `transform` takes them; images [B, H, W, C] by default.
        fake: Fake samples of the same structure and shapes.
        key: Random key for the transforms.
        fake_weight: The paper's lambda_fake / lambda_real.
        transform: Function `(key, samples) -> samples` that keeps the content of the samples.

    Returns:
        One penalty per sample, float32 [B], at least 0.
    """
    real_key, fake_key = jax.random.split(key)
    of_real = consistency(critic, real, real_key, transform=transform)
    return of_real + fake_weight * consistency(critic, fake, fake_key, transform=transform)


def orthogonal(params: Any, *, pattern: str = "", leave: tuple[str, ...] = ()) -> jax.Array:
    """Squared inner products of different filters, summed over all pairs and kernels.

    Brock et al. 2019, arXiv:1809.11096, eq. 3: |W^T W * (1 - I)|^2, with filters in columns; its weight is
    the paper's beta, 1e-4. The gradient is 4 W (W^T W * (1 - I)); the authors' code adds half of it, and
    leaves out the shared embedding.

    Args:
        params: The mover's parameters, any pytree.
        pattern: Regular expression; a kernel (`kernels.kernels`) counts where its path, such as
            `Dense_0/kernel`, matches; by default all do.
        leave: Regular expressions; a kernel whose path matches one does not count.

    Returns:
        The penalty, float32 scalar, at least 0.

    Raises:
        UsageError: `pattern` or one of `leave` matches no kernel.
    """

    def one(matrix):
        gram = _gram(matrix)
        return jnp.sum(jnp.square(gram * (1.0 - jnp.eye(gram.shape[0]))))

    return sum(one(matrix) for matrix in _matrices(params, pattern, leave))


def orthonormal(params: Any, *, pattern: str = "", leave: tuple[str, ...] = ()) -> jax.Array:
    """Squared distance of every kernel's filters from an orthonormal system, summed over kernels.

    Brock et al. 2019, arXiv:1809.11096, eq. 2, after Brock et al. 2017, arXiv:1609.07093: |W^T W - I|^2, with
    filters in columns. Unlike `orthogonal` it also draws the length of every filter to 1.

    Args:
        params: The mover's parameters, any pytree.
        pattern: Regular expression; a kernel (`kernels.kernels`) counts where its path matches; by default
            all do.
        leave: Regular expressions; a kernel whose path matches one does not count.

    Returns:
        The penalty, float32 scalar, at least 0. A kernel of more filters than inputs cannot reach 0.

    Raises:
        UsageError: `pattern` or one of `leave` matches no kernel.
    """
    grams = [_gram(matrix) for matrix in _matrices(params, pattern, leave)]
    return jnp.asarray(sum(jnp.sum(jnp.square(gram - jnp.eye(len(gram)))) for gram in grams))


def spectral(
    params: Any, *, pattern: str = "", leave: tuple[str, ...] = (), epsilon: float = 1e-12
) -> jax.Array:
    """Sum of the largest singular values of all kernels.

    After Yoshida and Miyato 2017, arXiv:1705.10941, who use half their squares. Exact, by a singular value
    decomposition each time, where the paper iterates: for large networks compute it in every n-th step only.
    `epsilon` stands inside a root, so that the derivative is zero at a kernel of zeros, as some start.

    Args:
        params: The mover's parameters, any pytree.
        pattern: Regular expression; a kernel (`kernels.kernels`) counts where its path matches; by default
            all do. A convolution's kernel is the matrix [height * width * in, out].
        leave: Regular expressions; a kernel whose path matches one does not count.
        epsilon: Added to the squared singular value.

    Returns:
        The penalty, float32 scalar, at least 0.

    Raises:
        UsageError: `pattern` or one of `leave` matches no kernel.
    """
    largest = [jnp.linalg.norm(matrix, ord=2) for matrix in _matrices(params, pattern, leave)]
    return jnp.asarray(sum(jnp.sqrt(jnp.square(value) + epsilon) for value in largest))


def weight_decay(params: Any, *, pattern: str = "", leave: tuple[str, ...] = ()) -> jax.Array:
    """Half the squared norm of all kernels; no biases, and no scales of normalisations, conditional or not.

    Krogh and Hertz 1991, A simple weight decay can improve generalization, eq. 2. Through Adam this is not
    the decoupled decay of `optax.adamw` (Loshchilov and Hutter 2019, arXiv:1711.05101).

    Args:
        params: The mover's parameters, any pytree.
        pattern: Regular expression; a kernel (`kernels.kernels`) counts where its path matches; by default
            all do.
        leave: Regular expressions; a kernel whose path matches one does not count.

    Returns:
        The penalty, float32 scalar, at least 0.

    Raises:
        UsageError: `pattern` or one of `leave` matches no kernel.
    """
    return jnp.asarray(sum(0.5 * jnp.sum(jnp.square(matrix)) for matrix in _matrices(params, pattern, leave)))
