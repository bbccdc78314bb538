"""A model of a translation as a function from images of any size to images, whole or in tiles.

Images are padded by reflection to what the networks take and never resized. Where the game says how far its
networks see, tiles of one shape give what the whole image gives; where they see the whole image, as with
instance norm, the image is translated whole, and in tiles with a warning if there is too little memory for
that.
"""

import functools
import itertools
import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.runtime import memory
from gan_jax.runtime.chunks import in_chunks
from gan_jax.sampling import tiles
from gan_jax.sampling.loading import LoadedModel
from gan_jax.sampling.samples import GENERATOR, stream

log = logging.getLogger("gan_jax")

# Side of a tile, and what tiles see beyond their part, if nothing else is asked for; pixels of what is given.
TILE, WIDE = 256, 64
# Pixels that neighbours share besides those that the networks need, in which one fades into the other.
FADE = 16
# Pixels of one call, and images of one call at most.
CALL, ROWS = 2**18, 64
# Pixels that become bytes at a time.
PIXELS = 2**18
# Share of the memory that a program may need.
SHARE = 0.5
# Images are padded to one of so many sizes between a power of 2 and the next, so that many share a program.
SIZES = 16


class Way(NamedTuple):
    """What a direction of a model takes and makes.

    Attributes:
        given: Name of the images that it takes: `source`, or `real` backward.
        takes: Names of all entries that it takes: also `mask`, perhaps.
        shape: Height, width and channels of the images that it was trained on.
        channels: Channels of what it makes.
        scale: Pixels of what it makes for each pixel that it takes.
        multiple: Height and width must be multiples of so many pixels.
        radius: How far its networks see on each side, pixels; None if they see all.
    """

    given: str
    takes: tuple[str, ...]
    shape: tuple[int, int, int]
    channels: int
    scale: Fraction
    multiple: int
    radius: int | None


class Translator(NamedTuple):
    """A model as a function of images of any size.

    Attributes:
        way: What it takes and makes.
        check: `(height, width)`: makes ready for images of this size; raises a UsageError if the networks do
            not take them.
        apply: Function from an iterable of images, each a dict by the names in `way.takes` of arrays
            [h, w, C], uint8 or, of a mask, float32, to an iterator of their translations in the same order,
            uint8 [h * scale, w * scale, C]; None for one that is not finite. It reads a few images ahead.
    """

    way: Way
    check: Callable[[int, int], None]
    apply: Callable[[Iterable[Mapping[str, np.ndarray]]], Iterator[np.ndarray | None]]


def way(model: LoadedModel, backward: bool = False) -> Way:
    """What a direction of a model takes and makes.

    Args:
        model: The LoadedModel.
        backward: From images like `real` to images like `source`.

    Returns:
        The Way.

    Raises:
        UsageError: The model translates no images, or not in this direction.
    """
    game, spec, name = model.game, model.modality.spec, model.recipe.game["name"]
    if "source" not in game.conditions or model.modality.unit != "images" or len(spec["source"].shape) != 3:
        raise UsageError(
            f"{model.workdir}: the game {name} translates no images: it has no `source` of images"
        )
    if foreign := set(game.conditions) - {"source", "mask"}:
        raise UsageError(
            f"{model.workdir}: its samples depend on {', '.join(sorted(foreign))} too; only images and masks can be "
            "given"
        )
    if backward and game.backward is None:
        raise UsageError(f"{model.workdir}: the game {name} has no way back; cyclegan has one")
    source, real = spec["source"].shape, spec["real"].shape
    scales = {Fraction(large, small) for large, small in zip(real[:2], source[:2])}
    if len(scales) > 1:
        raise UsageError(f"{model.workdir}: {list(source)} to {list(real)} changes the aspect of images")
    scale = scales.pop()
    if backward:
        source, real, scale = real, source, 1 / scale
    takes = ("real",) if backward else game.conditions
    multiple = math.lcm(game.multiple, scale.denominator)
    return Way("real" if backward else "source", takes, source, real[2], scale, multiple, game.radius)


