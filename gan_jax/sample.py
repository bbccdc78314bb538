"""Images of a model: the sampler that grids and evaluation use, and files of them from a workdir."""

import functools
import logging
import os

import jax
import numpy as np

from gan_jax import checkpoint, images, report, trained
from gan_jax.data.source import Source
from gan_jax.errors import UsageError

log = logging.getLogger("gan_jax")

# Images a call; an image depends on the seed, its row and its label, not on how many are asked for.
CHUNK = 64


def sampler(game):
    """A function from a state to images by row number.

    Args:
        game: The Game.

    Returns:
        Function `(state, key, rows, labels, averaged=True) -> uint8 [N, H, W, C]` of row numbers, int [N],
        and one label for each, int [N].
    """

    @jax.jit
    def chunk(params, carry, key, batch):
        return images.to_uint8(game.sample(params, carry, game.draw(key, CHUNK), batch, key))

    def sample(state, key, rows, labels, averaged=True):
        params = {**state.params, **state.average} if averaged else state.params
        rows, labels = np.asarray(rows), np.asarray(labels, np.int32)
        chunks, places = np.divmod(rows, CHUNK)
        made = []
        for number in np.unique(chunks):
            told = np.zeros(CHUNK, np.int32)
            told[places[chunks == number]] = labels[chunks == number]
            batch = {"labels": told}
            made.append(chunk(params, state.carry, jax.random.fold_in(key, int(number)), batch))
        everything = np.concatenate(jax.device_get(made))
        return everything[np.searchsorted(np.unique(chunks), chunks) * CHUNK + places]

    return sample


def rows_of_classes(count, facts):
    """Labels that give every row of a grid one class, in turn: int32 [count]."""
    return np.arange(count, dtype=np.int32) // images.columns_of(count) % max(facts["classes"], 1)


def exhibitor(game, facts, sample, real):
    """A function from a state to what a grid shows: plain samples, unless the game has more to show.

    Args:
        game: The Game.
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        sample: From `sampler`.
        real: Function of nothing to a Source of real images, its first ones shown again and again.

    Returns:
        Function `(state, key, count) -> uint8 [count, H, W, C]`, from averaged parameters.
    """

    @jax.jit
    def shown(params, carry, batch, key):
        return images.to_uint8(game.exhibit(params, carry, batch, key))

    @functools.cache
    def originals(count):
        given = real()
        return np.asarray(images.to_float(given.read(np.arange(count) % given.size)["images"]))

    def exhibit(state, key, count):
        batch = {"images": originals(count), "labels": rows_of_classes(count, facts)}
        return jax.device_get(shown({**state.params, **state.average}, state.carry, batch, key))

    def plain(state, key, count):
        return sample(state, key, np.arange(count), rows_of_classes(count, facts))

    return plain if game.exhibit is None else exhibit


def source(name, sample, state, facts, *, size, seed, labels=None, averaged=True):
    """A model's images as a data set.

    Args:
        name: What it is, for people.
        sample: From `sampler`.
        state: The TrainState.
        facts: Dict of `resolution`, `channels` and `classes` of its data.
        size: Images.
        seed: Of the latents.
        labels: Classes asked for, int32 [size]; None if the networks are not told labels.
        averaged: Use averaged parameters.

    Returns:
        A Source, with classes only if the networks were told them; every read computes its rows anew.
    """
    made = functools.partial(sample, state, jax.random.key(seed), averaged=averaged)
    told = np.zeros(size, np.int32) if labels is None else labels
    classes = () if labels is None else tuple(map(str, range(facts["classes"])))

    def read(rows):
        read_images = made(rows, told[rows])
        return {"images": read_images, **({"labels": told[rows]} if classes else {})}

    return Source(name, size, facts["resolution"], facts["channels"], classes, read)


def run(workdir, *, num_images=64, sample_seed=0, labels=(), step=None, averaged=True):
    """Writes a grid and an `.npz` of images from a checkpoint of a workdir.

    Args:
        workdir: Folder of a run.
        num_images: How many, at least 1.
        sample_seed: Seed of the latents.
        labels: Classes to ask for, repeated as often as needed; empty for one class a row.
        step: Which checkpoint: rounds played, `best`, or None for the newest.
        averaged: Use averaged parameters.

    Returns:
        Path of the `.npz`, which holds `images`, uint8 [N, H, W, C], and `labels`, int32 [N], if the networks
        hear labels. The PNG lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, or labels that the model does not know.
    """
    if num_images < 1:
        raise UsageError(f"num_images={num_images}: expected at least 1")
    model = trained.load(workdir, step)
    conditional = "labels" in model.rules.game.hears
    _check_labels(labels, model, conditional)
    asked = np.resize(labels, num_images) if labels else rows_of_classes(num_images, model.facts)
    checkpoint.make_writable(os.path.join(workdir, "samples"))
    sample, key = sampler(model.rules.game), jax.random.key(sample_seed)
    made = sample(model.state, key, np.arange(num_images), asked, averaged)
    kind = "averaged" if averaged else "live"
    stem = os.path.join(workdir, "samples", f"step_{model.step:07d}_seed_{sample_seed}_{kind}")
    report.save_grid(f"{stem}.png", made)
    told = {"labels": asked.astype(np.int32)} if conditional else {}
    np.savez_compressed(f"{stem}.npz", images=made, **told)
    log.info("%d images of step %d, %s parameters: %s.png and .npz", num_images, model.step, kind, stem)
    return f"{stem}.npz"


def _check_labels(labels, model, conditional):
    """Only a model that is told labels may be asked for some, and only for those that it knows."""
    shown, classes = ",".join(map(str, labels)), model.facts["classes"]
    if labels and not conditional:
        raise UsageError(f"labels={shown}: the networks of {model.workdir} are not told labels")
    if any(not 0 <= label < classes for label in labels):
        raise UsageError(f"labels={shown}: expected 0 to {classes - 1}")
