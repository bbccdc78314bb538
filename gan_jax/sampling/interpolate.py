"""Walks between samples of a finished run: a grid with a row for each, and an animation of all of them."""

import logging
import os
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import build, images
from gan_jax.data import classes
from gan_jax.errors import UsageError
from gan_jax.runtime import files, folders, memory
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading
from gan_jax.sampling import samples as samples_lib
from gan_jax.sampling.loading import LoadedModel
from gan_jax.sampling.samples import Conditions, bytes_of_sample

log = logging.getLogger("gan_jax")

# Steps of a walk in the animation; the grid shows every second.
STEPS = 16
# Milliseconds that the animation shows a frame.
DURATION = 60
# Walks of a picture, and samples among which `first` and `last` choose, unless a number is given.
WALKS, SAMPLES = 8, 64


def run(
    workdir: str,
    *,
    num_images: int | None = None,
    sample_seed: int = 0,
    labels: Sequence[int | str] = (),
    first: int | None = None,
    last: int | None = None,
    step: int | str | None = None,
    averaged: bool = True,
    trust: bool = False,
) -> str:
    """Writes walks between samples as a grid and as an animated WebP that goes there and back for ever.

    The ends of walks are the samples that `samples.run` draws of the same number, seed and labels. Each goes
    to the next one, the last to the first; or one walk goes from the sample `first` to the sample `last`.

    Args:
        workdir: Folder of a run.
        num_images: Samples, at least 2; None for 8, or for 64 with `first` and `last`, as `samples.run`
            draws.
        sample_seed: Seed of the latents.
        labels: Names or numbers of the samples' classes; as for `samples.run`.
        first: Number of the sample where the only walk begins, from 0 on, row by row in the grid of samples.
        last: Number of the sample where it ends.
        step: Steps taken, `best`, or None for the newest checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.

    Returns:
        Path of the PNG, one walk per row; the WebP lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, too few images, no such samples, labels that
            the model does not know, or a model without latents.
    """
    alone = first is not None or last is not None
    count = num_images if num_images is not None else SAMPLES if alone else WALKS
    model = loading.load(workdir, step, trust=trust)
    if model.game.draw is None or set(model.game.conditions) - {"label"}:
        raise UsageError(f"{workdir}: its samples do not depend on latents and labels alone")
    frames = (1 if alone else count) * (STEPS + 1)
    memory.check_host(f"num_images={count}", frames * bytes_of_sample(model.modality))
    starts, ends = _ends(count, first, last)
    conditions = samples_lib.conditions_of(model, count, labels)
    unit, kind = model.modality.unit, samples_lib.kind_of(model, averaged)
    which = f"{first}_to_{last}_of_{count}_{unit}" if alone else f"{count}_{unit}"
    name = f"walk_{model.step:07d}_seed_{sample_seed}_{which}_{kind}{samples_lib.named(model, labels)}"
    stem = os.path.join(workdir, "samples", name)
    folders.make_room(f"{stem}.png")
    samples = walks(model, starts, ends, sample_seed, conditions, averaged)
    preview, tiles = model.modality.preview, samples[:, ::2]
    everything = samples.reshape(-1, *samples.shape[2:])
    grid = preview(tiles.reshape(-1, *tiles.shape[2:]), lambda: everything, columns=tiles.shape[1])
    with files.replacing(f"{stem}.png"):
        images.save(f"{stem}.png", grid)
    _animate(f"{stem}.webp", samples, lambda rows: preview(rows, lambda: everything))
    log.info("%d walks of step %d, %s parameters: %s.png and .webp", len(starts), model.step, kind, stem)
    if "label" in model.game.conditions:
        here, there = (conditions(rows)["label"] for rows in (starts, ends))
        names = samples_lib.class_names(model)
        rows = [names[a] if a == b else f"{names[a]} to {names[b]}" for a, b in zip(here, there)]
        log.info("classes of walks: %s", classes.listed(rows))
    return f"{stem}.png"


def _ends(count, first, last):
    """Numbers of the samples where walks begin and where they end, int [N] each."""
    if first is None and last is None:
        if count < 2:
            raise UsageError(f"num_images={count}: expected at least 2 latents to walk between")
        return np.arange(count), np.roll(np.arange(count), -1)
    for flag, row in (("from", first), ("to", last)):
        if row is None:
            raise UsageError(f"--{flag} is missing: --from and --to are the numbers of two samples")
        if not 0 <= row < count:
            raise UsageError(
                f"{flag}={row}: expected 0 to {count - 1}, the number of one of num_images={count} samples"
            )
    if first == last:
        raise UsageError(f"from={first} and to={last}: expected two samples")
    return np.array([first]), np.array([last])


def walks(
    model: LoadedModel,
    starts: np.ndarray,
    ends: np.ndarray,
    seed: int,
    conditions: Conditions,
    averaged: bool = True,
) -> np.ndarray:
    """Samples along walks between samples: normal latents along great circles, others along straight lines.

    The ends are the samples of `samples.draw`, pixel for pixel. Between two classes the first half of a walk
    has the one, the second half the other. A generator that draws numbers besides its latents draws the same
    ones all along between the ends.

    Args:
        model: The LoadedModel, of a game whose samples depend on latents and labels alone.
        starts: Numbers of the samples where walks begin, int [N].
        ends: Numbers of the samples where they end, int [N].
        seed: Of the latents.
        conditions: Conditions of samples.
        averaged: Use averaged parameters.

    Returns:
        [N, STEPS + 1, *shape], as the data stores them, both ends of a walk included.
    """
    state, game, key = model.state, model.game, jax.random.key(seed)
    params = state.sampling_params(averaged)
    between = build.between(model.recipe)
    sample = samples_lib.sampler(game, model.modality)
    here, there = (samples_lib.latents_of(game, key, rows) for rows in (starts, ends))

    @jax.jit
    def generate(latents, batch):
        own = samples_lib.stream(key, samples_lib.GENERATOR)
        return model.modality.encode(
            game.sample(params, state.carry, latents, model.modality.decode(batch), own)
        )

    def at(place):
        latents = jax.tree.map(
            lambda a, b: jnp.float32(between(a, b, np.full(len(starts), place))), here, there
        )
        return jax.device_get(generate(latents, conditions(starts if place < 0.5 else ends)))

    first, last = (sample(state, key, rows, conditions, averaged) for rows in (starts, ends))
    inner = [at(place) for place in np.linspace(0.0, 1.0, STEPS + 1)[1:-1]]
    return np.stack([first, *inner, last], axis=1)


def _animate(path: str, samples: np.ndarray, preview: Callable[[np.ndarray], np.ndarray]) -> None:
    """All walks at once, there and back; the samples of the ends come once each."""
    order = [*range(STEPS + 1), *range(STEPS - 1, 0, -1)]
    grids = [preview(samples[:, place]) for place in order]
    with write_atomically(path, "wb") as file:
        images.save_animation(file, grids, DURATION, lossless=True)
