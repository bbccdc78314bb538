"""Gradient transforms that optax does not have, for use in any optax chain.

optax has `clip`, `clip_by_global_norm`, `clip_by_block_rms`, `adaptive_grad_clip`, `centralize`,
`add_decayed_weights`, `optimistic_gradient_descent` and `optimistic_adam_v2`. The two time-scale update
rule (TTUR, Heusel et al. 2017, arXiv:1706.08500) is one learning rate for each player. A layer is one array
of parameters. In a chain, transforms that clip or normalise gradients stand before the optimizer; those that
decay, limit, freeze or average parameters stand after it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax import penalties
from gan_jax.errors import UsageError
from gan_jax.kernels import compiled, matching


def _norm(array):
    return jnp.sqrt(jnp.sum(jnp.square(jnp.float32(array))))


def _divided(array, divisor, epsilon):
    """array / max(divisor, epsilon) in float32 and back: exact above epsilon, zero for a zero array."""
    return (jnp.float32(array) / jnp.maximum(divisor, epsilon)).astype(array.dtype)


def clip_by_layer_norm(max_norm: float = 1.0) -> optax.GradientTransformation:
    """Shortens the gradient of each layer to a norm of at most `max_norm`, up to rounding.

    Pascanu et al. 2013, arXiv:1211.5063, algorithm 1, for each layer instead of all at once.

    Args:
        max_norm: Largest Euclidean norm of a layer's gradient, above 0.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(lambda g, _: _divided(g, _norm(g) / max_norm, 1.0))


def normalize_by_mean_square(epsilon: float = 1e-8) -> optax.GradientTransformation:
    """Divides the gradient of each layer by its mean square: g / mean(g^2).

    No paper: the "gradient normalisation" of the articles behind this project. It is not a normalisation: as
    the gradient shrinks, the step grows as 1 / |g|, up to 1 / sqrt(epsilon), and only then falls to zero.
    `normalize_by_root_mean_square` keeps the size of steps.

    Args:
        epsilon: Smallest divisor, above 0.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(
        lambda g, _: _divided(g, jnp.mean(jnp.square(jnp.float32(g))), epsilon)
    )


def normalize_by_root_mean_square(epsilon: float = 1e-12) -> optax.GradientTransformation:
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


def normalize_by_global_norm(epsilon: float = 1e-12) -> optax.GradientTransformation:
    """Scales the whole gradient to a Euclidean norm of 1.

    Normalized gradient descent: Hazan et al. 2015, arXiv:1507.02030, algorithm 1. A zero gradient stays zero;
    `optax.contrib.normalize` returns NaN for it.

    Args:
        epsilon: Smallest divisor, above 0.

    Returns:
        An optax.GradientTransformation.
    """

    def update(updates, params):
        norm = jnp.sqrt(sum(jnp.square(_norm(g)) for g in jax.tree.leaves(updates)))
        return jax.tree.map(lambda g: _divided(g, norm, epsilon), updates)

    return optax.stateless(update)


def normalize_by_layer_norm(epsilon: float = 1e-12) -> optax.GradientTransformation:
    """Scales the gradient of each layer to a Euclidean norm of 1.

    Yu et al. 2017, arXiv:1707.04822 (block-normalized gradient); a block is a layer.

    Args:
        epsilon: Smallest divisor, above 0; a zero gradient stays zero.

    Returns:
        An optax.GradientTransformation.
    """
    return optax.stateless_with_tree_map(lambda g, _: _divided(g, _norm(g), epsilon))


def clip_weights(max_value: float = 0.01) -> optax.GradientTransformation:
    """Keeps every parameter in [-max_value, max_value] after the update; stands last in a chain.

    Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 7.

    Args:
        max_value: Largest absolute value of a parameter, above 0. Rounding never passes it; a clipped
            parameter stands within a few units in the last place of it.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """

    def clip(param, update):
        # The difference is rounded, and so is its sum with the parameter: stay inside by what both may add.
        bound = max_value - float(jnp.finfo(param.dtype).eps) * (jnp.abs(param) + max_value)
        return jnp.clip(param + update, -bound, bound) - param

    def update(updates, state, params):
        return jax.tree.map(clip, params, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _decay(
    penalty: Callable[..., jax.Array], strength: optax.ScalarOrSchedule, pattern: str, leave: tuple[str, ...]
) -> optax.GradientTransformation:
    """Each update also subtracts `strength` times the gradient of a penalty on the parameters."""

    def init(params):
        return optax.ScaleByScheduleState(jnp.zeros((), jnp.int32))

    def update(updates, state, params):
        size = strength(state.count) if callable(strength) else strength
        grads = jax.grad(penalty)(params, pattern=pattern, leave=leave)
        decayed = jax.tree.map(lambda u, g: (u - size * g).astype(u.dtype), updates, grads)
        return decayed, optax.ScaleByScheduleState(optax.safe_increment(state.count))

    return optax.GradientTransformation(init, update)


def weight_decay(
    strength: optax.ScalarOrSchedule = 1e-4, pattern: str = "", leave: tuple[str, ...] = ()
) -> optax.GradientTransformation:
    """Subtracts `strength` times itself from every kernel in each update; no biases, no norm scales.

    Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2 (decoupled weight decay): descends
    `penalties.weight_decay`. Stands after the optimizer; no learning rate multiplies it, as in the paper,
    whose learning rate multiplies only Adam's part. `optax.adamw` multiplies both, and also shrinks biases
    and the scales of normalisations.

    Args:
        strength: At least 0; a number, or a schedule: a function of the number of updates so far.
        pattern: Regular expression for the paths of the kernels (`kernels.kernels`), by default all.
        leave: Regular expressions; kernels whose path matches one are left out.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """
    return _decay(penalties.weight_decay, strength, pattern, leave)


def spectral_decay(
    strength: optax.ScalarOrSchedule = 1e-4, pattern: str = "", leave: tuple[str, ...] = ()
) -> optax.GradientTransformation:
    """Lowers the largest singular value of every kernel by `strength` in each update.

    The decoupled form (Loshchilov and Hutter 2019, arXiv:1711.05101) of `penalties.spectral`, after Yoshida
    and Miyato 2017, arXiv:1705.10941. Stands after the optimizer; no learning rate multiplies it.

    Args:
        strength: At least 0; a number, or a schedule: a function of the number of updates so far.
        pattern: Regular expression for the paths of the kernels (`kernels.kernels`), by default all.
        leave: Regular expressions; kernels whose path matches one are left out.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """
    return _decay(penalties.spectral, strength, pattern, leave)


def orthogonal_decay(
    strength: optax.ScalarOrSchedule = 1e-4, pattern: str = "", leave: tuple[str, ...] = ()
) -> optax.GradientTransformation:
    """Moves the filters of every kernel towards orthogonality in each update.

    The decoupled form (Loshchilov and Hutter 2019, arXiv:1711.05101) of `penalties.orthogonal`, Brock et al.
    2019, arXiv:1809.11096, eq. 3: adds -strength * 4 W (W^T W * (1 - I)). The authors' code has a 2 for the 4
    and adds it to the gradient, so that Adam rescales it. Stands after the optimizer; no learning rate
    multiplies it.

    Args:
        strength: At least 0; a number, or a schedule: a function of the number of updates so far.
        pattern: Regular expression for the paths of the kernels (`kernels.kernels`), by default all.
        leave: Regular expressions; kernels whose path matches one are left out.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """
    return _decay(penalties.orthogonal, strength, pattern, leave)


class LookaheadState(NamedTuple):
    """State of `lookahead`.

    Attributes:
        slow: Slow parameters.
        count: Updates since slow and fast parameters were last equal, int32.
    """

    slow: Any
    count: Any  # Not jax.Array: tuples have a method of this name, which a type checker wants here.


def lookahead(period: int = 5, step_size: float = 0.5) -> optax.GradientTransformation:
    """After every `period` updates moves back to a point between their start and their end.

    Zhang et al. 2019, arXiv:1907.08610, algorithm 1; for games Chavdarova et al. 2021, arXiv:2006.14567,
    where all players move back in the same step: each player's period is the same number of steps times its
    updates per step. Stands last in a chain. It keeps the slow parameters in its own state, so that the type
    of the parameters does not change, unlike with `optax.lookahead`.

    Args:
        period: Updates after which slow and fast parameters become equal, at least 1.
        step_size: Position of the point: 0 is the start of the updates, 1 their end; in (0, 1].

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


