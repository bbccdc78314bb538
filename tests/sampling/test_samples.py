import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.errors import UsageError
from gan_jax.sampling import samples
from gan_jax.training import train


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(tiny(), folder)
    return folder


def _images(path):
    return np.load(path)["images"]


def test_writes_images_and_their_grid(workdir):
    path = samples.run(workdir, num_images=5)
    images = _images(path)
    assert images.shape == (5, 8, 8, 1) and images.dtype == np.uint8
    grid = np.asarray(Image.open(path.replace(".npz", ".png")))
    assert grid.shape == (22, 32)
    np.testing.assert_array_equal(grid[12:20, 12:20], images[4, ..., 0])


def test_seed_decides_and_more_images_begin_with_the_same(workdir):
    few, many = _images(samples.run(workdir, num_images=3)), _images(samples.run(workdir, num_images=130))
    np.testing.assert_array_equal(many[:3], few)
    assert many.shape[0] == 130 and not np.array_equal(many[:64], many[64:128])
    assert not np.array_equal(_images(samples.run(workdir, num_images=3, sample_seed=1)), few)


def test_no_seed_gives_the_training_grid_again(workdir):
    """The grid of the last step shows other latents than samples of any small seed."""
    grid = np.asarray(Image.open(f"{workdir}/grids/step_0000010.png"))
    for seed in range(4):
        path = samples.run(workdir, num_images=4, sample_seed=seed)
        assert not np.array_equal(np.asarray(Image.open(path.replace(".npz", ".png"))), grid)


def test_checkpoint_and_parameters_can_be_chosen(workdir):
    last, five, live = (
        _images(samples.run(workdir, **options)) for options in ({}, dict(step=5), dict(averaged=False))
    )
    assert not np.array_equal(last, five) and not np.array_equal(last, live)


def test_needs_nothing_but_the_workdir(workdir, tmp_path):
    shutil.copytree(
        workdir, tmp_path / "moved", ignore=shutil.ignore_patterns("grids", "samples", "events*", "*.png")
    )
    np.testing.assert_array_equal(
        _images(samples.run(str(tmp_path / "moved"))), _images(samples.run(workdir))
    )


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(step=7), "step 7 has no checkpoint in .*; these exist: 5, 10"),
        (dict(num_images=0), "num_images=0: expected at least 1"),
        (dict(labels=(1,)), "labels=1: the networks of .* are not conditioned on labels"),
    ],
)
def test_mistakes(workdir, options, message):
    with pytest.raises(UsageError, match=message):
        samples.run(workdir, **options)


def test_empty_workdir(tmp_path):
    with pytest.raises(UsageError, match="holds no checkpoint of a run"):
        samples.run(str(tmp_path))
