"""Models that sample otherwise than in training: from truncated latents, by standing statistics."""

import dataclasses
import math
import zlib
from typing import Any

import flax.linen as nn
import jax

from gan_jax import build
from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm, moments, normalised
from gan_jax.sampling.loading import LoadedModel


def modified(
    model: LoadedModel, truncation: float | None = None, standing: int = 0, averaged: bool = True
) -> LoadedModel:
    """A model that samples in another way than in training.

    Args:
        model: The LoadedModel.
        truncation: Largest absolute value of an entry of the latents, above 0; None or infinite for no limit.
        standing: Batches of which the generator's batch norms get the statistics; 0 for the running ones of
            training. They are those of the truncated latents.
        averaged: Whether samples will come from averaged parameters.

    Returns:
        The LoadedModel.

    Raises:
        UsageError: As `truncated` and `with_standing`.
    """
    return with_standing(truncated(model, truncation), standing, averaged)


def truncated(model: LoadedModel, threshold: float | None) -> LoadedModel:
    """The model, whose latents have no entry beyond a threshold: samples of less variety and better quality.

    Brock et al. 2019, arXiv:1809.11096, section 3.1 (the truncation trick).

    Args:
        model: The LoadedModel.
        threshold: Largest absolute value of an entry, above 0; None or infinite for latents as in training.

    Returns:
        The LoadedModel.

    Raises:
        UsageError: The threshold is not above 0, or the distribution of the latents cannot be truncated.
    """
    if threshold is None or threshold == math.inf:
        return model
    game = model.game._replace(draw=build.truncated(model.recipe, threshold))
    spec = dataclasses.replace(model.train_spec, game=game)
    return model._replace(train_spec=spec, truncation=threshold)


def with_standing(model: LoadedModel, passes: int, averaged: bool = True) -> LoadedModel:
    """The model, whose batch norms normalise by standing statistics.

    Brock et al. 2019, arXiv:1809.11096, section 4 and appendix C: mean and variance of each batch in that
    many passes of random latents and labels, summed and divided by their number. The running statistics of
    training are those of live parameters; these are those of the parameters that make the samples, and of the
    model's latents, truncated or not. Batches have the size of those in training. Differs from the paper:
    dropout and noise of training do not act in these passes.

    Args:
        model: The LoadedModel.
        passes: Number of batches; 0 leaves the model as it is.
        averaged: Use averaged parameters; samples should then use them too.

    Returns:
        The LoadedModel, a function of its arguments alone.

    Raises:
        UsageError: The generator has no batch norm, or samples depend on more than latents and labels.
    """
    if passes == 0:
        return model
    game, carry = model.game, model.state.carry
    # No seed that a user gives for samples.
    key = jax.random.key(zlib.crc32(b"standing"))
    if game.draw is None or set(game.conditions) - {"label"}:
        raise UsageError(
            f"standing={passes}: the samples of {model.workdir} depend on more than latents and labels"
        )
    params = model.state.sampling_params(averaged)
    sums: dict[str, jax.Array] = {}
    look = jax.jit(lambda params, carry, key: _of_batch(model, params, carry, key))
    for number in range(passes):
        batch = look(params, carry, jax.random.fold_in(key, number))
        sums = {path: value + sums.get(path, 0.0) for path, value in batch.items()}
    if not sums:
        raise UsageError(f"standing={passes}: the generator of {model.workdir} has no batch norm")

    def replaced(path, leaf):
        name = jax.tree_util.keystr(path)
        return sums[name] / passes if name in sums else leaf

    state = model.state.replace(carry=jax.tree_util.tree_map_with_path(replaced, carry))
    return model._replace(state=state, standing=passes)


def _of_batch(model: LoadedModel, params: Any, carry: Any, key: jax.Array) -> dict[str, jax.Array]:
    """Mean and variance of one batch at every batch norm that samples pass, by path in the carry."""
    game, count = model.game, model.recipe.batch_size
    label_key, latents_key, own = jax.random.split(key, 3)
    labels = jax.random.randint(label_key, (count,), 0, max(model.modality.facts.get("classes", 0), 1))
    batch = {"label": labels} if "label" in game.conditions else {}
    # A layer knows its path in its network alone, and networks may be alike; an array is in one place.
    places = {
        id(leaf): jax.tree_util.keystr(path) for path, leaf in jax.tree_util.tree_leaves_with_path(carry)
    }
    found = {}

    def by_batch(call, args, kwargs, context):
        outputs, layer = call(*args, **kwargs), context.module
        if not isinstance(layer, (nn.BatchNorm, BatchNorm)) or context.method_name != "__call__":
            return outputs
        own = moments(args[0])
        for name, value in zip(("mean", "var"), own):
            found[places[id(layer.get_variable("batch_stats", name))]] = value
        return normalised(layer, args[0], *own)

    assert game.draw is not None  # As `with_standing` has checked.
    with nn.intercept_methods(by_batch):
        game.sample(params, carry, game.draw(latents_key, count), model.modality.decode(batch), own)
    return found