def translator(
    model: LoadedModel,
    *,
    backward: bool = False,
    averaged: bool = True,
    tile: int | None = None,
    overlap: int | None = None,
    owned: tuple[Any, Any] | None = None,
) -> Translator:
    """A model as a function of images of any size.

    It is the game's `sample`, of one image at a time: what becomes of an image does not depend on others. A
    generator that draws random numbers draws the same ones for every image.

    Args:
        model: The LoadedModel.
        backward: From images like `real` to images like `source`.
        averaged: Use averaged parameters.
        tile: Side of a tile, pixels of what is given, rounded up to a multiple that the networks take. None
            for the whole image if the networks see all of it, else for 256, or less if memory is scarce.
        overlap: Pixels that a tile sees beyond its part on each side, rounded up; None for as many as the
            networks see and 8 more.
        owned: Other parameters and carry by player than the model's own, as from `blend`.

    Returns:
        The Translator.

    Raises:
        UsageError: The model translates no images, or the tile is too small for the overlap.
    """
    here = way(model, backward)
    params, carry = owned or (model.state.sampling_params(averaged), model.state.carry)
    programs = _programs(model, here, params, carry)
    cut = _cutter(here, programs, tile, overlap)
    encode = jax.jit(model.modality.encode)

    def of_pixels(part):
        """float32 [h, w, C] to uint8; a pixel is an image too, and so every size has one program."""
        pixels = part.reshape(-1, 1, 1, part.shape[-1])
        return in_chunks(lambda chunk, start: encode(chunk), pixels, PIXELS).reshape(part.shape)

    def check(height, width):
        rows, columns = cut(height, width)
        programs(rows.size, columns.size)

    def apply(images):
        waiting: deque = deque()

        def pieces():
            for image in images:
                height, width = image[here.given].shape[:2]
                along = cut(height, width)
                waiting.append((height, width, *along))
                yield from _pieces(image, *along)

        made = _made(pieces(), programs)
        for first in made:
            height, width, rows, columns = waiting.popleft()
            rest = itertools.islice(made, len(rows.starts) * len(columns.starts) - 1)
            strips = tiles.blended(itertools.chain([first], rest), rows, columns, here.scale)
            parts, finite = [], True
            for strip in strips:
                finite = finite and bool(np.isfinite(strip).all())
                parts.append(of_pixels(strip))
            size = math.ceil(height * here.scale), math.ceil(width * here.scale)
            yield np.concatenate(parts)[: size[0], : size[1]] if finite else None

    return Translator(here, check, apply)


