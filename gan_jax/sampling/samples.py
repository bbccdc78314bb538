"""Images of a model: the sampler that grids and evaluation use, and files of them from a workdir."""

import functools
import logging
import os

import jax
import numpy as np

from gan_jax import build, images
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.runtime import folders
from gan_jax.sampling import loading

log = logging.getLogger("gan_jax")

# Images a call; an image depends on the seed, its row and its label, not on how many are asked for.
CHUNK = 64


def sampler(game, facts):
    """A function from a state to images by row number.

    Args:
        game: The Game.
        facts: Dict of facts about its data.

    Returns:
        Function `(state, key, rows, labels, averaged=True) -> [N, H, W, C]`, as the data's kind keeps them,
        of row numbers, int [N], and one label for each, int [N].
    """
    keep = build.kind(facts).keep

    @jax.jit
    def chunk(params, carry, key, batch):
        return keep(game.sample(params, carry, game.draw(key, CHUNK), batch, key))

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


def previewer(game, facts, sample, real):
    """A function from a state to what a grid shows: plain samples, unless the game has more to show.

    Args:
        game: The Game.
        facts: Dict of facts about the data.
        sample: From `sampler`.
        real: Function from a count to as many real images, as their kind keeps them.

    Returns:
        Function `(state, key, count) -> [count, H, W, C]`, from averaged parameters.
    """
    keep = build.kind(facts).keep

    @jax.jit
    def shown(params, carry, batch, key):
        return keep(game.preview(params, carry, batch, key))

    def preview(state, key, count):
        batch = {"images": images.to_float(real(count)), "labels": rows_of_classes(count, facts)}
        return jax.device_get(shown({**state.params, **state.average}, state.carry, batch, key))

    def plain(state, key, count):
        return sample(state, key, np.arange(count), rows_of_classes(count, facts))

    return plain if game.preview is None else preview


def pictured(show, facts, real):
    """A function from a state to the picture that a grid is.

    Args:
        show: From `previewer`.
        facts: Dict of facts about the data.
        real: Function from a count to as many real images, as their kind keeps them.

    Returns:
        Function `(state, key, count) -> uint8 [H, W, C]`.
    """
    picture = build.kind(facts).picture
    return lambda state, key, count: picture(show(state, key, count), lambda: real(count))


def first_of(source):
    """The first images of a data set, again and again if they are too few.

    Args:
        source: Function of nothing to the Source, called when images are first asked for.

    Returns:
        Function from a count to as many images, as their kind keeps them.
    """

    @functools.cache
    def first(count):
        given = source()
        return given.read(np.arange(count) % given.size)["images"]

    return first


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

    return Source(
        name, size, facts["resolution"], facts["channels"], classes, read, kind=facts.get("kind", "images")
    )


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
        Path of the `.npz`, which holds `images`, uint8 [N, H, W, C] or float32 points [N, 1, 1, 2], and
        `labels`, int32 [N], if the networks hear labels. The PNG lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, or labels that the model does not know.
    """
    if num_images < 1:
        raise UsageError(f"num_images={num_images}: expected at least 1")
    model = loading.load(workdir, step)
    conditional = "labels" in model.train_spec.game.hears
    _check_labels(labels, model, conditional)
    asked = np.resize(labels, num_images) if labels else rows_of_classes(num_images, model.facts)
    folders.make_writable(os.path.join(workdir, "samples"))
    sample, key = sampler(model.train_spec.game, model.facts), jax.random.key(sample_seed)
    made = sample(model.state, key, np.arange(num_images), asked, averaged)
    kind = "averaged" if averaged else "live"
    stem = os.path.join(workdir, "samples", f"step_{model.step:07d}_seed_{sample_seed}_{kind}")
    images.save(f"{stem}.png", build.kind(model.facts).picture(made, lambda: made))
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
