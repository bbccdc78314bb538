"""What metrics may read of a model besides its images: its networks, latents and codes."""

import functools

import jax
import numpy as np

from gan_jax import build, images
from gan_jax.sampling import encode
from gan_jax.types import Context

# Pairs of latents for the perceptual path length; all of them for what codes tell.
PAIRS = 2_000
# Images of each kind that the discriminator is shown.
SHOWN = 2_048


def of(model, evaluator, averaged, seed):
    """More for a Evaluator's table.

    Args:
        model: The LoadedModel.
        judge: The Evaluator.
        averaged: Use averaged parameters of the generator and the encoder.
        seed: Of latents.

    Returns:
        By name, functions of nothing: `generate`, `latents`, `interpolate`, `embed`; `classify`, to logits of
        the data's classes, where the features have such; `codes`, the values of discrete codes in the
        latents, where these have some; an encoder's `encode` and `reconstruct`; the discriminator's
        `real_logits`, `heldout_logits` and `fake_logits` where the game has such.
    """
    return {
        **_of_generator(model, averaged, seed),
        **_of_features(evaluator),
        **_of_encoder(model, averaged),
        **_of_discriminator(model, evaluator),
    }


def _of_generator(model, averaged, seed):
    """Its latents and what it makes of them."""
    game, state, read = model.train_spec.game, model.state, build.discrete(model.recipe)
    params = {**state.params, **state.average} if averaged else state.params

    @jax.jit
    def generate(latents):
        count = len(jax.tree.leaves(latents)[0])
        batch = {"labels": np.arange(count) % max(model.facts["classes"], 1)}
        return game.sample(params, state.carry, latents, batch, jax.random.key(seed))

    def draw():
        return game.draw(jax.random.key(seed), 2 * PAIRS)

    offered = {
        "generate": lambda: generate,
        # A walk between uniform latents must not leave their cube.
        "interpolate": lambda: build.between(model.recipe),
        "latents": draw,
    }
    # Latents with continuous codes alone have a reader too.
    if read is None or not jax.eval_shape(lambda: read(draw())).shape[1]:
        return offered
    return {**offered, "codes": lambda: read(draw())}


def _of_features(evaluator):
    """What the judge's network makes of images in [-1, 1]."""
    network = evaluator.features

    def view(output):
        apply = jax.jit(lambda params, given: network.apply(params, given)[output])
        return functools.partial(apply, network.params)

    offered = {"embed": lambda: view("features")}
    if "real_label_logits" not in evaluator.real.offers("real"):
        return offered
    return {**offered, "classify": lambda: view("class_logits")}


def _of_encoder(model, averaged):
    """The encoder, and the way there and back."""
    if model.train_spec.game.encode is None:
        return {}
    return {
        "encode": lambda: encode.encoder(model, averaged),
        "reconstruct": lambda: encode.reconstructor(model, averaged),
    }


def _of_discriminator(model, evaluator):
    """Its logits of images that it was trained on, that it never saw, and that are generated."""
    sides = {"real": evaluator.real, **({"heldout": evaluator.heldout} if evaluator.heldout else {})}
    if "real_logits" not in build.offers(model.train_spec, model.facts, model.recipe.batch_size):
        return {}
    shown = functools.cache(lambda name: logits(model, sides[name].images, sides[name].outputs.get("labels")))
    offered = {f"{name}_logits": lambda name=name: shown(name)["real_logits"] for name in sides}
    return {**offered, "fake_logits": lambda: shown("real")["fake_logits"]}


def logits(model, shown, labels):
    """The discriminator's logits as in training: with augmentation, dropout and statistics of the batch.

    Args:
        model: The LoadedModel.
        shown: Images, uint8 [N, H, W, C], N at least a batch.
        labels: int32 [N], or None.

    Returns:
        `real_logits` of the images and `fake_logits` of as many generated ones, float32 [n].
    """
    size, state = model.recipe.batch_size, model.state

    @jax.jit
    def look(given, told, key):
        batch = {"images": images.to_float(given), **({} if labels is None else {"labels": told})}
        table, _ = model.train_spec.game.play(Context(state.params, state.carry, batch, key, state.step))
        return {name: table[name] for name in ("real_logits", "fake_logits")}

    batches = max(min(SHOWN, len(shown)) // size, 1)
    told = np.zeros(len(shown), np.int32) if labels is None else labels
    parts = [
        look(shown[at : at + size], told[at : at + size], jax.random.key(at))
        for at in range(0, batches * size, size)
    ]
    return {name: np.concatenate([np.ravel(part[name]) for part in parts]) for name in parts[0]}
