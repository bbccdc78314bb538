"""Walks between latents of a finished run: a grid with a row for each, and an animation of all of them."""

import logging
import os
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax import build, images
from gan_jax.errors import UsageError
from gan_jax.runtime import folders, memory
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading
from gan_jax.sampling.loading import LoadedModel
from gan_jax.sampling.samples import bytes_of_sample

log = logging.getLogger("gan_jax")

# Steps of a walk in the animation; the grid shows every second.
STEPS = 16
# Milliseconds that the animation shows a frame.
DURATION = 60


def run(
    workdir: str,
    *,
    num_images: int = 8,
    sample_seed: int = 0,
    step: int | str | None = None,
    averaged: bool = True,
    trust: bool = False,
) -> str:
    """Writes walks between latents as a grid and as an animated WebP that goes there and back for ever.

    Each latent goes to the next one, the last to the first: normal latents along great circles, others along
    straight lines. With classes the first row is class 0, the second class 1, and so on.

    Args:
        workdir: Folder of a run.
        num_images: Latents, and so walks; at least 2.
        sample_seed: Seed of the latents.
        step: Steps taken, `best`, or None for the newest checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.

    Returns:
        Path of the PNG, one walk per row; the WebP lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, too few images, or a model without latents.
    """
    if num_images < 2:
        raise UsageError(f"num_images={num_images}: expected at least 2 latents to walk between")
    model = loading.load(workdir, step, trust=trust)
    if model.game.draw is None or set(model.game.conditions) - {"label"}:
        raise UsageError(f"{workdir}: its samples do not depend on latents and labels alone")
    frames = num_images * (STEPS + 1)
    memory.check_host(f"num_images={num_images}", frames * bytes_of_sample(model.modality))
    samples = walks(model, num_images, sample_seed, averaged)
    folders.make_writable(os.path.join(workdir, "samples"))
    kind = "averaged" if averaged else "live"
    stem = os.path.join(workdir, "samples", f"walk_{model.step:07d}_seed_{sample_seed}_{kind}")
    preview, tiles = model.modality.preview, samples[:, ::2]
    everything = samples.reshape(-1, *samples.shape[2:])
    grid = preview(tiles.reshape(-1, *tiles.shape[2:]), lambda: everything, columns=tiles.shape[1])
    images.save(f"{stem}.png", grid)
    _animate(f"{stem}.webp", samples, lambda rows: preview(rows, lambda: everything))
    log.info("%d walks of step %d, %s parameters: %s.png and .webp", num_images, model.step, kind, stem)
    return f"{stem}.png"


def walks(model: LoadedModel, count: int, seed: int, averaged: bool = True) -> np.ndarray:
    """Samples along walks between latents.

    Args:
        model: The LoadedModel, of a game whose samples depend on latents and labels alone.
        count: Walks.
        seed: Of the latents.
        averaged: Use averaged parameters.

    Returns:
        [count, STEPS + 1, *shape], as the data stores them, both ends of a walk included.
    """
    state, game, key = model.state, model.game, jax.random.key(seed)
    params = state.sampling_params(averaged)
    batch = {"label": np.arange(count, dtype=np.int32) % max(model.modality.facts["classes"], 1)}
    between = build.between(model.recipe)
    assert game.draw is not None  # `run` has checked it.
    ends = jax.device_get(game.draw(key, count))

    @jax.jit
    def generate(latents):
        return model.modality.encode(game.sample(params, state.carry, latents, batch, key))

    def at(place):
        def one(latents):
            return jnp.float32(between(latents, np.roll(latents, -1, axis=0), np.full(count, place)))

        return generate(jax.tree.map(one, ends))

    return np.stack(jax.device_get([at(place) for place in np.linspace(0.0, 1.0, STEPS + 1)]), axis=1)


def _animate(path: str, samples: np.ndarray, preview: Callable[[np.ndarray], np.ndarray]) -> None:
    """All walks at once, there and back; the samples of the ends come once each."""
    order = [*range(STEPS + 1), *range(STEPS - 1, 0, -1)]
    grids = [preview(samples[:, place]) for place in order]
    frames = [Image.fromarray(np.repeat(grid, 3 // grid.shape[-1], axis=-1)) for grid in grids]
    options = dict(save_all=True, append_images=frames[1:], duration=DURATION, loop=0, lossless=True)
    with write_atomically(path, "wb") as file:
        frames[0].save(file, format="WEBP", **options)