def _up(number, multiple):
    """The number, rounded up to a multiple."""
    return -(-number // multiple) * multiple


def _programs(model, here, params, carry):
    """A function from height and width to the compiled program of images of this size, which is kept."""
    game, modality = model.game, model.modality
    sample = game.backward if here.given == "real" else game.sample
    key = jax.random.key(0)
    latents = None if game.draw is None else game.draw(key, 1)

    def one(params, carry, image):
        batch = modality.decode({name: entry[None] for name, entry in image.items()})
        return jnp.float32(sample(params, carry, latents, batch, stream(key, GENERATOR))[0])

    def one_by_one(params, carry, images):
        return jax.lax.map(functools.partial(one, params, carry), images)

    # A CPU's cache holds what one tile needs; other devices need many at once.
    every = jax.jit(one_by_one if jax.default_backend() == "cpu" else jax.vmap(one, (None, None, 0)))

    @functools.cache
    def program(height, width):
        count = min(max(CALL // (height * width), 1), ROWS)
        spec = {
            name: jax.ShapeDtypeStruct((count, height, width, entry.shape[-1]), entry.dtype)
            for name, entry in modality.spec.items()
            if name in here.takes
        }
        said = f"{model.workdir}: its networks do not take images of {height} x {width} pixels"
        try:
            made = jax.eval_shape(every, params, carry, spec)
        except Exception as error:  # Networks may raise anything.
            reason = str(error).strip().partition("\n")[0]
            raise UsageError(f"{said} ({reason or type(error).__name__})") from error
        expected = (count, int(height * here.scale), int(width * here.scale), here.channels)
        if made.shape != expected:
            raise UsageError(f"{said}: expected {list(expected[1:])} of them, got {list(made.shape[1:])}")
        compiled = every.lower(params, carry, spec).compile()
        return _Program(count, functools.partial(compiled, params, carry), _needed(compiled))

    return program


class _Program(NamedTuple):
    """A compiled program: images of a call, the function of them, and bytes that it needs besides parameters."""

    images: int
    apply: Callable[[dict[str, np.ndarray]], jax.Array]
    needed: int


def _needed(compiled):
    """Bytes that a program needs for what it computes; 0 if it is not known."""
    known = compiled.memory_analysis()
    return 0 if known is None else known.temp_size_in_bytes + known.output_size_in_bytes


class _Tile(NamedTuple):
    """A tile: its side, what it sees beyond its part, and what of that has no weight; pixels of what is given."""

    size: int
    overlap: int
    margin: int


def _tile(here, tile, overlap):
    """The tile that a user asks for, else the one that the networks need; says if they see more than it has."""
    multiple, radius = here.multiple, here.radius
    local = radius is not None
    wide = _up(overlap if overlap is not None else radius + FADE // 2 if local else WIDE, multiple)
    if tile is not None and overlap is None and not local:
        wide = min(wide, tile // 4 // multiple * multiple)
    size = _up(tile or max(TILE, 4 * wide), multiple)
    if size <= 2 * wide:
        raise UsageError(
            f"tile={tile}: expected more than {2 * wide} pixels, twice the overlap of {wide} on each side"
        )
    enough = local and wide >= radius
    if not enough and (tile is not None or overlap is not None):
        seen = f"{radius} pixels" if local else "the whole image"
        log.warning("tiles see %d pixels beyond their part, the networks %s: seams are possible", wide, seen)
    return _Tile(size, wide, radius if enough else wide // 2)


def _cutter(here, programs, tile, overlap):
    """A function from height and width to the Cuts of an image of this size along both sides."""
    asked, limit = _tile(here, tile, overlap), SHARE * memory.of_device()
    if tile is None and here.radius is None:
        log.info("the networks see the whole image, so every image is translated whole")

    @functools.cache
    def side():
        """Side of a tile: the largest that fits, if no other was asked for."""
        size = asked.size
        while tile is None and programs(size, size).needed > limit:
            smaller = _up(size // 2, here.multiple)
            if smaller <= 2 * asked.overlap or smaller == size:
                break
            size = smaller
        return size

    @functools.cache
    def fits(height, width):
        """Can an image be translated whole?"""
        if programs(height, width).needed <= limit:
            return True
        log.warning(
            "an image of %d x %d pixels is translated in tiles, for the lack of memory, and its networks see the "
            "whole image: seams are possible", height, width,
        )  # fmt: skip
        return False

    def cut(height, width):
        sides = [_padded(side, trained, here.multiple) for side, trained in zip((height, width), here.shape)]
        if tile is None and (fits(*sides) if here.radius is None else max(sides) <= asked.size):
            return tuple(map(tiles.Cuts, sides))
        return tuple(tiles.cuts(length, min(length, side()), asked.overlap, asked.margin) for length in sides)

    return cut


def _padded(length, trained, multiple):
    """What a side of an image is padded to: no more than needed if it was trained on, else one of few sizes."""
    if length == trained:
        return _up(length, multiple)
    grain = max(1, (1 << length.bit_length() - 1) // SIZES)
    return _up(_up(length, grain), multiple)


def _pieces(image, rows, columns):
    """The tiles of an image, row by row, each a dict of its entries."""
    height, width = next(iter(image.values())).shape[:2]
    edges = ((0, rows.length - height), (0, columns.length - width), (0, 0))
    padded = {name: np.pad(entry, edges, "reflect") for name, entry in image.items()}
    for top, left in itertools.product(rows.starts, columns.starts):
        yield {
            name: entry[top : top + rows.size, left : left + columns.size] for name, entry in padded.items()
        }


def _made(pieces, programs):
    """What becomes of tiles, in their order: those of one shape that follow each other go in calls together."""

    def shape(piece):
        return next(iter(piece.values())).shape[:2]

    for (height, width), alike in itertools.groupby(pieces, shape):
        program = programs(height, width)
        while batch := list(itertools.islice(alike, program.images)):
            full = [*batch, *[batch[0]] * (program.images - len(batch))]
            stacked = {name: np.stack([piece[name] for piece in full]) for name in batch[0]}
            yield from np.asarray(program.apply(stacked))[: len(batch)]
