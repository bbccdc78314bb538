"""Samples of a model: the sampler that grids and evaluation use, and files of samples from a workdir."""

import functools
import logging
import math
import os
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from gan_jax import build
from gan_jax.data import classes as classes_lib
from gan_jax.data.source import Source, row
from gan_jax.errors import UsageError
from gan_jax.images import columns_of
from gan_jax.runtime import files, folders, memory
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading, modified, real_rows
from gan_jax.sampling.loading import LoadedModel
from gan_jax.step import TrainState
from gan_jax.types import Game, Modality

log = logging.getLogger("gan_jax")

# Samples per call. A sample depends on the seed, its row and its conditions, not on how many are asked for.
CHUNK = 64

# Stored conditions of rows: a function from row numbers, int [N], to arrays [N, *shape] by name.
Conditions = Callable[[np.ndarray], dict[str, np.ndarray]]


# The stream of random numbers of a generator that draws some besides its latents.
GENERATOR = "generator"
# Longer names of classes in the name of a file become a checksum.
NAMED = 60


def stream(key: jax.Array, purpose: str) -> jax.Array:
    """A key of its own for each purpose that random numbers of one seed have.

    Args:
        key: The seed's key, or that of a chunk of samples.
        purpose: A name.

    Returns:
        The key.
    """
    return jax.random.fold_in(key, zlib.crc32(purpose.encode()))