def freeze(pattern: str) -> optax.GradientTransformation:
    """Does not update the parameters whose path matches; stands last in a chain.

    Mo et al. 2020, arXiv:2002.10964 (FreezeD): fine-tunes with the discriminator's lower layers frozen.
    `optax.freeze` takes a tree of booleans instead of a pattern.

    Args:
        pattern: Regular expression, searched anywhere in a path such as `Conv_0/kernel`; `^Conv_[01]/`
            freezes the first two convolutions.

    Returns:
        An optax.GradientTransformation.

    Raises:
        UsageError: `pattern` is not a regular expression; from its `init` if it matches no path.
    """
    expression = compiled(pattern, f"pattern={pattern!r}")

    def name(path):
        return jax.tree_util.keystr(path, simple=True, separator="/")

    def init(params):
        paths = [name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        matching(paths, pattern, f"pattern={pattern!r}", "parameter")
        return optax.EmptyState()

    def frozen(path, update):
        return jnp.zeros_like(update) if expression.search(name(path)) else update

    def update(updates, state, params=None):
        return jax.tree_util.tree_map_with_path(frozen, updates), state

    return optax.GradientTransformation(init, update)


def lazy_adam(
    learning_rate: optax.ScalarOrSchedule,
    b1: float = 0.0,
    b2: float = 0.99,
    epsilon: float = 1e-8,
    every: int = 16,
) -> optax.GradientTransformation:
    """Adam whose learning rate and decays are corrected so that n + 1 steps count as n.

    Karras et al. 2020, arXiv:1912.04958, appendix B: there a penalty in every n-th step takes a step of its
    own. With c = n / (n + 1) the learning rate is multiplied by c, and b1 and b2 are raised to the power c.
    This library adds lazy terms to the others, without a step of their own: use this to run a recipe with the
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
