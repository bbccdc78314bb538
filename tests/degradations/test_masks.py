"""Holes: where they are, how large, and what is in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.degradations import box_masks, centre_mask, stroke_masks
from gan_jax.errors import UsageError

IMAGE = np.random.default_rng(0).uniform(-1, 1, (20, 32, 3)).astype(np.float32)


def _many(link, count=40):
    keys = jax.random.split(jax.random.key(0), count)
    return jax.tree.map(
        np.asarray, jax.jit(jax.vmap(lambda key: link(key, {"source": jnp.asarray(IMAGE)})))(keys)
    )


def test_the_centre_is_filled_with_the_mean_of_the_rest():
    made = jax.jit(centre_mask().apply)(jax.random.key(0), {"source": IMAGE})
    expected = np.zeros((20, 32, 1))
    expected[5:15, 8:24] = 1
    np.testing.assert_array_equal(made["mask"], expected)
    known = IMAGE[expected[..., 0] == 0].mean(0)
    np.testing.assert_allclose(made["source"], np.where(expected > 0, known, IMAGE), atol=1e-6)


def test_a_colour_can_be_given_and_holes_add_up():
    grey = jax.jit(centre_mask(share=0.1, fill=255.0).apply)(jax.random.key(0), {"source": IMAGE})
    assert np.all(np.asarray(grey["source"])[np.asarray(grey["mask"])[..., 0] > 0] == 1)
    both = jax.jit(centre_mask(fill=(0.0, 127.5, 255.0)).apply)(jax.random.key(0), grey)
    np.testing.assert_allclose(both["source"][10, 16], [-1, 0, 1], atol=1e-6)
    corner = {"source": IMAGE, "mask": jnp.zeros((20, 32, 1)).at[0, 0].set(1)}
    assert jax.jit(centre_mask().apply)(jax.random.key(0), corner)["mask"][0, 0, 0] == 1


def test_boxes_are_of_the_sizes_asked_for():
    made = _many(box_masks(count=(1, 1), share=(0.2, 0.5)))
    for mask in made["mask"][..., 0]:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        high, wide = len(rows), len(columns)
        assert mask.sum() == high * wide and 4 <= high <= 10 and 6 <= wide <= 16
    tops = {int(np.flatnonzero(mask.any(1))[0]) for mask in made["mask"][..., 0]}
    assert min(tops) <= 2 and max(tops) >= 10
    several = _many(box_masks(count=(3, 5), share=(0.2, 0.2)))["mask"]
    assert several.sum((1, 2, 3)).max() > 4 * 6 and several.sum((1, 2, 3)).max() <= 5 * 4 * 6


def test_strokes_are_as_wide_as_asked_for_and_differ():
    made = _many(stroke_masks(width=(0.1, 0.3)))
    shares = made["mask"].mean((1, 2, 3))
    assert 0.005 < shares.min() and shares.max() < 0.8 and shares.std() > 0.02
    assert len({mask.tobytes() for mask in made["mask"]}) == 40
    hole = made["mask"] > 0
    np.testing.assert_allclose(np.where(hole, 0, made["source"]), np.where(hole, 0, IMAGE), atol=1e-6)
    # A straight stroke is a disc moved along a line: no pixel of it is alone.
    line = _many(stroke_masks(count=(1, 1), segments=1, width=(0.2, 0.2), length=(0.3, 0.3)))["mask"]
    assert np.all(line.sum((1, 2, 3)) < (0.3 * 20 + 5) * 5)


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: centre_mask(share=1.0), "data.degrade.centre_mask.share=1.0: expected a share"),
        (lambda: box_masks(count=(0, 2)), "data.degrade.box_masks.count=.*: expected a pair"),
        (lambda: box_masks(share=(0.5, 1.5)), "box_masks.share=.*: expected a pair of shares"),
        (lambda: stroke_masks(width=(0.3, 0.1)), "stroke_masks.width"),
    ],
)
def test_mistakes_are_one_line(make, says):
    with pytest.raises(UsageError, match=says):
        make()
