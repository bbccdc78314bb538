"""Neighbours and balls against full matrices of distances in float64, also across blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.metrics import neighbours
from gan_jax.metrics.neighbours import balls_around, nearest, radii

RANDOM = np.random.default_rng(12)
LEFT, RIGHT = RANDOM.normal(size=(57, 9)), 1.1 * RANDOM.normal(size=(83, 9)) + 0.1
SCALES = {"plain": (1.0, 0.0), "offset": (1.0, 1000.0), "large": (1e6, 0.0), "small": (1e-4, 0.01)}


def full(left, right):
    """All squared distances, pair by pair."""
    return np.array([np.sum((x - right) ** 2, axis=1) for x in left])


@pytest.fixture(params=[2048, 20], ids=["one_block", "blocks"])
def block(request, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", request.param)


@pytest.mark.parametrize("scale, offset", SCALES.values(), ids=SCALES)
def test_nearest(block, scale, offset):
    left, right = scale * LEFT + offset, scale * RIGHT + offset
    expected = np.sort(full(left, right), axis=1)
    for count in (1, 4, 83):
        np.testing.assert_array_equal(nearest(left, right, count), expected[:, :count])


@pytest.mark.parametrize("scale, offset", SCALES.values(), ids=SCALES)
def test_radii_leave_the_sample_itself_out(block, scale, offset):
    features = scale * RIGHT + offset
    expected = np.sort(full(features, features), axis=1)
    for k in (1, 3, 82):
        np.testing.assert_array_equal(radii(features, k), expected[:, k])


@pytest.mark.parametrize("scale, offset", SCALES.values(), ids=SCALES)
def test_balls_around(block, scale, offset):
    left, right = scale * LEFT + offset, scale * RIGHT + offset
    reach = np.sort(full(right, right), axis=1)[:, 5]
    inside = full(left, right) <= reach
    assert 0 < inside.sum() < inside.size
    np.testing.assert_array_equal(balls_around(left, right, reach), inside.sum(axis=1))


def test_surfaces_belong_to_balls(block, monkeypatch):
    # Each sample is on the surface of the ball of whoever has it as third neighbour: all ties.
    monkeypatch.setattr(neighbours, "_PART", 100)
    distances = full(RIGHT, RIGHT)
    reach = np.sort(distances, axis=1)[:, 3]
    actual = balls_around(RIGHT, RIGHT, radii(RIGHT, 3))
    np.testing.assert_array_equal(actual, (distances <= reach).sum(axis=1))
    assert actual.sum() == 4 * 83


def test_just_inside_and_just_outside():
    centre, point = np.zeros((1, 2)), np.array([[3.0, 4.0]])
    for radius, expected in ((25.0, 1), (25.0 * (1 + 1e-12), 1), (25.0 * (1 - 1e-12), 0)):
        assert balls_around(point, centre, np.array([radius])).tolist() == [expected]


@pytest.mark.parametrize("constant", [0.0, 0.3, 1e4])
def test_identical_samples_are_exactly_together(block, constant):
    same = np.full((25, 7), constant)
    assert not radii(same, 3).any()
    assert balls_around(same, same, np.zeros(25)).tolist() == [25] * 25
    assert balls_around(same + 1e-3, same, np.zeros(25)).tolist() == [0] * 25


def _clusters(seed, spread, count=30, width=32):
    """Ten clusters at a distance of 30 from 0, their spread the root of the mean squared distance."""
    centres = np.random.default_rng(0).normal(size=(10, width))
    centres *= 30 / np.linalg.norm(centres, axis=1, keepdims=True)
    noise = np.random.default_rng(seed).normal(size=(10 * count, width)) * spread / np.sqrt(width)
    return np.repeat(centres, count, axis=0) + noise


def _far():
    far = LEFT.copy()
    far[3] = 1e9
    return far, RIGHT


HARD = {
    # More samples in a cluster than candidates, nearer than the rounding of float32 and even of float64.
    "clusters": lambda: (_clusters(1, 1e-3), _clusters(2, 1e-3)),
    "tighter": lambda: (_clusters(1, 1e-7), _clusters(2, 1e-7)),
    "unequal": lambda: (_clusters(1, 1e-4), np.concatenate([_clusters(2, 1.0, 3), _clusters(3, 1e-4, 20)])),
    "one_far": _far,
    "one_far_centre": lambda: _far()[::-1],
    "all_far": lambda: (LEFT + 1e9, RIGHT),
    "duplicates": lambda: (np.repeat(LEFT[:20], 15, axis=0), np.repeat(LEFT[5:20], 15, axis=0)),
    "offset": lambda: (1e-3 * _clusters(1, 1e-3) + 1e5, 1e-3 * _clusters(2, 1e-3) + 1e5),
    "wide": lambda: (_clusters(1, 1e-3, 14, 2048), _clusters(2, 1e-3, 14, 2048)),
    "huge": lambda: (1e30 * LEFT, 1e30 * RIGHT),
    "minute": lambda: (1e-30 * LEFT, np.concatenate([1e-30 * RIGHT, np.ones((1, 9))])),
}


@pytest.mark.parametrize("sets", HARD.values(), ids=HARD)
def test_decisions_that_rounding_leaves_open(sets, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", 50)
    monkeypatch.setattr(neighbours, "_PIECE", 100)
    left, right = sets()
    between, within = full(left, right), np.sort(full(right, right), axis=1)
    np.testing.assert_array_equal(nearest(left, right, 4), np.sort(between, axis=1)[:, :4])
    np.testing.assert_array_equal(radii(right, 3), within[:, 3])
    inside = (between <= within[:, 3]).sum(axis=1)
    np.testing.assert_array_equal(balls_around(left, right, within[:, 3]), inside)


def test_hardly_any_ordinary_pair_needs_differences(monkeypatch):
    left, right = np.random.default_rng(3).normal(size=(2, 500, 64))
    pairs, squares = [], neighbours._squares

    def counted(features, others, row, column):
        pairs.append(len(row))
        return squares(features, others, row, column)

    monkeypatch.setattr(neighbours, "_squares", counted)
    assert balls_around(left, right, radii(right, 3)).any() and sum(pairs) < 100


def test_order_that_float32_confuses():
    # Five clusters 1000 from the middle, within them distances of about 0.001: far below rounding.
    random = np.random.default_rng(2)
    features = np.repeat(1000.0 * np.eye(5), 6, axis=0) + 1e-3 * random.normal(size=(30, 5))
    expected = np.sort(full(features, features), axis=1)
    for k in (1, 2, 5):
        np.testing.assert_array_equal(radii(features, k), expected[:, k])


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 30), st.integers(2, 12), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_grids_full_of_ties(count, others, width, seed):
    random = np.random.default_rng(seed)
    left = random.integers(0, 3, size=(count, width)).astype(float)
    right = random.integers(0, 3, size=(others, width)).astype(float)
    np.testing.assert_array_equal(nearest(left, right, 2), np.sort(full(left, right), axis=1)[:, :2])
    reach = np.sort(full(right, right), axis=1)[:, 1]
    np.testing.assert_array_equal(balls_around(left, right, reach), (full(left, right) <= reach).sum(axis=1))
