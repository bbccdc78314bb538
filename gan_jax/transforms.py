"""Gradient transforms that optax does not have, for use in any optax chain.

optax has `clip`, `clip_by_global_norm`, `clip_by_block_rms`, `adaptive_grad_clip`, `centralize`,
`add_decayed_weights`, `optimistic_gradient_descent` and `optimistic_adam_v2`. The two time-scale update
rule (TTUR, Heusel et al. 2017, arXiv:1706.08500) is nothing but a learning rate for each player. A layer is
one array of parameters. What clips or normalises gradients stands in front of the optimizer in a chain; what
decays, limits, freezes or averages parameters stands behind it.
"""

import re
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax import penalties
from gan_jax.errors import UsageError


def _norm(array):
    return jnp.sqrt(jnp.sum(jnp.square(jnp.float32(array))))


def _divided(array, divisor, epsilon):
    """array / max(divisor, epsilon) in float32 and back: exact above epsilon, zero for a zero array."""
    return (jnp.float32(array) / jnp.maximum(divisor, epsilon)).astype(array.dtype)


def clip_by_layer_norm(max_norm=1.0):
    """Shortens the gradient of each layer to a norm of at most `max_norm`.

    Pascanu et al. 2013, arXiv:1211.5063, algorithm 1, layer by layer in place of all at once.

    Args:
        max_norm: Largest Euclidean norm of a layer's gradient, above 0.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(lambda g, _: _divided(g, _norm(g) / max_norm, 1.0))


def normalize_by_mean_square(epsilon=1e-8):
    """Divides the gradient of each layer by its mean square: g / mean(g^2).

    No paper: the "gradient normalisation" of the articles behind this project. It is no normalisation: the
    step grows as 1 / |g| while the gradient shrinks, up to 1 / sqrt(epsilon), and only then falls to zero.
    `normalize_by_root_mean_square` is the one whose steps keep their size.

    Args:
        epsilon: Smallest divisor, above 0.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(
        lambda g, _: _divided(g, jnp.mean(jnp.square(jnp.float32(g))), epsilon)
    )


def normalize_by_root_mean_square(epsilon=1e-12):
    """Divides the gradient of each layer by its root mean square, so that its entries are about 1.

    Yu et al. 2017, arXiv:1707.04822 (block-normalized gradient), times the root of the layer's size, so that
    a learning rate means the same for large and small layers.

    Args:
        epsilon: Smallest divisor, above 0; a zero gradient stays zero.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(
        lambda g, _: _divided(g, jnp.sqrt(jnp.mean(jnp.square(jnp.float32(g)))), epsilon)
    )


def normalize_by_global_norm(epsilon=1e-12):
    """Scales the whole gradient to a Euclidean norm of 1.

    Normalized gradient descent: Hazan et al. 2015, arXiv:1507.02030, algorithm 1. Unlike
    `optax.contrib.normalize` a zero gradient stays zero in place of NaN.

    Args:
        epsilon: Smallest divisor, above 0.

    Returns:
        An optax.GradientTransformation.
    """

    def update(updates, params):
        norm = jnp.sqrt(sum(jnp.square(_norm(g)) for g in jax.tree.leaves(updates)))
        return jax.tree.map(lambda g: _divided(g, norm, epsilon), updates)

    return optax.stateless(update)


def normalize_by_layer_norm(epsilon=1e-12):
    """Scales the gradient of each layer to a Euclidean norm of 1.

    Yu et al. 2017, arXiv:1707.04822 (block-normalized gradient), a layer being a block.

    Args:
        epsilon: Smallest divisor, above 0; a zero gradient stays zero.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(lambda g, _: _divided(g, _norm(g), epsilon))


def clip_weights(max_value=0.01):
    """Keeps every parameter in [-max_value, max_value] after the update; stands last in a chain.

    Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 7.

    Args:
        max_value: Largest absolute value of a parameter, above 0.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """

    def update(updates, state, params):
        clipped = jax.tree.map(lambda p, u: jnp.clip(p + u, -max_value, max_value) - p, params, updates)
        return clipped, state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _decay(penalty, strength, pattern):
    """Each update also descends a penalty on the parameters, `strength` times its gradient."""

    def init(params):
        return optax.ScaleByScheduleState(jnp.zeros((), jnp.int32))

    def update(updates, state, params):
        size = strength(state.count) if callable(strength) else strength
        slopes = jax.grad(penalty)(params, pattern=pattern)
        decayed = jax.tree.map(lambda u, s: (u - size * s).astype(u.dtype), updates, slopes)
        return decayed, optax.ScaleByScheduleState(optax.safe_increment(state.count))

    return optax.GradientTransformation(init, update)


def weight_decay(strength=1e-4, pattern=""):
    """Shrinks every kernel by `strength` of itself in each update; no biases, no norm scales.

    Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2 (decoupled weight decay): descends
    `penalties.weight_decay`. Stands behind the optimizer; no learning rate multiplies it, as the paper's
    multiplies only Adam's part. `optax.adamw` multiplies both, and shrinks biases and norm scales too.

    Args:
        strength: At least 0; a number, or a schedule: a function of the number of updates so far.
        pattern: Regular expression for the paths of the kernels meant, by default all.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """
    return _decay(penalties.weight_decay, strength, pattern)


