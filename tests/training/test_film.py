"""The film of a run's grids."""

import os

import numpy as np
import pytest
from PIL import Image

from gan_jax import images
from gan_jax.training import film as film_lib
from gan_jax.training.film import film


def _grid(folder, step, shade, side=8):
    images.save(folder / f"step_{step:07d}.png", np.full((side, side, 1), shade, np.uint8))


def _shades(path):
    """The brightness of each frame."""
    with Image.open(path) as shown:
        frames = range(shown.n_frames)
        return [(shown.seek(frame), np.asarray(shown.convert("RGB")).mean())[1] for frame in frames]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "grids"


def test_grids_follow_each_other_by_step(folder, tmp_path):
    for step, shade in ((20_000_000, 240), (500, 30), (1000, 120)):
        _grid(folder, step, shade)
    images.save(folder / "real.png", np.full((8, 8, 1), 77, np.uint8))
    film(str(folder), 20_000_000, str(tmp_path / "film.webp"))
    np.testing.assert_allclose(_shades(tmp_path / "film.webp"), [30, 120, 240], atol=3)


def test_grids_of_later_steps_are_no_part_of_it(folder, tmp_path):
    for step in range(1, 6):
        _grid(folder, step, 40 * step)
    film(str(folder), 3, str(tmp_path / "film.webp"))
    np.testing.assert_allclose(_shades(tmp_path / "film.webp"), [40, 80, 120], atol=3)


def test_a_long_run_has_sixty_frames_from_the_first_grid_to_the_last(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(film_lib, "FRAMES", 4)
    for step in range(1, 11):
        _grid(folder, step, 20 * step)
    film(str(folder), 10, str(tmp_path / "film.webp"))
    # 0, 3, 6 and 9 of ten.
    np.testing.assert_allclose(_shades(tmp_path / "film.webp"), [20, 80, 140, 200], atol=3)


def test_large_grids_are_made_smaller(folder, tmp_path):
    for step in (1, 2):
        _grid(folder, step, 100 * step, side=1500)
    film(str(folder), 2, str(tmp_path / "film.webp"))
    assert Image.open(tmp_path / "film.webp").size == (1024, 1024)


def test_a_file_that_a_kill_cut_short_is_left_out(folder, tmp_path):
    for step in (1, 2, 3):
        _grid(folder, step, 60 * step)
    whole = (folder / "step_0000002.png").read_bytes()
    (folder / "step_0000002.png").write_bytes(whole[: len(whole) // 2])
    film(str(folder), 3, str(tmp_path / "film.webp"))
    np.testing.assert_allclose(_shades(tmp_path / "film.webp"), [60, 180], atol=3)


@pytest.mark.parametrize("steps", [(), (5,)])
def test_no_film_of_fewer_than_two_grids(folder, tmp_path, steps):
    for step in steps:
        _grid(folder, step, 100)
    film(str(folder), 10, str(tmp_path / "film.webp"))
    assert not os.path.exists(tmp_path / "film.webp")
