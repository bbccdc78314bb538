"""Latent codes of a data set, from a run whose game has an encoder: an `.npz` and a scatter plot."""

import logging
import os
from collections.abc import Callable, Sequence

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.runtime import files, folders
from gan_jax.runtime.chunks import in_chunks
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading, real_rows
from gan_jax.sampling.loading import LoadedModel
from gan_jax.sampling.samples import GENERATOR, kind_of, stream

log = logging.getLogger("gan_jax")

# Rows per call.
CHUNK = 256


def run(
    workdir: str,
    *,
    split: str | None = None,
    step: int | str | None = None,
    averaged: bool = True,
    trust: bool = False,
    data_dir: str | None = None,
) -> str:
    """Writes the latent codes of the run's data set and a scatter plot of them.

    Args:
        workdir: Folder of a run.
        split: Split of its data, all of it; None for the held-out rows if there are any, else those trained
            on.
        step: Steps taken, `best`, or None for the newest checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        Path of the `.npz`, which holds `codes`, float32 [N, size], and `label`, int32 [N], if the data has
        them. The PNG lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, a game without encoder, or no such split.
    """
    model = loading.load(workdir, step, trust=trust)
    if model.game.encode is None:
        name = model.recipe.game["name"]
        raise UsageError(f"{workdir}: the game {name} has no encoder; bigan and vaegan have one")
    source, which = _source(model, split, data_dir)
    kind = kind_of(model, averaged)
    stem = os.path.join(workdir, "codes", f"step_{model.step:07d}_{which.replace(os.sep, '_')}_{kind}")
    folders.make_room(f"{stem}.npz")
    rows = source.read(np.arange(source.size))
    codes = encoder(model, averaged)(rows["real"])
    labels = {name: array for name, array in rows.items() if name == "label"}
    with files.replacing(f"{stem}.npz"), write_atomically(f"{stem}.npz", "wb") as file:
        np.savez_compressed(file, allow_pickle=False, codes=codes, **labels)
    scatter(f"{stem}.png", codes, labels.get("label"), source.classes)
    log.info("codes of %s, step %d, %s parameters: %s.png and .npz", source.name, model.step, kind, stem)
    return f"{stem}.npz"


def encoder(model: LoadedModel, averaged: bool = True) -> Callable[[np.ndarray], np.ndarray]:
    """A model's encoder.

    Args:
        model: The LoadedModel, of a game with an encoder.
        averaged: Use averaged parameters.

    Returns:
        Function from stored rows of `real`, [N, *shape], to their codes, float32 [N, size].
    """
    return _over_rows(model, averaged, model.game.encode)


def reconstructor(model: LoadedModel, averaged: bool = True) -> Callable[[np.ndarray], np.ndarray]:
    """A model's encoder followed by its generator.

    Args:
        model: The LoadedModel, of a game with an encoder.
        averaged: Use averaged parameters.

    Returns:
        Function from stored rows of `real`, [N, *shape], to their reconstructions as networks see them.
    """
    game, encode = model.game, model.game.encode
    assert encode is not None, "the game has no encoder"

    def reconstruct(params, carry, batch, key):
        return game.sample(params, carry, encode(params, carry, batch, key), batch, stream(key, GENERATOR))

    return _over_rows(model, averaged, reconstruct)


def _over_rows(model, averaged, function):
    """A function of stored rows of `real` from one of `(params, carry, batch, key)`."""
    params = model.state.sampling_params(averaged)

    @jax.jit
    def apply(rows, key):
        return function(params, model.state.carry, model.modality.decode({"real": rows}), key)

    # No seed's samples have latents of this stream.
    key = stream(jax.random.key(0), "encoder")
    return lambda rows: in_chunks(
        lambda chunk, start: apply(chunk, jax.random.fold_in(key, start)), rows, CHUNK
    )


def planar(codes: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes in two dimensions: as they are if they have two, else their first two principal components.

    Args:
        codes: float [N, size].

    Returns:
        float64 [N, 2], and names of the two axes.
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


def scatter(path: str, codes: np.ndarray, labels: np.ndarray | None, classes: Sequence[str]) -> None:
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
    known, colours = np.zeros(len(points), int) if labels is None else labels, colormaps["turbo"]
    for label in np.unique(known):
        colour = colours(label / max(len(classes) - 1, 1))
        name = classes[label] if classes else None
        x, y = points[known == label].T
        axes.scatter(x, y, s=6, color=[colour], linewidths=0, label=name)
    axes.set(title=f"latent codes of {len(points):,} images", xlabel=names[0], ylabel=names[1])
    if 0 < len(classes) <= 20:
        axes.legend(markerscale=3)
    with write_atomically(path, "wb") as file:
        figure.savefig(file, format="png", dpi=100)


def _source(model, split, data_dir):
    """The chosen split and its name; without one, the held-out rows if there are any, else all."""
    if split is not None:
        return real_rows.of(model, data_dir, split=split, per_class=0), split
    source = real_rows.of(model, data_dir)
    heldout = source.heldout()
    return (source, "trained_on") if heldout is None else (heldout, "heldout")