def spectral_decay(strength=1e-4, pattern=""):
    """Lowers the largest singular value of every kernel by `strength` in each update.

    The decoupled form (Loshchilov and Hutter 2019, arXiv:1711.05101) of `penalties.spectral`, after Yoshida
    and Miyato 2017, arXiv:1705.10941. Stands behind the optimizer; no learning rate multiplies it.

    Args:
        strength: At least 0; a number, or a schedule: a function of the number of updates so far.
        pattern: Regular expression for the paths of the kernels meant, by default all.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """
    return _decay(penalties.spectral, strength, pattern)


def orthogonal_decay(strength=1e-4, pattern=""):
    """Updates the filters of every kernel away from each other in each update.

    The decoupled form (Loshchilov and Hutter 2019, arXiv:1711.05101) of `penalties.orthogonal`, Brock et al.
    2019, arXiv:1809.11096, eq. 3: adds -strength * 4 W (W^T W * (1 - I)). The authors' code has a 2 for the 4
    and adds it to the gradient, so that Adam rescales it. Stands behind the optimizer; no learning rate
    multiplies it.

    Args:
        strength: At least 0; a number, or a schedule: a function of the number of updates so far.
        pattern: Regular expression for the paths of the kernels meant, by default all.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """
    return _decay(penalties.orthogonal, strength, pattern)


class LookaheadState(NamedTuple):
    """Of `lookahead`.

    Attributes:
        slow: Slow parameters.
        count: Updates since slow and fast parameters last met, int32.
    """

    slow: Any
    count: Any


def lookahead(period=5, step_size=0.5):
    """After every `period` updates goes back to a point between where they began and where they led.

    Zhang et al. 2019, arXiv:1907.08610, algorithm 1; for games Chavdarova et al. 2021, arXiv:2006.14567,
    where all players go back in the same round: give each a period of so many rounds times its moves a round.
    Stands last in a chain. Unlike `optax.lookahead` it keeps the slow parameters in its own state, so that
    parameters stay what they are.

    Args:
        period: Updates between two meetings of slow and fast parameters, at least 1.
        step_size: Where they meet: 0 is where the updates began, 1 where they led; in (0, 1].

    Returns:
        An optax.GradientTransformation whose update needs `params`.

    Raises:
        UsageError: `period` or `step_size` is out of range.
    """
    if period < 1:
        raise UsageError(f"period={period}: expected at least 1 update")
    if not 0 < step_size <= 1:
        raise UsageError(f"step_size={step_size}: expected a share in (0, 1]")

    def init(params):
        # Copied: a donated state must not hold the same buffer twice.
        return LookaheadState(jax.tree.map(jnp.copy, params), jnp.zeros((), jnp.int32))

    def update(updates, state, params):
        count = (state.count + 1) % period
        fast = optax.apply_updates(params, updates)
        slow = jax.tree.map(lambda s, f: jnp.where(count == 0, s + step_size * (f - s), s), state.slow, fast)
        updates = jax.tree.map(
            lambda u, s, p: jnp.where(count == 0, s - p, u).astype(u.dtype), updates, slow, params
        )
        return updates, LookaheadState(slow, count)

    return optax.GradientTransformation(init, update)


def freeze(pattern: str):
    """Leaves the parameters as they are whose path matches; stands last in a chain.

    Mo et al. 2020, arXiv:2002.10964 (FreezeD): fine-tunes with the discriminator's lower layers frozen.
    `optax.freeze` takes a tree of booleans in place of a pattern.

    Args:
        pattern: Regular expression, found anywhere in a path such as `Conv_0/kernel`; `^Conv_[01]/` freezes
            the first two convolutions.

    Returns:
        An optax.GradientTransformation.

    Raises:
        UsageError: `pattern` is no regular expression; from its `init` if it matches no path.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"pattern={pattern!r}: expected a regular expression: {error}") from error

    def written(path):
        return jax.tree_util.keystr(path, simple=True, separator="/")

    def init(params):
        paths = [written(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        if not any(map(expression.search, paths)):
            exist = ", ".join(paths) or "none"
            raise UsageError(f"pattern={pattern!r}: expected to match a parameter; these exist: {exist}")
        return optax.EmptyState()

    def still(path, update):
        return jnp.zeros_like(update) if expression.search(written(path)) else update

    def update(updates, state, params=None):
        return jax.tree_util.tree_map_with_path(still, updates), state

    return optax.GradientTransformation(init, update)


def lazy_adam(learning_rate, b1=0.0, b2=0.99, epsilon=1e-8, every=16):
    """Adam with the learning rate and decays that make n + 1 steps worth n.

    Karras et al. 2020, arXiv:1912.04958, appendix B: a penalty in every n-th step takes a step of its own
    there, and with c = n / (n + 1) the learning rate becomes c times, b1 and b2 to the power of c. Lazy terms
    of this library are summed with the others and take no step of their own: use it to run a recipe at the
    paper's numbers.

    Args:
        learning_rate: Before the correction; a number, or a schedule: a function of the number of updates.
        b1: Decay of the gradient's average, before the correction, in [0, 1).
        b2: Decay of its square's average, before the correction, in [0, 1).
        epsilon: Added to the root of the square's average.
        every: The penalty's period n, at least 1.

    Returns:
        An optax.GradientTransformation.

    Raises:
        UsageError: `every` is below 1.
    """
    if every < 1:
        raise UsageError(f"every={every}: expected at least 1 step")
    c = every / (every + 1)
    rate = (lambda count: c * learning_rate(count)) if callable(learning_rate) else c * learning_rate
    return optax.adam(rate, b1=b1**c, b2=b2**c, eps=epsilon)
