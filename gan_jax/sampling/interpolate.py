"""Walks between latents of a finished run: a grid with a row for each, and an animation of all of them."""

import logging
import os

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax import build, images
from gan_jax.errors import UsageError
from gan_jax.runtime import folders
from gan_jax.sampling import loading

log = logging.getLogger("gan_jax")

# Steps of a walk in the animation; the grid shows every second.
STEPS = 16
# Of an animation's images, milliseconds.
DURATION = 60


def run(workdir, *, num_images=8, sample_seed=0, step=None, averaged=True):
    """Writes walks between latents as a grid and as an animated WebP that goes there and back for ever.

    Each latent goes to the next one, the last to the first; latents of a normal distribution on great
    circles, others straight. With classes the first row is class 0, the second class 1, and so on.

    Args:
        workdir: Folder of a run.
        num_images: Latents, and so walks; at least 2.
        sample_seed: Seed of the latents.
        step: Which checkpoint: rounds played, `best`, or None for the newest.
        averaged: Use averaged parameters.

    Returns:
        Path of the PNG, a walk a row; the WebP lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, or too few images.
    """
    if num_images < 2:
        raise UsageError(f"num_images={num_images}: expected at least 2 latents to walk between")
    model = loading.load(workdir, step)
    made = walks(model, num_images, sample_seed, averaged)
    folders.make_writable(os.path.join(workdir, "samples"))
    kind = "averaged" if averaged else "live"
    stem = os.path.join(workdir, "samples", f"walk_{model.step:07d}_seed_{sample_seed}_{kind}")
    picture, shown = build.kind(model.facts).picture, made[:, ::2]
    everywhere = made.reshape(-1, *made.shape[2:])
    tiled = picture(shown.reshape(-1, *shown.shape[2:]), lambda: everywhere, columns=shown.shape[1])
    images.save(f"{stem}.png", tiled)
    _animate(f"{stem}.webp", made, lambda rows: picture(rows, lambda: everywhere))
    log.info("%d walks of step %d, %s parameters: %s.png and .webp", num_images, model.step, kind, stem)
    return f"{stem}.png"


def walks(model, count, seed, averaged=True):
    """Images along walks between latents.

    Args:
        model: The LoadedModel.
        count: Walks.
        seed: Of the latents.
        averaged: Use averaged parameters.

    Returns:
        [count, STEPS + 1, H, W, C], as the data's kind keeps them, the ends of a walk included.
    """
    state, game, key = model.state, model.train_spec.game, jax.random.key(seed)
    params = {**state.params, **state.average} if averaged else state.params
    batch = {"labels": np.arange(count, dtype=np.int32) % max(model.facts["classes"], 1)}
    between = build.between(model.recipe)
    ends, keep = jax.device_get(game.draw(key, count)), build.kind(model.facts).keep

    @jax.jit
    def generate(latents):
        return keep(game.sample(params, state.carry, latents, batch, key))

    def at(place):
        def one(latents):
            return jnp.float32(between(latents, np.roll(latents, -1, axis=0), np.full(count, place)))

        return generate(jax.tree.map(one, ends))

    return np.stack(jax.device_get([at(place) for place in np.linspace(0.0, 1.0, STEPS + 1)]), axis=1)


def _animate(path, made, picture):
    """All walks at once, there and back; the images of the ends come once each."""
    order = [*range(STEPS + 1), *range(STEPS - 1, 0, -1)]
    tiled = [picture(made[:, place]) for place in order]
    frames = [Image.fromarray(np.repeat(tile, 3 // tile.shape[-1], axis=-1)) for tile in tiled]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=DURATION, loop=0, lossless=True)
