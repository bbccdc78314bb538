"""Inputs of metrics that come from a model besides its samples: its networks, latents and codes."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gan_jax import build
from gan_jax.evaluation.evaluator import Evaluator
from gan_jax.sampling import encode
from gan_jax.sampling.loading import LoadedModel
from gan_jax.sampling.samples import GENERATOR, stream
from gan_jax.types import Context

# Pairs of latents for the perceptual path length; twice as many latents for metrics of codes.
PAIRS = 2_000
# Samples of each kind that the discriminator judges.
JUDGED = 2_048


def of(model: LoadedModel, evaluator: Evaluator, averaged: bool, seed: int) -> dict[str, Callable[[], Any]]:
    """More inputs of an Evaluator's metrics.

    Args:
        model: The LoadedModel.
        evaluator: The Evaluator.
        averaged: Use averaged parameters of the generator and the encoder.
        seed: Seed of latents.

    Returns:
        By name, functions without arguments: `generate`, `latents`, `interpolate`, if samples depend on
        latents and labels alone; `embed`; `classify`, to logits of the data's classes, if the features have
        these; `codes`, the values of discrete codes in the latents, if these have any; an encoder's `encode`
        and `reconstruct`; `translate` and `translate_back`, if the game has a way back; the discriminator's
        `real_logits`, `heldout_logits` and `fake_logits`, if the game offers them.
    """
    return {
        **_of_generator(model, averaged, seed),
        **_of_features(evaluator),
        **_of_encoder(model, averaged),
        **_of_cycle(model, averaged, seed),
        **_of_discriminator(model, evaluator, seed),
    }


def _of_generator(model, averaged, seed):
    """Latents, and the samples of latents."""
    game, state, draw = model.game, model.state, model.game.draw
    if draw is None or set(game.conditions) - {"label"}:
        return {}
    params, read = state.sampling_params(averaged), build.discrete(model.recipe)

    @jax.jit
    def generate(latents):
        count = len(jax.tree.leaves(latents)[0])
        batch = {"label": np.arange(count) % max(model.modality.facts["classes"], 1)}
        return game.sample(params, state.carry, latents, batch, stream(jax.random.key(seed), GENERATOR))

    def latents():
        return draw(jax.random.key(seed), 2 * PAIRS)

    offered = {
        "generate": lambda: generate,
        # A walk between uniform latents must not leave their cube.
        "interpolate": lambda: build.between(model.recipe),
        "latents": latents,
    }
    # Latents with continuous codes alone have a reader too.
    if read is None or not jax.eval_shape(lambda: read(latents())).shape[1]:
        return offered
    return {**offered, "codes": lambda: read(latents())}


def _of_features(evaluator):
    """The features' outputs as functions of decoded samples."""

    def view(output):
        network = evaluator.features
        apply = jax.jit(lambda params, samples: network.apply(params, samples)[output])
        return functools.partial(apply, network.params)

    offered = {"embed": lambda: view("features")}
    if "real_label_logits" not in evaluator.real.offers("real"):
        return offered
    return {**offered, "classify": lambda: view("class_logits")}


def _of_encoder(model, averaged):
    """The encoder, and the encoder followed by the generator."""
    if model.game.encode is None:
        return {}
    return {
        "encode": lambda: encode.encoder(model, averaged),
        "reconstruct": lambda: encode.reconstructor(model, averaged),
    }


def _of_cycle(model, averaged, seed):
    """The ways from stored sources to samples, and from samples to decoded sources."""
    game, state, modality = model.game, model.state, model.modality
    if game.backward is None or set(game.conditions) != {"source"}:
        return {}
    params, key = state.sampling_params(averaged), stream(jax.random.key(seed), GENERATOR)

    @jax.jit
    def translate(rows):
        return game.sample(params, state.carry, None, modality.decode({"source": rows}), key)

    @jax.jit
    def back(samples):
        return game.backward(params, state.carry, None, {"real": samples}, key)

    return {"translate": lambda: translate, "translate_back": lambda: back}


def _of_discriminator(model, evaluator, seed):
    """Logits of training samples, of held-out samples, and of generated ones."""
    sets = {"real": evaluator.real, **({"heldout": evaluator.heldout} if evaluator.heldout else {})}
    if "real_logits" not in build.offers(model.train_spec, model.modality, model.recipe.batch_size):
        return {}
    outputs = functools.cache(lambda name: logits(model, sets[name].rows, seed))
    offered = {f"{name}_logits": lambda name=name: outputs(name)["real_logits"] for name in sets}
    return {**offered, "fake_logits": lambda: outputs("real")["fake_logits"]}


def logits(model: LoadedModel, rows: dict[str, np.ndarray], seed: int = 0) -> dict[str, np.ndarray]:
    """The discriminator's logits as in training: with augmentation, dropout and statistics of the batch.

    Args:
        model: The LoadedModel.
        rows: Stored rows by name, arrays [N, *shape], N at least a batch.
        seed: Seed of latents, augmentation and dropout.

    Returns:
        `real_logits` of the rows and `fake_logits` of as many generated ones, float32 [n].
    """
    size, state = model.recipe.batch_size, model.state

    @jax.jit
    def look(rows, key):
        batch = model.modality.decode(rows)
        outputs, _ = model.game.play(Context(state.params, state.carry, batch, key, state.step))
        return {name: outputs[name] for name in ("real_logits", "fake_logits")}

    key = stream(jax.random.key(seed), "discriminator")
    batches = max(min(JUDGED, len(rows["real"])) // size, 1)
    parts = [
        look({name: array[at : at + size] for name, array in rows.items()}, jax.random.fold_in(key, at))
        for at in range(0, batches * size, size)
    ]
    return {name: np.concatenate([np.ravel(part[name]) for part in parts]) for name in parts[0]}
