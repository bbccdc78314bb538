"""Images that are not squares take the whole road: a folder of files, training, grids, samples, evaluation."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

import gan_jax
from gan_jax.evaluation import reports
from gan_jax.sampling import encode, samples
from gan_jax.training import train

pytestmark = pytest.mark.usefixtures("without_curves")

HEIGHT, WIDTH = 16, 24


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Forty photographs of two classes and several sizes."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(40):
        path = folder / ("ab"[number % 2]) / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        size = (20 + number % 3, 40 - number % 5, 3)
        Image.fromarray(random.integers(0, 256, size, np.uint8)).save(path)
    return str(folder)


NETS = {
    "mlp": dict(
        generator=dict(name="mlp.Generator", widths=(8,)),
        discriminator=dict(name="mlp.Discriminator", widths=(8,)),
    ),
    "dcgan": dict(
        generator=dict(name="dcgan.Generator", width=4),
        discriminator=dict(name="dcgan.Discriminator", width=4),
    ),
}


@pytest.mark.parametrize("nets", NETS)
def test_from_a_folder_to_samples(tiny, photos, tmp_path, nets):
    recipe = tiny(
        data=dict(name="folder", path=photos, resolution=(HEIGHT, WIDTH), flip=True, heldout=0.25),
        game=dict(
            name="gan", latents=dict(name="normal", size=4), condition_on=("label",) if nets == "mlp" else ()
        ),
        nets=NETS[nets], steps=2, checkpoint_every=2, grid_every=2, diagnostics_every=2, eval_every=2,
        eval_features="pixels", eval_samples=20,
    )  # fmt: skip
    train.run(recipe, str(tmp_path))
    grid = Image.open(tmp_path / "grids" / "step_0000002.png")
    assert grid.size == (2 * (4 * WIDTH + 2) + 2, 2 * (4 * HEIGHT + 2) + 2)  # 2 x 2 tiles with lines.
    images = np.load(samples.run(str(tmp_path), num_images=3))["images"]
    assert images.shape == (3, HEIGHT, WIDTH, 3) and images.dtype == np.uint8
    model = gan_jax.load(tmp_path)
    np.testing.assert_array_equal(model.sample(3), images)
    (record,) = reports.of_workdir(str(tmp_path), features_name="pixels", num_images=20, step=2).values()
    assert record["protocol"]["shape"] == [HEIGHT, WIDTH, 3]
    assert np.isfinite(record["values"]["frechet_distance"]["value"])
    with open(tmp_path / "recipe.json") as file:
        stored = json.load(file)
    assert stored["recipe"]["data"]["resolution"] == [HEIGHT, WIDTH]


def test_encoders_take_rectangles(tiny, tmp_path):
    recipe = tiny(
        data=dict(name="digits", resolution=(HEIGHT, WIDTH)),
        game=dict(name="bigan", latents=dict(name="normal", size=4)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=4),
            encoder=dict(name="encoders.Encoder", size=4, width=4),
            discriminator=dict(name="discriminators.PairDiscriminator", width=4),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            **{player: dict(non_saturating_generator=1.0) for player in ("generator", "encoder")},
        ),
        optimizers={
            player: dict(adam=dict(learning_rate=1e-3)) for player in ("discriminator", "generator", "encoder")
        },
        updates=dict(discriminator=1, generator=1, encoder=1),
        steps=2, checkpoint_every=2, grid_every=2,
    )  # fmt: skip
    train.run(recipe, str(tmp_path))
    codes = np.load(encode.run(str(tmp_path)))["codes"]
    assert codes.shape == (500, 4)
    assert Image.open(tmp_path / "grids" / "step_0000002.png").size == (
        2 * (4 * WIDTH + 2) + 2,
        2 * (4 * HEIGHT + 2) + 2,
    )


def test_a_model_is_a_pure_function(tiny, photos, tmp_path):
    recipe = tiny(data=dict(name="folder", path=photos, resolution=(8, 12)), steps=1, checkpoint_every=1)
    model = gan_jax.train(recipe, tmp_path)
    latents = model.latents(2, seed=3)
    images = jax.jit(model.generator)(latents)
    assert images.shape == (2, 8, 12, 3) and np.abs(images).max() <= 1
    slope = jax.grad(lambda latents: model.generator(latents).sum())(latents)
    assert slope.shape == latents.shape and np.any(slope != 0)
