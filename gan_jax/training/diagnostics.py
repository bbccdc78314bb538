"""Diagnostics: a few numbers about a run's state, computed from one batch by one compiled function.

Nothing here changes the run. Every number belongs to a subject: a player or the whole `game`. A number whose
inputs the game does not offer is left out.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_jax import terms as terms_lib
from gan_jax.kernels import kernels
from gan_jax.step import TrainSpec, TrainState, gradient
from gan_jax.training import translations
from gan_jax.types import Context, Game

# Heads that rank samples: logits are high for real, energies low.
RANKS = ("logits", "energy")
# Samples that are not real, new ones first; past ones are from a pool.
FAKES = ("fake", "past")


def diagnostics(
    train_spec: TrainSpec, state: TrainState, batch: dict, key: jax.Array
) -> dict[str, dict[str, jax.Array]]:
    """All numbers of a state.

    Args:
        train_spec: The TrainSpec.
        state: The TrainState.
        batch: Decoded rows by name, arrays [B, ...], B at least 2.
        key: Random key; all players get the same random numbers.

    Returns:
        Float32 scalars by subject and name, as the functions of this module and of `translations` name them.
    """
    context = Context(state.params, state.carry, batch, key, state.step)
    outputs, _ = train_spec.game.play(context)
    players = {
        player: {
            **movement(train_spec, player, state, batch, key),
            **spectrum(state.params[player], state.carry[player], key),
        }
        for player in train_spec.updates
    }
    for player, average in state.average.items():
        players[player]["average_distance"] = relative_distance(state.params[player], average)
    game, sampling = train_spec.game, state.sampling_params()
    return {
        "game": {
            **verdict(train_spec, outputs, state),
            **diversity(game, state, batch, key),
            **translations.numbers(game, sampling, state.carry, outputs, batch, key),
        },
        **players,
    }


def ranks(train_spec: TrainSpec) -> bool:
    """Whether a discriminator's loss teaches it to rank single samples from fake to real.

    A loss of classes, features or embeddings does not, and leaves the logits as they are. Nor does that of
    Berthelot et al. 2017, arXiv:1703.10717, with its `balance`: it holds the energy of fakes at a share of
    that of reals, and may rank them higher.

    Args:
        train_spec: The TrainSpec.

    Returns:
        True if its terms read logits or energies of both real and fake samples, new or past ones, and no
        balance of them.
    """
    read = _read(train_spec)
    return _ranked(read) != "" and "balance" not in read


def _ranked(read):
    """The head of both real and fake samples among the names of outputs; empty if there is none."""
    pairs = ((head, {f"real_{head}", f"{fake}_{head}"}) for head in RANKS for fake in FAKES)
    return next((head for head, pair in pairs if pair <= set(read)), "")


def _read(train_spec):
    """Names of outputs that the discriminator's terms read."""
    terms = train_spec.terms.get("discriminator", {}).values()
    return {name for term in terms for name in terms_lib.reads(term.fn)}


def verdict(train_spec: TrainSpec, outputs: dict, state: TrainState) -> dict[str, jax.Array]:
    """How well the discriminator separates real from fake; any loss and any origin of the logits will do.

    Args:
        train_spec: The TrainSpec.
        outputs: The game's outputs.
        state: The TrainState.

    Returns:
        `discriminator_accuracy`: share of pairs of a real and a fake sample whose real logit is the higher
        one, in [0, 1]; a critic's logits have no origin to be compared with. With a loss of energies, of
        pairs whose real energy is the lower one.
        `logit_gap`: mean real logit less mean fake one; of energies mean fake less mean real one.
        `logit_gradient`: sum over samples of the absolute derivative of the discriminator's loss by all the
        logits or energies that it reads; for the cross entropy it goes from 2 (all wrong) over 1 (undecided)
        to 0 (nothing left to learn); for a Wasserstein critic it is always 2. Empty without a discriminator
        that `ranks` samples.
    """
    read = {name: outputs[name] for name in sorted(_read(train_spec)) if name in outputs and _ranking(name)}
    if not ranks(train_spec):
        return {}

    def loss(read):
        inputs = {**outputs, **read, "params": state.params["discriminator"]}
        return terms_lib.total(train_spec.terms["discriminator"], inputs, state.step)[0]

    head = _ranked(read)
    sign = 1.0 if head == "logits" else -1.0
    real, fake = (sign * jnp.ravel(outputs[f"{side}_{head}"]) for side in ("real", "fake"))
    slopes = jax.tree.leaves(jax.grad(loss)(read))
    return {
        "discriminator_accuracy": _share_above(real, fake),
        "logit_gap": jnp.mean(real) - jnp.mean(fake),
        "logit_gradient": sum((jnp.sum(jnp.abs(slope)) for slope in slopes), jnp.zeros(())),
    }


