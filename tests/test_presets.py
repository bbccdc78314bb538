"""Presets are traced, their numbers are the authors', and their networks have the papers' parameters."""

import glob
import math
import os
import runpy

import jax
import numpy as np
import pytest
import sources

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.names import schedule

ROOT = os.path.join(os.path.dirname(__file__), "..", "configs", "presets")
R3GAN = {
    # Gamma, probability of augmentations, half-life, batch, images of the schedules: the authors' train.py.
    "r3gan_cifar10": (0.05, 0.55, 5e6, 512, 2e7),
    "r3gan_ffhq64": (2.0, 0.3, 5e5, 256, 2e7),
    "r3gan_ffhq256": (150.0, 0.3, 5e5, 256, 2e7),
    "r3gan_imagenet32": (0.5, 0.5, 5e7, 4096, 2e8),
    "r3gan_imagenet64": (1.0, 0.4, 5e7, 4096, 2e8),
}
# Pixels, classes, and parameters of both players.
SIZES = {
    "biggan_128": (128, 1000, 70_433_988, 87_982_370),
    "biggan_cifar10": (32, 10, 4_304_387, 4_207_361),
    "progressive_256": (256, 0, 23_044_309, 23_052_353),
    "r3gan_cifar10": (32, 10, 20_781_952, 21_280_512),
    "r3gan_ffhq64": (64, 0, 22_429_824, 22_381_440),
    "r3gan_ffhq256": (256, 0, 23_057_952, 23_009_568),
    "r3gan_imagenet32": (32, 1000, 82_914_304, 86_548_992),
    "r3gan_imagenet64": (64, 1000, 103_570_432, 107_205_120),
}


def _recipe(name, *data):
    return runpy.run_path(os.path.join(ROOT, f"{name}.py"))["get_config"](*data)


def test_all_presets_are_here():
    assert {os.path.basename(path)[:-3] for path in glob.glob(os.path.join(ROOT, "*.py"))} == set(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_the_first_state_has_the_papers_parameters(name):
    recipe = _recipe(name)
    recipe_lib.validate(recipe)
    pixels, classes, *counts = SIZES[name]
    assert recipe.data["resolution"] in (0, pixels) and recipe.data["flip"]
    modality = sources.modality(pixels, channels=3, classes=classes)
    train_spec = build.train_spec(recipe, modality)
    state = jax.eval_shape(build.start(train_spec, modality, 2), jax.random.key(0))
    traced = [
        sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(state.params[player]))
        for player in ("generator", "discriminator")
    ]
    assert traced == counts
    plain = recipe_lib.to_dict(recipe)
    assert recipe_lib.to_dict(recipe_lib.from_dict(plain)) == plain


@pytest.mark.parametrize("name", R3GAN)
def test_schedules_of_r3gan_are_half_cosines_and_then_held(name):
    recipe = _recipe(name)
    gamma, augment, half_life, batch_size, images = R3GAN[name]
    assert recipe.batch_size == batch_size and not recipe.share_batches
    for value, start, end in [
        (recipe.losses["discriminator"]["r1"]["weight"], gamma, gamma / 10),
        (recipe.losses["discriminator"]["r2"]["weight"], gamma, gamma / 10),
        (recipe.optimizers["generator"]["adam"]["learning_rate"], 2e-4, 5e-5),
        (recipe.optimizers["discriminator"]["adam"]["b2"], 0.9, 0.99),
        (recipe.game["augment"]["scheduled"]["p"], 0.0, augment),
        (recipe.average["generator"]["half_life"], 0.0, half_life),
    ]:
        at = schedule(value, "schedule")
        for share in (0.0, 0.25, 0.5, 1.0, 3.0):
            expected = end + (start - end) * (1 + np.cos(np.pi * min(share, 1))) / 2
            step = np.int32(round(share * images / batch_size))
            np.testing.assert_allclose(at(step), expected, rtol=1e-3, atol=2e-6 * max(end, 1.0))


@pytest.mark.parametrize("name", SIZES)
def test_short_and_with_its_source(name):
    with open(os.path.join(ROOT, f"{name}.py")) as file:
        text = file.read()
    assert len(text.splitlines()) <= 80 and "arXiv:" in text
    assert f"--config=configs/presets/{name}.py" in text
    assert _recipe(name, "mnist").data["name"] == "mnist"
