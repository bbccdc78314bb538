"""A GAN of points from training to evaluation, and a perfect sampler through the same evaluator."""

import os

import numpy as np
import pytest
from PIL import Image

from gan_jax import data
from gan_jax.checkpoints import checkpoint
from gan_jax.evaluation import reports
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.features import named
from gan_jax.sampling import interpolate, samples
from gan_jax.training import report, train

pytestmark = pytest.mark.usefixtures("without_curves")


def _toy(tiny, **changes):
    fields = dict(
        data=dict(name="grid", side=3, resolution=0, size=1000),
        nets=dict(
            generator=dict(name="points.Generator", widths=(16,)),
            discriminator=dict(name="points.Discriminator", widths=(8,), pieces=2),
        ),
        average={},
        eval_every=5,
        eval_metrics=dict(captured_modes={}, uniform_modes_kl={}),
        eval_samples=300,
    )
    return tiny(**{**fields, **changes})


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(_toy(tiny), folder)
    return folder


def test_modes_over_time_come_out_of_a_normal_run(workdir):
    records = report.evaluations(workdir)
    assert [record["step"] for record in records] == [5, 10]
    values = records[-1]["values"]
    assert list(values) == [
        "captured_modes",
        "high_quality",
        "captured_modes_kl",
        "captured_modes_kl_of_perfect",
        "uniform_modes_kl",
        "uniform_modes_kl_of_perfect",
        "modes",
        "modes_kl",
    ]
    assert values["captured_modes"]["real_baseline"] == 9.0
    assert values["high_quality"]["real_baseline"] == pytest.approx(1 - np.exp(-4.5), abs=0.03)
    assert values["uniform_modes_kl_of_perfect"]["value"] == pytest.approx(8 / 600, rel=0.05)
    assert records[-1]["protocol"]["generated"].startswith("300 points")
    # The more modes the better: the first record that has most of them is the best.
    best = max(records, key=lambda record: record["values"]["captured_modes"]["value"])
    assert checkpoint.best_step(workdir) == best["step"]


def test_grids_are_scatter_plots(workdir):
    grid = np.asarray(Image.open(os.path.join(workdir, "grids", "step_0000010.png")))
    assert grid.shape == (500, 500, 3)
    # Some of the real points, in silver.
    assert np.all(grid == 192, axis=-1).any()


def test_samples_are_points_and_are_evaluated_as_such(workdir):
    path = samples.run(workdir, num_images=120, sample_seed=3)
    points = np.load(path)["points"]
    assert points.shape == (120, 1, 1, 2) and points.dtype == np.float32
    assert len(np.unique(points)) > 200 and os.path.exists(path.replace(".npz", ".png"))
    records = reports.of_workdir(workdir, num_images=120, seed=3, metrics=["quick"], step=10)
    found = {name: value["value"] for name, value in records[10]["values"].items()}
    centres = 0.4 * np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)])
    distances = np.linalg.norm(np.float64(points).reshape(120, 1, 2) - centres, axis=-1) / 0.01
    assert found["high_quality"] == np.mean(distances.min(axis=1) < 3)
    assert found["captured_modes"] == len(set(distances.argmin(axis=1)[distances.min(axis=1) < 3]))
    assert found["modes"] == len(set(distances.argmin(axis=1)))
    # Inputs that are pixels are not even offered.
    assert "memorisation" not in found and "nearest_training_distance" in found


def test_walks_are_drawn(workdir):
    path = interpolate.run(workdir, num_images=3)
    assert Image.open(path).size == (500, 500)
    assert Image.open(path.replace(".png", ".webp")).n_frames == 2 * interpolate.STEPS


def test_everything_that_the_points_have(workdir):
    """`all` leaves out metrics that read images, and runs."""
    records = reports.of_workdir(workdir, num_images=100, metrics=["all"], step=10)
    assert "captured_modes" in records[10]["values"] and "multiscale_ssim" not in records[10]["values"]


@pytest.mark.parametrize("toy, modes", [(data.ring, 8), (data.grid, 25)])
def test_a_perfect_sampler_reaches_its_baseline(toy, modes):
    real, fake = toy(size=3000), toy(size=2500, seed=5)
    network = named("classifier", real, real.heldout())
    evaluator = Evaluator(real, real.heldout(), network)
    values = evaluator(select(["captured_modes", "uniform_modes_kl"], (), network), fake)
    assert values["captured_modes"] == {"value": modes, "real_baseline": modes}
    assert values["high_quality"]["value"] == pytest.approx(1 - np.exp(-4.5), abs=0.0105)
    # Chi-squared of K - 1 degrees over 2 N: five standard errors above its mean.
    bound = (modes - 1 + 5 * np.sqrt(2 * (modes - 1))) / 5000
    assert values["uniform_modes_kl"]["value"] < bound and values["uniform_modes_kl"]["real_baseline"] < bound


def test_a_gan_of_points_may_be_conditional(tiny, tmp_path):
    """A conditional GAN of labelled points, from dense layers for images."""
    game = dict(name="gan", latents=dict(name="normal", size=2), condition_on=("label",))
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(8,)),
        discriminator=dict(name="mlp.Discriminator", widths=(8,)),
    )
    metrics = dict(label_agreement={})
    train.run(_toy(tiny, game=game, nets=nets, steps=5, eval_metrics=metrics), str(tmp_path))
    (record,) = report.evaluations(str(tmp_path))
    assert record["values"]["label_agreement"]["real_baseline"] == 1.0


def test_points_without_modes_train(tiny, tmp_path):
    recipe = _toy(
        tiny,
        data=dict(name="swiss_roll", size=500),
        steps=5,
        eval_features="pixels",
        eval_metrics=dict(frechet_distance={}),
    )
    train.run(recipe, str(tmp_path))
    assert report.evaluations(str(tmp_path))[0]["values"]["frechet_distance"]["value"] > 0
