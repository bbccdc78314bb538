"""Pairs of images, a source and its target: in folders of all usual layouts, or side by side in one file."""

import logging
import math
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_jax.data import domains, files, listing, patches, pixels
from gan_jax.data.files import Header
from gan_jax.data.source import Source, row
from gan_jax.errors import UsageError, unknown
from gan_jax.images import Resolution, height_and_width

log = logging.getLogger("gan_jax")


class _Pair(NamedTuple):
    """The files of a pair; of one side by side, the same file twice."""

    source: str
    target: str


class _Sizes(NamedTuple):
    """Height and width of each target, by name, and how many of its pixels one of the source is wide."""

    of: dict[str, tuple[int, int]]
    scale: int


def paired(
    *,
    path: str,
    source_path: str = "",
    split: str = "train",
    resolution: Resolution = 0,
    patch: int = 0,
    stride: int = 0,
    swap: bool = False,
    side_by_side: bool = False,
    heldout: float = 0.1,
    background: str = "white",
) -> Source:
    """Pairs of images in a folder: `source` is given, `real` is wanted.

    Pairs are matched by their names: their paths without the words for split and side, the scale of a small
    image, and the ending. One line of the log counts those without a counterpart. These layouts are known,
    with `val` and `test` beside `train`, and upper case or not:

    - `trainA` and `trainB`; `A/train` and `B/train`; `train/A` and `train/B`; `A` and `B`. A is the source.
    - `LR` and `HR` (or `source` and `target`, `input` and `output`) for A and B, also inside longer names, as
      in `DIV2K_train_LR_bicubic/X2`; or at the end of files' names, as in `1_LR.png` and `1_HR.png`.
    - Both images side by side in one file twice as wide as high, the left one is the source.
    - `source_path` and `path`: a folder of sources and one of targets.

    Images look as viewers show them, as in `folder`. A source may be a whole number of times smaller than its
    target.

    Args:
        path: The folder, of both domains or of the targets.
        source_path: The folder of the sources, if it is another one.
        split: `train`, `validation`, `test`, `heldout` or `all`.
        resolution: Height and width of `real`, pixels, or one number for both: the largest central part of
            each image with that aspect is resized to it, and that of the source alike. 0 for the images' own
            size, if all are of one.
        patch: Cut pairs of any size into patches of this height and width of `real` instead, pixels; 0 for
            no.
        stride: From one patch to the next, pixels; 0 for half a patch.
        swap: B is the source, and of images side by side the right one.
        side_by_side: Both images are in one file, whatever its aspect.
        heldout: Share of the pairs that is held out, in [0, 1), if there is neither `val` nor `test`.
        background: Colour behind transparent pixels, as in `white` or `#808080`.

    Returns:
        A Source with the entries `source` and `real`. Its `read` raises a UsageError that names a corrupt
        file.

    Raises:
        UsageError: No such folder, a layout that is not known, no pair in it, sizes that do not fit together,
            no such split, or images of different sizes without a resolution or patches.
    """
    listing.check_share(heldout)
    pixels.check_background(background)
    pairs, left = _pairs(path, source_path, side_by_side)
    pairs = {name: _Pair(*pair[::-1]) if swap else pair for name, pair in pairs.items()}
    headers = files.headers("", sorted({file for pair in pairs.values() for file in pair}), background)
    files.check_sound(headers)
    found = listing.layout(list(pairs), classes=False, share=heldout)
    split = listing.SPLITS.get(split, split)
    if split not in found.splits:
        raise unknown("data.split", split, found.splits)
    halves = any(pair.source == pair.target for pair in pairs.values())
    sizes = _sizes(pairs, {name: _half(header) for name, header in headers.items()} if halves else headers)
    channels = [
        1 if all(headers[getattr(pair, side)].grey for pair in pairs.values()) else 3
        for side in _Pair._fields
    ]
    log.info("%s: %s%s", path, listing.counted(found, "pairs"), listing.without(found.left_out | left))

    def images(name):
        return _images(pairs[name], sizes.of[name], sizes.scale, channels, swap, background)

    cut = _cutter(path, images, sizes, channels, resolution, patch, stride or max(1, patch // 2))

    def of(split, heldout):
        size, shape, read = cut([found.names[at] for at in found.splits[split]], split)
        small = (shape[0] // sizes.scale, shape[1] // sizes.scale, channels[0])
        return Source(
            name=path if split == "train" else f"{path}, {split}",
            size=size,
            spec={"real": row((*shape, channels[1]), np.uint8), "source": row(small, np.uint8)},
            facts={"modality": "images", "class_names": (), "paired": "all"},
            read=read,
            heldout=heldout,
            identity=f"names of files {listing.digest(found)}",
        )

    rest = found.heldout if split == "train" else ""
    return of(split, lambda: of(rest, lambda: None) if rest else None)


def _pairs(path, source_path, side_by_side):
    """Pairs by a name that begins with their split, and what is left out by reason."""
    path = os.path.expanduser(path)
    names, left = listing.images(path)
    source = os.path.expanduser(source_path) or path
    known = None if side_by_side else domains.found(names)
    if source_path:
        known = domains.apart(listing.images(source)[0], names)
    if known is None:
        _check_side_by_side(path, names, side_by_side)
        return {name: _Pair(*[os.path.join(path, name)] * 2) for name in names}, left
    sources, targets = domains.by_key(known.sources, source), domains.by_key(known.targets, path)
    both = [at for at in targets if at in sources]
    alone = domains.unmatched(
        [image.name for at, image in sources.items() if at not in targets],
        [image.name for at, image in targets.items() if at not in sources],
    )
    if not both:
        raise UsageError(f"{path}: no source has a target of the same name; {alone}")
    if alone:
        log.warning("%s: left out %s", path, alone)
    pairs = {
        os.path.join(*filter(None, at)): _Pair(
            os.path.join(source, sources[at].name), os.path.join(path, targets[at].name)
        )
        for at in both
    }
    return dict(sorted(pairs.items())), {
        **left,
        **({"of neither domain": known.others} if known.others else {}),
    }


def _check_side_by_side(path, names, insisted):
    """Files hold two images if all are twice as wide as high, or if the recipe says so."""
    for name, header in files.headers(path, names).items():
        height, width = header.size
        if not header.flaw and (width % 2 or not insisted and width != 2 * height):
            raise UsageError(
                f"{path}: expected two domains, as {domains.LAYOUTS}; or both images of a pair side by side in "
                "files of an even width, twice as wide as high unless data.side_by_side=True; "
                f"{name} has {width} x {height}"
            )


def _half(header: Header) -> Header:
    """The header of half of an image."""
    return header._replace(size=(header.size[0], header.size[1] // 2))


def _sizes(pairs: Mapping[str, _Pair], headers: Mapping[str, Header]) -> _Sizes:
    """The sizes of targets; what is left of a division by the scale is cut off."""
    scales: dict[str, int] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for name, pair in pairs.items():
        (height, width), (low, narrow) = headers[pair.target].size, headers[pair.source].size
        scale = max(1, min(height // low, width // narrow))
        fits = 0 <= height - scale * low < scale and 0 <= width - scale * narrow < scale
        first = next(iter(scales), name)
        if not fits or scale != scales.setdefault(name, scale) or scale != scales[first]:
            raise UsageError(
                f"{pair.target} has {width} x {height} pixels and {pair.source} {narrow} x {low}: expected "
                + (f"{scales[first]} times as many" if name != first else "a whole number of times as many")
                + ", as of all pairs"
            )
        sizes[name] = (scale * low, scale * narrow)
    return _Sizes(sizes, next(iter(scales.values())))


def _images(pair, size, scale, channels, swap, background):
    """Both images of a pair, uint8 [H, W, C], the target cut to a multiple of the source."""
    if pair.source == pair.target:
        both = files.whole(pair.source, max(channels), background)
        left, right = both[:, : both.shape[1] // 2], both[:, both.shape[1] // 2 :]
        source, target = (right, left) if swap else (left, right)
    else:
        source, target = (
            files.whole(file, count, background) for file, count in zip(pair, channels, strict=True)
        )
    height, width = size
    return {"real": target[:height, :width], "source": source[: height // scale, : width // scale]}


def _cutter(
    path: str,
    images: Callable[[str], dict[str, np.ndarray]],
    sizes: _Sizes,
    channels: list[int],
    resolution: Resolution,
    patch: int,
    stride: int,
) -> Callable[..., tuple[int, tuple[int, int], Callable]]:
    """Function from names and their split to the number of rows, the shape of `real`, and `read`."""
    scale = sizes.scale
    if patch and (resolution or patch % scale or stride % scale):
        raise UsageError(
            f"data.patch={patch}, stride={stride}: expected multiples of the scale {scale} and no resolution"
        )
    if patch:
        return lambda names, split: _in_patches(
            path, names, images, sizes, channels, patch, stride if split == "train" else patch
        )
    shape = height_and_width(resolution) if resolution else _common(path, sizes.of)
    if shape[0] % scale or shape[1] % scale:
        raise UsageError(
            f"data.resolution={resolution}: expected a multiple of {scale}, by which sources are smaller"
        )
    small = (shape[0] // scale, shape[1] // scale)

    def of(names, split):
        def read(rows):
            both = [images(names[at]) for at in rows]
            return {
                name: np.stack([_fitted(each[name], wanted) for each in both])
                for name, wanted in (("real", shape), ("source", small))
            }

        return len(names), shape, read

    return of


def _in_patches(path, names, images, sizes, channels, patch, stride):
    """As a cutter returns it, of patches."""
    places = patches.on_grid([(0, 0, *sizes.of[name]) for name in names], patch, stride)
    if not len(places):
        raise UsageError(f"{path}: no pair of {patch} x {patch} pixels or more, the size of data.patch")
    decoded = [math.prod(sizes.of[name]) * sum(channels) for name in names]
    read = patches.reader(lambda number: images(names[number]), places, patch, decoded)
    return len(places), (patch, patch), read


def _common(path, sizes):
    """The size of all targets."""
    return files.common_size(path, {name: Header(size) for name, size in sizes.items()})


def _fitted(image, size):
    """The central part at a size."""
    shown = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return pixels.fit(shown, size, image.shape[-1])
