"""Holes: pixels that are missing in the source, for inpainting."""

import jax
import jax.numpy as jnp

from gan_jax.degradations.draw import between, pair, uniform, whole
from gan_jax.errors import UsageError
from gan_jax.types import Degradation


def centre_mask(*, share: float = 0.5, fill: float | tuple | None = None) -> Degradation:
    """A hole in the middle.

    Pathak et al. 2016, arXiv:1604.07379, section 4.

    Args:
        share: Height of the hole over that of the image, and the same of widths.
        fill: The hole's level of 0 to 255, or one a channel; None for the mean of the other pixels.

    Returns:
        The Degradation.

    Raises:
        UsageError: A share that is not in (0, 1).
    """
    if not 0 < share < 1:
        raise UsageError(f"data.degrade.centre_mask.share={share}: expected a share of the sides in (0, 1)")

    def hole(key, height, width):
        sides = [max(1, round(share * side)) for side in (height, width)]
        start = [(whole_side - side) // 2 for whole_side, side in zip((height, width), sides)]
        return _box(height, width, start[0], start[1], sides[0], sides[1])

    return _masked(hole, fill)


def box_masks(
    *, count: tuple = (1, 4), share: tuple = (0.15, 0.4), fill: float | tuple | None = None
) -> Degradation:
    """Boxes of random sizes at random places, which may overlap.

    Iizuka et al. 2017, Globally and locally consistent image completion, section 4.1, have one box; as in
    Suvorov et al. 2022, arXiv:2109.07161, there are several.

    Args:
        count: Pair of the least and the largest number of boxes.
        share: Pair of the least and the largest height of a box over that of the image, and the same of
            widths.
        fill: As for `centre_mask`.

    Returns:
        The Degradation.

    Raises:
        UsageError: No numbers of boxes, or shares that are not in (0, 1).
    """
    _check_count(count, "box_masks.count")
    least, most = pair(share, "data.degrade.box_masks.share")
    if not 0 < least <= most < 1:
        raise UsageError(f"data.degrade.box_masks.share={share}: expected a pair of shares in (0, 1)")

    def hole(key, height, width):
        u = uniform(key, 4 * count[1] + 1)

        def box(u):
            high, wide = (
                jnp.maximum(1, jnp.round(between(part, share) * side))
                for part, side in zip(u, (height, width))
            )
            return _box(
                height, width, whole(u[2], 0, height - high), whole(u[3], 0, width - wide), high, wide
            )

        used = jnp.arange(count[1]) < whole(u[-1], *count)
        boxes = jax.vmap(box)(u[:-1].reshape(count[1], 4))
        return jnp.any(boxes & used[:, None, None], axis=0)

    return _masked(hole, fill)


def stroke_masks(
    *,
    count: tuple = (1, 4),
    segments: int = 6,
    width: tuple = (0.05, 0.15),
    length: tuple = (0.1, 0.35),
    fill: float | tuple | None = None,
) -> Degradation:
    """Strokes of a brush that turns to and fro, as a user would draw them.

    Yu et al. 2019, arXiv:1806.03589, appendix A: the mean angle of a turn is two fifths of a circle, and
    every second turn goes back. Sizes are shares of the smaller side of the image, since images are of any
    size.

    Args:
        count: Pair of the least and the largest number of strokes.
        segments: The largest number of straight parts of a stroke; at least half of it are drawn.
        width: Pair of the least and the largest width of a brush.
        length: Pair of the least and the largest length of a straight part.
        fill: As for `centre_mask`.

    Returns:
        The Degradation.

    Raises:
        UsageError: No numbers of strokes, or no pairs.
    """
    _check_count(count, "stroke_masks.count")
    pair(width, "data.degrade.stroke_masks.width")
    pair(length, "data.degrade.stroke_masks.length")
    mean, spread = 2 / 5 * jnp.pi, 2 / 15 * jnp.pi

    def hole(key, height, width_):
        side, rows, columns = min(height, width_), jnp.arange(height)[:, None], jnp.arange(width_)[None, :]

        def stroke(u):
            turn = mean + between(u[4 : 4 + segments], (0, 2 * spread)) - spread
            angle = jnp.where(jnp.arange(segments) % 2 == 0, 2 * jnp.pi - turn, turn)
            far = side * between(u[4 + segments :], length)
            moves = far[:, None] * jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=1)
            start = u[:2] * jnp.array([height, width_])
            ends = jnp.clip(start + jnp.cumsum(moves, axis=0), 0, jnp.array([height - 1, width_ - 1]))
            begins = jnp.concatenate([start[None], ends[:-1]])
            away = jax.vmap(lambda begin, end: _distance(rows, columns, begin, end))(begins, ends)
            used = jnp.arange(segments) < whole(u[2], max(1, segments // 2), segments)
            return jnp.any((away <= side * between(u[3], width) / 2) & used[:, None, None], axis=0)

        u = uniform(key, (4 + 2 * segments) * count[1] + 1)
        used = jnp.arange(count[1]) < whole(u[-1], *count)
        strokes = jax.vmap(stroke)(u[:-1].reshape(count[1], -1))
        return jnp.any(strokes & used[:, None, None], axis=0)

    return _masked(hole, fill)


def _check_count(count, name):
    if len(count) != 2 or not all(isinstance(each, int) for each in count) or not 1 <= count[0] <= count[1]:
        raise UsageError(f"data.degrade.{name}={count}: expected a pair (least, most) of at least 1")


def _box(height, width, top, left, high, wide):
    """Tells which pixels lie in a box, bool [height, width]."""
    rows, columns = jnp.arange(height)[:, None], jnp.arange(width)[None, :]
    return (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)


def _distance(rows, columns, begin, end):
    """Distances of pixels from a straight line between two points, [height, width]."""
    along = end - begin
    share = (rows - begin[0]) * along[0] + (columns - begin[1]) * along[1]
    share = jnp.clip(share / jnp.maximum(jnp.sum(along**2), 1e-6), 0, 1)
    return jnp.hypot(rows - begin[0] - share * along[0], columns - begin[1] - share * along[1])


def _masked(hole, fill):
    """The Degradation that fills a hole, bool [H, W] from `(key, height, width)`."""

    def apply(key: jax.Array, entries: dict) -> dict:
        source = entries["source"]
        mask = hole(key, *source.shape[:2])[..., None].astype(jnp.float32)
        if "mask" in entries:
            mask = jnp.maximum(mask, entries["mask"])
        if fill is None:
            known = jnp.sum(source * (1 - mask), (0, 1)) / jnp.maximum(jnp.sum(1 - mask), 1)
        else:
            known = jnp.asarray(fill, jnp.float32) / 127.5 - 1
        return {**entries, "source": jnp.where(mask > 0, known, source), "mask": mask}

    return Degradation(apply)
