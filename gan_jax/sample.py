"""Images from a finished workdir, and the sampler that training's grids use too."""

import logging
import os

import jax
import numpy as np

from gan_jax import build, checkpoint, images, parallel, report
from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError

log = logging.getLogger("gan_jax")

# Images a call; the first n images of a seed do not depend on how many follow.
CHUNK = 64


def sampler(game, facts):
    """A function from a state to images.

    Args:
        game: The Game.
        facts: Dict of `resolution`, `channels` and `classes` of the data.

    Returns:
        Function `(state, key, count, labels=None, averaged=True) -> uint8 [count, H, W, C]`. Labels, int
        [count], are one class a row of the grid unless given.
    """

    @jax.jit
    def chunk(params, carry, key, batch):
        return images.to_uint8(game.sample(params, carry, key, batch, CHUNK))

    def sample(state, key, count, labels=None, averaged=True):
        params = {**state.params, **state.average} if averaged else state.params
        labels = rows_of_classes(count, facts) if labels is None else labels
        chunks = -(-count // CHUNK)
        batches = np.resize(np.asarray(labels, np.int32), (chunks, CHUNK))
        made = [
            chunk(params, state.carry, jax.random.fold_in(key, number), {"labels": batch})
            for number, batch in enumerate(batches)
        ]
        return np.concatenate(jax.device_get(made))[:count]

    return sample


def rows_of_classes(count, facts):
    """Labels that give every row of a grid one class, in turn: int32 [count]."""
    return np.arange(count, dtype=np.int32) // images.columns_of(count) % max(facts["classes"], 1)


def run(workdir, *, num_images=64, sample_seed=0, labels=(), step=None, averaged=True):
    """Writes a grid and an `.npz` of images from a checkpoint of a workdir.

    Args:
        workdir: Folder of a run.
        num_images: How many, at least 1.
        sample_seed: Seed of the latents.
        labels: Classes to ask for, repeated as often as needed; empty for one class a row.
        step: Which checkpoint; None for the newest.
        averaged: Use averaged parameters.

    Returns:
        Path of the `.npz`, which holds `images`, uint8 [N, H, W, C], and `labels`, int32 [N], if the networks
        hear labels. The PNG lies beside it.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, or labels that the model does not know.
    """
    plain, facts = checkpoint.read_recipe(workdir)
    exist = checkpoint.steps(workdir)
    if plain is None or not exist:
        raise UsageError(
            f"{workdir} holds no checkpoint of a run; train one with --config and this --workdir"
        )
    if num_images < 1:
        raise UsageError(f"num_images={num_images}: expected at least 1")
    recipe = recipe_lib.from_dict(plain)
    rules = build.rules(recipe, facts)
    conditional = "labels" in rules.game.hears
    if labels and not conditional:
        raise UsageError(
            f"labels={','.join(map(str, labels))}: the networks of {workdir} are not told labels"
        )
    if any(not 0 <= label < facts["classes"] for label in labels):
        raise UsageError(f"labels={','.join(map(str, labels))}: expected 0 to {facts['classes'] - 1}")
    step = exist[-1] if step is None else step
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    abstract = parallel.abstract(build.start(rules, facts, recipe.batch_size), jax.random.key(0), here)
    state = checkpoint.restore(workdir, abstract, step)
    asked = np.resize(labels, num_images) if labels else rows_of_classes(num_images, facts)
    checkpoint.make_writable(os.path.join(workdir, "samples"))
    made = sampler(rules.game, facts)(state, jax.random.key(sample_seed), num_images, asked, averaged)
    kind = "averaged" if averaged else "live"
    stem = os.path.join(workdir, "samples", f"step_{step:07d}_seed_{sample_seed}_{kind}")
    report.save_grid(f"{stem}.png", made)
    np.savez_compressed(
        f"{stem}.npz", images=made, **({"labels": asked.astype(np.int32)} if conditional else {})
    )
    log.info("%d images of step %d, %s parameters: %s.png and .npz", num_images, step, kind, stem)
    return f"{stem}.npz"