def unconditional(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The conditions of a game that has none."""
    return {}


def sampler(game: Game, modality: Modality) -> Callable[..., np.ndarray]:
    """A function from a state to samples by row number.

    Args:
        game: The Game.
        modality: Of its data.

    Returns:
        Function `(state, key, rows, conditions=unconditional, averaged=True) -> [N, *shape]`, rows as the
        data stores them, of row numbers, int [N]. `conditions` gives the game's conditions of rows.
    """

    @jax.jit
    def chunk(params, carry, key, batch):
        return _encoded(game, modality, params, carry, batch, key)

    def sample(
        state: TrainState,
        key: jax.Array,
        rows: np.ndarray,
        conditions: Conditions = unconditional,
        averaged: bool = True,
    ) -> np.ndarray:
        rows = np.asarray(rows)
        entries = conditions(rows)
        chunks, places = np.divmod(rows, CHUNK)
        parts = []
        for number in np.unique(chunks):
            here = chunks == number
            batch = {
                name: _scattered(entries[name][here], places[here], modality.spec[name])
                for name in game.conditions
            }
            key_of_chunk = jax.random.fold_in(key, int(number))
            parts.append(chunk(state.sampling_params(averaged), state.carry, key_of_chunk, batch))
        samples = np.concatenate(jax.device_get(parts))
        return samples[np.searchsorted(np.unique(chunks), chunks) * CHUNK + places]

    return sample


def _encoded(game, modality, params, carry, batch, key):
    """A chunk of samples as the data stores them, from stored conditions."""
    latents = None if game.draw is None else game.draw(key, CHUNK)
    own = stream(key, GENERATOR)
    return modality.encode(game.sample(params, carry, latents, modality.decode(batch), own))


def latents_of(game: Game, key: jax.Array, rows: np.ndarray) -> Any:
    """The latents from which a sampler makes rows.

    Args:
        game: The Game, with latents.
        key: As the sampler gets it.
        rows: Row numbers, int [N].

    Returns:
        Pytree of NumPy arrays [N, ...].
    """
    assert game.draw is not None, "a game without latents"
    chunks, places = np.divmod(np.asarray(rows), CHUNK)
    numbers, at = np.unique(chunks, return_inverse=True)
    drawn = jax.device_get([game.draw(jax.random.fold_in(key, int(number)), CHUNK) for number in numbers])
    return jax.tree.map(lambda *parts: np.concatenate(parts)[at * CHUNK + places], *drawn)


def _previewed(game, modality, params, carry, batch, key):
    """A game's preview as the data stores samples, from stored rows."""
    return modality.encode(game.preview(params, carry, modality.decode(batch), key))


def _scattered(array, places, entry):
    """A chunk of conditions with these rows at their places, and zeros elsewhere."""
    chunk = np.zeros((CHUNK, *entry.shape), entry.dtype)
    chunk[places] = array
    return chunk


def check(game: Game, modality: Modality, state: Any, grid_size: int) -> None:
    """Traces the sampler and the grid: samples must have the shape and type of the data. Compiles nothing.

    Args:
        game: The Game.
        modality: Of its data.
        state: The TrainState, or its shapes and dtypes.
        grid_size: Samples in a grid.

    Raises:
        UsageError: Samples have another shape or type.
    """
    owned = state.sampling_params(), state.carry
    key = jax.eval_shape(lambda: jax.random.key(0))
    conditions = {name: row for name, row in build.stored(modality, CHUNK).items() if name in game.conditions}
    samples = jax.eval_shape(functools.partial(_encoded, game, modality), *owned, conditions, key)
    _check_alike(samples, build.stored(modality, CHUNK)["real"])
    if game.preview is not None:
        batch = build.stored(modality, grid_size)
        samples = jax.eval_shape(functools.partial(_previewed, game, modality), *owned, batch, key)
        _check_alike(samples, batch["real"])


def _check_alike(samples, real):
    """Samples must have the shape and type of stored rows."""
    if (samples.shape, samples.dtype) != (real.shape, real.dtype):
        raise UsageError(
            f"the networks make samples {list(samples.shape[1:])} {samples.dtype}, but the data has "
            f"{list(real.shape[1:])} {real.dtype}"
        )


def rows_of_classes(count: int, modality: Modality) -> np.ndarray:
    """Labels that give every row of a grid one class, in turn: int32 [count]."""
    return np.arange(count, dtype=np.int32) // columns_of(count) % max(modality.facts["classes"], 1)


def grid_conditions(game: Game, modality: Modality, count: int, first: Callable[[int], dict]) -> Conditions:
    """The conditions that a grid of samples shows: one class a row; all others are those of real rows.

    Args:
        game: The Game.
        modality: Of its data.
        count: Samples in the grid.
        first: Function from a count to as many real rows by name, called only for conditions but `label`.

    Returns:
        Function from row numbers below `count` to the game's conditions.
    """
    entries = {"label": rows_of_classes(count, modality)} if "label" in game.conditions else {}
    if set(game.conditions) - {"label"}:
        entries = {**first(count), **entries}
    return lambda rows: {name: entries[name][rows] for name in game.conditions}


def previewer(
    game: Game, modality: Modality, sample: Callable[..., np.ndarray], first: Callable[[int], dict]
) -> Callable[[TrainState, jax.Array, int], np.ndarray]:
    """A function from a state to the picture of a grid: plain samples, unless the game has a preview.

    Args:
        game: The Game.
        modality: Of its data.
        sample: From `sampler`.
        first: Function from a count to as many real rows by name.

    Returns:
        Function `(state, key, count) -> uint8 [H, W, C]`, from averaged parameters.
    """

    previewed = jax.jit(functools.partial(_previewed, game, modality))

    def preview(state, key, count):
        batch = first(count)
        if "label" in batch:
            batch = {**batch, "label": rows_of_classes(count, modality)}
        return jax.device_get(previewed(state.sampling_params(), state.carry, batch, key))

    def plain(state, key, count):
        return sample(state, key, np.arange(count), grid_conditions(game, modality, count, first))

    show = plain if game.preview is None else preview
    return lambda state, key, count: modality.preview(show(state, key, count), lambda: first(count)["real"])


def first_of(source: Callable[[], Source]) -> Callable[[int], dict[str, np.ndarray]]:
    """The first rows of a data set, repeated if there are too few.

    Args:
        source: Function that returns the Source, called when rows are first asked for.

    Returns:
        Function from a count to as many stored rows by name.
    """

    @functools.cache
    def first(count):
        rows = source()
        return rows.read(np.arange(count) % rows.size)

    return first


def source(
    name: str,
    sample: Callable[..., np.ndarray],
    state: TrainState,
    modality: Modality,
    *,
    size: int,
    seed: int,
    conditions: Conditions = unconditional,
    averaged: bool = True,
) -> Source:
    """A model's samples as a data set.

    Args:
        name: A name for people.
        sample: From `sampler`.
        state: The TrainState.
        modality: Of its data.
        size: Samples.
        seed: Of the latents.
        conditions: Conditions of rows below `size`.
        averaged: Use averaged parameters.

    Returns:
        A Source whose rows are samples beside their conditions; every read computes its rows anew.
    """

    def read(rows):
        samples = sample(state, jax.random.key(seed), rows, conditions, averaged)
        return {"real": samples, **conditions(rows)}

    given = {entry: row(array.shape[1:], array.dtype) for entry, array in conditions(np.arange(1)).items()}
    names = modality.facts.get("class_names", ()) if "label" in given else ()
    spec = {"real": modality.spec["real"], **given}
    # Whatever the label of the data belongs to, here it says what the sample should be.
    return Source(name, size, spec, {**modality.facts, "class_names": names, "label_of": "real"}, read)


def run(
    workdir: str,
    *,
    num_images: int = 64,
    sample_seed: int = 0,
    labels: Sequence[int | str] = (),
    step: int | str | None = None,
    averaged: bool = True,
    trust: bool = False,
    data_dir: str | None = None,
    form: str = "grid",
    truncation: float | None = None,
    standing: int = 0,
) -> str:
    """Writes samples of a workdir's checkpoint: files for people, and an `.npz`.

    Their names tell step, seed, number, kind of parameters and labels, so that other requests get other
    files.

    Args:
        workdir: Folder of a run.
        num_images: How many, at least 1.
        sample_seed: Seed of the latents.
        labels: Names or numbers of classes to ask for, as `classes.numbers` reads them, repeated as often as
            needed; empty for one class a row of the grid.
        step: Steps taken, `best`, or None for the newest checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.
        data_dir: Folder of prepared TFDS data, for conditions that are data, such as `source`.
        form: What is written besides the `.npz`: `grid`, the files that the modality makes of all samples;
            `files`, a folder with a file for each sample, named by its number, those of conditional models in
            a folder for each class; `npz`, nothing.
        truncation: As for `modified.modified`.
        standing: As for `modified.modified`.

    Returns:
        Path of the `.npz`, which holds the samples as the data is stored, under the unit of its modality,
        such as `images`, and their conditions, such as `label`, int32 [N], with the names of all classes,
        `class_names`. The files for people lie beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, labels that the model does not know, or a
            model that cannot be modified so.
    """
    model = modified.modified(loading.load(workdir, step, trust=trust), truncation, standing, averaged)
    unit, kind = model.modality.unit, kind_of(model, averaged)
    conditions = conditions_of(model, num_images, labels, data_dir)
    name = f"step_{model.step:07d}_seed_{sample_seed}_{num_images}_{unit}_{kind}"
    name += f"{variant(model)}{named(model, labels)}"
    stem = os.path.join(workdir, "samples", name)
    folders.make_room(f"{stem}.npz")
    samples = draw(model, num_images, sample_seed, conditions, averaged)
    given = conditions(np.arange(num_images))
    names = {"class_names": np.asarray(class_names(model))} if "label" in given else {}
    with files.replacing(f"{stem}.npz"):
        if form == "grid":
            written = [f"{stem}{ending}" for ending in model.modality.save(stem, samples)]
        else:
            written = [_one_by_one(model, stem, samples, given)] if form == "files" else []
        with write_atomically(f"{stem}.npz", "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{unit: samples, **given, **names})
    log.info(
        "%d %s of step %d, %s parameters: %s",
        num_images,
        unit,
        model.step,
        kind,
        " and ".join([*written, f"{stem}.npz"]),
    )
    if "label" in given:
        log.info("classes of samples, from 0 on: %s", of_rows(given["label"], class_names(model)))
    return f"{stem}.npz"


def _one_by_one(model, stem, samples, given):
    """Writes each sample as files of its own, in a folder for each class; returns the folder with a slash."""
    modality, names, width = model.modality, class_names(model), len(str(len(samples) - 1))
    folder = [stem] * len(samples)
    if "label" in given:
        folder = [os.path.join(stem, _as_file(names, label)) for label in given["label"]]
    for place in dict.fromkeys(folder):
        folders.make_writable(place)
    for number, place in enumerate(folder):
        one = os.path.join(place, f"{number:0{width}d}")
        if modality.save_one is None:
            modality.save(one, samples[number : number + 1])
        else:
            modality.save_one(one, samples[number])
    return f"{stem}/"


def _as_file(names, label):
    """A class in the name of a file: its number, and its name unless that is the number."""
    name = names[label]
    return name if name == str(label) else f"{label}-{re.sub(r'[^a-zA-Z0-9.-]', '', name)}"


def kind_of(model: LoadedModel, averaged: bool) -> str:
    """The kind of parameters that make samples: `averaged`, or `live` also where a run keeps no average."""
    return "averaged" if averaged and model.state.average else "live"


def variant(model: LoadedModel) -> str:
    """The part of a file's name that tells how a model samples otherwise than in training, if it does."""
    limited = "" if model.truncation is None else f"_truncation_{model.truncation:g}"
    return limited + (f"_standing_{model.standing}" if model.standing else "")


def class_names(model: LoadedModel) -> tuple[str, ...]:
    """Names of the classes that a run learned; empty without classes."""
    return tuple(model.modality.facts.get("class_names", ()))


def named(model: LoadedModel, labels: Sequence[int | str]) -> str:
    """The part of a file's name that tells the classes that were asked for.

    Args:
        model: The LoadedModel.
        labels: As for `run`.

    Returns:
        Numbers of the classes, each with its name unless that is the number; empty without labels.
    """
    names = class_names(model)
    parts = [_as_file(names, label) for label in classes_lib.numbers(labels, names)]
    text = "_".join(parts)
    if len(text) > NAMED:
        text = f"{len(parts)}_of_checksum_{zlib.crc32(text.encode()):08x}"
    return f"_labels_{text}" if parts else ""


def of_rows(labels: np.ndarray, names: Sequence[str]) -> str:
    """Which samples have which class, for people.

    Args:
        labels: int [N].
        names: Names of the classes.

    Returns:
        Runs of equal classes, such as `0 to 7: cat, 8: dog`.
    """
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    ends = np.r_[starts[1:], len(labels)] - 1
    runs = [f"{first} to {last}" if last > first else f"{first}" for first, last in zip(starts, ends)]
    return classes_lib.listed([f"{run}: {names[labels[first]]}" for run, first in zip(runs, starts)])


def draw(
    model: LoadedModel, count: int, seed: int, conditions: Conditions, averaged: bool = True
) -> np.ndarray:
    """Samples of a model.

    Args:
        model: The LoadedModel.
        count: Number of samples, at least 1.
        seed: Of the latents.
        conditions: Conditions of rows below `count`.
        averaged: Use averaged parameters.

    Returns:
        [count, *shape], as the data stores rows.
    """
    sample = sampler(model.game, model.modality)
    return sample(model.state, jax.random.key(seed), np.arange(count), conditions, averaged)


def conditions_of(
    model: LoadedModel, count: int, labels: Sequence[int | str] = (), data_dir: str | None = None
) -> Conditions:
    """The conditions of samples: these labels, else those of a grid, and real rows for all others.

    Args:
        model: The LoadedModel.
        count: Number of samples.
        labels: Names or numbers of classes to ask for, as `classes.numbers` reads them, repeated as often as
            needed; empty for one class a row of a grid.
        data_dir: Folder of prepared TFDS data, for conditions that are data.

    Returns:
        Function from row numbers below `count` to the conditions.

    Raises:
        UsageError: A count below 1, or labels that the model does not know.
    """
    if count < 1:
        raise UsageError(f"num_images={count}: expected at least 1")
    memory.check_host(f"num_images={count}", count * bytes_of_sample(model.modality))
    chosen = _checked_labels(labels, model)

    def real():
        source = real_rows.of(model, data_dir)
        return source.heldout() or source

    grid = grid_conditions(model.game, model.modality, count, first_of(real))
    if not chosen:
        return grid
    return lambda rows: {**grid(rows), "label": np.resize(np.asarray(chosen, np.int32), count)[rows]}


def bytes_of_sample(modality: Modality) -> int:
    """The bytes of one sample as the data is stored."""
    real = modality.spec["real"]
    return math.prod(real.shape) * real.dtype.itemsize


def _checked_labels(labels, model):
    """Numbers of classes. Only a conditional model may be asked for some, and only for those it knows."""
    if len(labels) and "label" not in model.game.conditions:
        text = ",".join(map(str, labels))
        raise UsageError(f"labels={text}: the networks of {model.workdir} are not conditioned on labels")
    return classes_lib.numbers(labels, class_names(model))
