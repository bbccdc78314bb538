"""Latent codes of a data set, from a run whose game has an encoder: an `.npz` and a scatter plot."""

import dataclasses
import logging
import os

import jax
import numpy as np

from gan_jax import build, images
from gan_jax.errors import UsageError
from gan_jax.runtime import folders
from gan_jax.runtime.chunks import in_chunks
from gan_jax.sampling import loading

log = logging.getLogger("gan_jax")

# Images a call.
CHUNK = 256


def run(workdir, *, split=None, step=None, averaged=True, data_dir=None):
    """Writes the latent codes of the run's data set and a scatter plot of them.

    Args:
        workdir: Folder of a run.
        split: Split of its data, all of it; None for the held-out images if there are any, else those trained
            on.
        step: Which checkpoint: rounds played, `best`, or None for the newest.
        averaged: Use averaged parameters.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        Path of the `.npz`, which holds `codes`, float32 [N, size], and `labels`, int32 [N], if the data has
        them. The PNG lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, a game without encoder, or no such split.
    """
    model = loading.load(workdir, step)
    if model.train_spec.game.encode is None:
        name = model.recipe.game["name"]
        raise UsageError(f"{workdir}: the game {name} has no encoder; bigan and vaegan have one")
    source = _source(model.recipe, split, data_dir)
    given = source.read(np.arange(source.size))
    found = encoder(model, averaged)(given["images"])
    folders.make_writable(os.path.join(workdir, "codes"))
    kind = "averaged" if averaged else "live"
    stem = os.path.join(workdir, "codes", f"step_{model.step:07d}_{split or 'heldout'}_{kind}")
    labels = {name: value for name, value in given.items() if name == "labels"}
    np.savez_compressed(f"{stem}.npz", codes=found, **labels)
    scatter(f"{stem}.png", found, labels.get("labels"), source.classes)
    log.info("codes of %s, step %d, %s parameters: %s.png and .npz", source.name, model.step, kind, stem)
    return f"{stem}.npz"


def encoder(model, averaged=True):
    """A model's encoder.

    Args:
        model: The LoadedModel, of a game with an encoder.
        averaged: Use averaged parameters.

    Returns:
        Function from images, uint8 [N, H, W, C], to their codes, float32 [N, size].
    """
    return _over_images(model, averaged, model.train_spec.game.encode)


def reconstructor(model, averaged=True):
    """What a model's generator makes of its encoder's codes.

    Args:
        model: The LoadedModel, of a game with an encoder.
        averaged: Use averaged parameters.

    Returns:
        Function from images, uint8 [N, H, W, C], to their reconstructions in [-1, 1], float32 of that shape.
    """
    game = model.train_spec.game

    def reconstruct(params, carry, batch, key):
        return game.sample(params, carry, game.encode(params, carry, batch, key), batch, key)

    return _over_images(model, averaged, reconstruct)


def _over_images(model, averaged, function):
    """A function of uint8 images from one of `(params, carry, batch, key)`."""
    state = model.state
    params = {**state.params, **state.average} if averaged else state.params

    @jax.jit
    def apply(given, key):
        return function(params, state.carry, {"images": images.to_float(given)}, key)

    return lambda shown: in_chunks(lambda chunk, start: apply(chunk, jax.random.key(start)), shown, CHUNK)


def planar(codes):
    """Codes in two dimensions: as they are if they have two, else their first two principal components.

    Args:
        codes: float [N, size].

    Returns:
        float64 [N, 2], and what the two axes are.
    """
    codes = np.asarray(codes, np.float64)
    if codes.shape[1] <= 2:
        padded = np.pad(codes, ((0, 0), (0, 2 - codes.shape[1])))
        return padded, ("first latent", "second latent" if codes.shape[1] == 2 else "")
    centred = codes - codes.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    shares = np.square(values) / max(np.square(values).sum(), np.finfo(float).tiny)
    names = [
        f"{which} principal component, {share:.0%} of the variance"
        for which, share in zip(("first", "second"), shares)
    ]
    return left[:, :2] * values[:2], tuple(names)


def scatter(path, codes, labels, classes):
    """Draws codes as points, coloured by class.

    Args:
        path: The PNG.
        codes: float [N, size].
        labels: int [N], or None.
        classes: Names of the classes.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    points, names = planar(codes)
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    told, colours = np.zeros(len(points), int) if labels is None else labels, colormaps["turbo"]
    for label in np.unique(told):
        colour = colours(label / max(len(classes) - 1, 1))
        name = classes[label] if classes else None
        axes.scatter(*points[told == label].T, s=6, color=[colour], linewidths=0, label=name)
    axes.set(title=f"latent codes of {len(points):,} images", xlabel=names[0], ylabel=names[1])
    if 0 < len(classes) <= 20:
        axes.legend(markerscale=3)
    figure.savefig(path, dpi=100)


def _source(recipe, split, data_dir):
    """The split asked for, or the held-out images if there are any."""
    if split is None:
        source = build.source(recipe, data_dir)
        return source.heldout() or source
    whole = {**recipe.data, "split": split, "per_class": 0}
    return build.source(dataclasses.replace(recipe, data=whole), data_dir)