def _share_above(left, right):
    """The share of pairs, of a number of each vector, whose left one is larger; patches make millions."""
    below = jnp.searchsorted(jnp.sort(right), left)
    return jnp.mean(jnp.where(jnp.isnan(left), 0.0, below / right.size))


def _ranking(name):
    """Whether an output is a ranking head of some samples: `real_logits`, but not `real_class_logits`."""
    samples, _, head = name.partition("_")
    return samples in ("real", *FAKES, "reconstruction") and head in RANKS


def movement(
    train_spec: TrainSpec, player: str, state: TrainState, batch: dict, key: jax.Array
) -> dict[str, jax.Array]:
    """The size of a player's gradient and of its next update.

    Args:
        train_spec: The TrainSpec.
        player: The player's name.
        state: The TrainState.
        batch: Dict of arrays [B, ...].
        key: Random key.

    Returns:
        `gradient_norm`: Euclidean norm of the gradient, that of plain descent also where the recipe names
        another move. `update_ratio`: norm of the optimizer's update, over that of the parameters.
    """
    grads, _, _ = gradient(player, train_spec.game, train_spec.terms, state, batch, key)
    params = state.params[player]
    updates, _ = train_spec.optimizers[player].update(grads, state.opt[player], params)
    return {
        "gradient_norm": optax.tree.norm(grads),
        "update_ratio": _over(optax.tree.norm(updates), optax.tree.norm(params)),
    }


def spectrum(params: Any, carry: Any, key: jax.Array) -> dict[str, jax.Array]:
    """The size of a player's kernels, where their size means anything.

    Args:
        params: The player's parameters.
        carry: Its carry.
        key: Random key.

    Returns:
        `largest_singular_value`. Empty with `wrap.spectral_norm` or `wrap.weight_norm`: these divide kernels
        by norms of their own, so that kernels may grow without end and nothing changes.
    """
    paths, _ = jax.tree.flatten_with_path((params, carry))
    names = {getattr(part, "key", None) for path, _ in paths for part in path}
    if names & {"spectral_norm", "length"}:
        return {}
    return {"largest_singular_value": largest_singular_value(params, key)}


def largest_singular_value(params: Any, key: jax.Array, *, iterations: int = 8) -> jax.Array:
    """The largest singular value of all kernels, by power iteration from a random vector: a lower bound.

    Args:
        params: A player's parameters; `kernels.kernels` defines which are kernels.
        key: Random key.
        iterations: Products with a kernel and its transpose.

    Returns:
        float32 scalar; 0 without kernels.
    """
    matrices = [jnp.float32(kernel).reshape(-1, kernel.shape[-1]) for kernel in kernels(params).values()]
    start = jax.random.normal(key, (max((matrix.shape[-1] for matrix in matrices), default=0),))
    values = [_singular_value(matrix, start[: matrix.shape[-1]], iterations) for matrix in matrices]
    return jnp.max(jnp.stack(values)) if values else jnp.zeros(())


def _singular_value(kernel, vector, iterations):
    def again(_, vector):
        return kernel.T @ (kernel @ _over(vector, jnp.linalg.norm(vector)))

    # The last product is with a vector of length 1, so its length is the square of the value.
    return jnp.sqrt(jnp.linalg.norm(jax.lax.fori_loop(0, iterations, again, vector)))


def relative_distance(params: Any, average: Any) -> jax.Array:
    """Distance of a player's parameters from their average, over the average's norm.

    Args:
        params: Any pytree.
        average: The same.

    Returns:
        float32 scalar, at least 0.
    """
    return _over(optax.tree.norm(jax.tree.map(jnp.subtract, params, average)), optax.tree.norm(average))


def diversity(game: Game, state: TrainState, batch: dict, key: jax.Array) -> dict[str, jax.Array]:
    """How much samples of averaged parameters differ from each other, relative to real ones.

    Args:
        game: The Game.
        state: The TrainState.
        batch: Decoded rows by name, arrays [B, ...]; B samples get their conditions.
        key: Random key.

    Returns:
        `diversity`: root of the mean squared distance of two samples, over that of two real rows; 1 where
        both differ equally, 0 where all samples are equal.
    """
    real = batch["real"]
    latents = None if game.draw is None else game.draw(key, len(real))
    fake = game.sample(state.sampling_params(), state.carry, latents, batch, key)
    # The mean squared distance of two of them is twice the summed variance, so the ratio needs no pairs.
    return {"diversity": jnp.sqrt(_over(jnp.sum(jnp.var(fake, axis=0)), jnp.sum(jnp.var(real, axis=0))))}


def _over(numerator, denominator):
    """A ratio whose denominator may be zero, if its numerator is too."""
    return numerator / jnp.maximum(denominator, 1e-12)
