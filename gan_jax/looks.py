"""What metrics may read of a model besides its images: generator, latents, the discriminator's logits."""

import functools

import jax
import numpy as np

from gan_jax import build, images
from gan_jax.types import Turn

# Pairs of latents for the perceptual path length.
PAIRS = 2_000
# Images of each kind that the discriminator is shown.
SHOWN = 2_048


def of(model, judge, averaged, seed):
    """More for a Judge's table.

    Args:
        model: The Trained.
        judge: The Judge.
        averaged: Use averaged parameters of the generator.
        seed: Of latents.

    Returns:
        By name, functions of nothing: `generate`, `latents`, `interpolate`, `embed`, and the discriminator's `real_logits`,
        `heldout_logits` and `fake_logits` where the game has such.
    """
    game, state, network = model.rules.game, model.state, judge.features
    params = {**state.params, **state.average} if averaged else state.params

    @jax.jit
    def generate(latents):
        count = len(jax.tree.leaves(latents)[0])
        batch = {"labels": np.arange(count) % max(model.facts["classes"], 1)}
        return game.sample(params, state.carry, latents, batch, jax.random.key(seed))

    def embed(given):
        return network.apply(network.params, given)["features"]

    extras = {
        "generate": lambda: generate,
        "embed": lambda: embed,
        # A walk between uniform latents must not leave their cube.
        "interpolate": lambda: build.between(model.recipe),
        "latents": lambda: game.draw(jax.random.key(seed), 2 * PAIRS),
    }
    sides = {"real": judge.real, **({"heldout": judge.heldout} if judge.heldout else {})}
    if "real_logits" not in build.offers(model.rules, model.facts, model.recipe.batch_size):
        return extras
    shown = functools.cache(lambda name: logits(model, sides[name].images, sides[name].outputs.get("labels")))
    logits_of = {f"{name}_logits": lambda name=name: shown(name)["real_logits"] for name in sides}
    return {**extras, **logits_of, "fake_logits": lambda: shown("real")["fake_logits"]}


def logits(model, shown, labels):
    """The discriminator's logits as in training: with augmentation, dropout and statistics of the batch.

    Args:
        model: The Trained.
        shown: Images, uint8 [N, H, W, C], N at least a batch.
        labels: int32 [N], or None.

    Returns:
        `real_logits` of the images and `fake_logits` of as many generated ones, float32 [n].
    """
    size, state = model.recipe.batch_size, model.state

    @jax.jit
    def look(given, told, key):
        batch = {"images": images.to_float(given), **({} if labels is None else {"labels": told})}
        table, _ = model.rules.game.play(Turn(state.params, state.carry, batch, key, state.step))
        return {name: table[name] for name in ("real_logits", "fake_logits")}

    batches = max(min(SHOWN, len(shown)) // size, 1)
    told = np.zeros(len(shown), np.int32) if labels is None else labels
    parts = [
        look(shown[at : at + size], told[at : at + size], jax.random.key(at))
        for at in range(0, batches * size, size)
    ]
    return {name: np.concatenate([np.ravel(part[name]) for part in parts]) for name in parts[0]}
