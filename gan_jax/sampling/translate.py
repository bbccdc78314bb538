"""Files of images through a translation: a PNG for each, of any size, under its own name."""

import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageColor

from gan_jax.data import listing, pixels
from gan_jax.data.files import opened
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import folders, memory, progress
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading, translating
from gan_jax.sampling.loading import LoadedModel
from gan_jax.sampling.translating import Translator, Way

log = logging.getLogger("gan_jax")

# Share of the first of two models whose parameters are blended: as in the demonstration of ESRGAN.
SHARE = 0.8
_ADVICE = "a smaller --tile needs less; the files that were written are kept"
# Opacity from which on a pixel is known, and brightness from which on a mask is a hole.
_HALF = 128


def run(
    workdir: str,
    *,
    input: str | None,
    output: str | None,
    backward: bool = False,
    mask: str | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    blend_with: str | None = None,
    share: float = SHARE,
    step: int | str | None = None,
    averaged: bool = True,
    trust: bool = False,
) -> str:
    """Translates image files with a workdir's checkpoint.

    Every image becomes a PNG, also below folders, and each file is replaced whole or not at all. A file that
    cannot be translated is named, and the others go on.

    Args:
        workdir: Folder of a run whose game translates images.
        input: A file, or a folder of images, with the folders below it.
        output: Folder for the results, made if it does not exist.
        backward: From images like `real` to images like `source`.
        mask: For runs that fill holes: an image that is white where the holes are, for all files, or a folder
            with one for each, of its name. None for the transparent pixels of each image.
        tile: Side of a tile, pixels; as for `translating.translator`.
        overlap: Pixels that a tile sees beyond its part on each side; as for `translating.translator`.
        blend_with: Workdir of another run of the same networks, with whose parameters the model's are
            blended.
        share: This model's share of the parameters then, in [0, 1].
        step: Steps taken, `best`, or None for the newest checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.

    Returns:
        The folder.

    Raises:
        UsageError: No such input, run or checkpoint, no translation of images, a folder that cannot be
            written, or networks that cannot be blended.
        Fault: Files could not be translated; all others have been.
    """
    names, places, left = _files(input, output, mask)
    model = loading.load(workdir, step, trust=trust)
    other = loading.load(blend_with, trust=trust) if blend_with else None
    made = _translator(model, other, share, backward=backward, averaged=averaged, tile=tile, overlap=overlap)
    reader = _Reader(made, **_seen_in_training(model), mask=_mask_of(made.way, mask))
    for why, others in left.items():
        log.info("%s: left out: %d %s", input, len(others), why)
    flaws: dict[str, str] = {}
    begun, replaced, notes = time.monotonic(), 0, Counter[str]()

    def pictures():
        for name in progress.shown(names, len(names), "translate", "file"):
            try:
                yield name, reader.file(names[name], name, notes)
            except UsageError as error:
                flaws[name] = str(error)
                log.error("%s", error)

    with memory.exhaustion_as_fault(_ADVICE):
        for name, picture in _translated(made, reader.background, pictures()):
            if picture is None:
                flaws[name] = f"{names[name]}: the networks make numbers of it that are not finite"
                log.error("%s", flaws[name])
                continue
            replaced += os.path.exists(places[name])
            folders.make_writable(os.path.dirname(places[name]))
            with write_atomically(places[name], "wb") as file:
                picture.save(file, "PNG")
    notes["files that were there before are replaced"] = replaced
    _say(model, len(names), flaws, output, time.monotonic() - begun, notes)
    return str(output)


def _say(model, count, flaws, output, seconds, notes):
    """The last line: how many files, and what else a user should know."""
    done = f"{count - len(flaws):,} of {count:,} images translated to {output}"
    extra = [f"{number:,} {what}" for what, number in notes.items() if number]
    if len(flaws) < count:
        said = ", ".join([f"step {model.step}", progress.clock(seconds), memory.summary(), *extra])
        log.info("%s: %s", done, said)
    if flaws:
        raise Fault(f"{done}; not translated: {next(iter(flaws.values()))}{_more(len(flaws) - 1)}")


def _more(count):
    return f", and {count:,} more, named above" if count else ""


def arrays(
    model: LoadedModel,
    images: Sequence[Any],
    *,
    masks: Sequence[Any] | None = None,
    blend_with: LoadedModel | None = None,
    share: float = SHARE,
    **options: Any,
) -> list[np.ndarray]:
    """Translations of images.

    Args:
        model: The LoadedModel.
        images: Arrays uint8 [h, w] or [h, w, C], C 1 to 4 (grey, grey and opacity, colour, colour and
            opacity), of any sizes, or paths of files.
        masks: For models that fill holes: for each image an array [h, w], not 0 in the holes, or a path. None
            for the transparent pixels of each.
        blend_with: A model of the same networks, with whose parameters these are blended.
        share: This model's share of the parameters then, in [0, 1].
        **options: Those of `translating.translator`.

    Returns:
        For each image, uint8 [h * scale, w * scale, C]: what `run` writes.

    Raises:
        UsageError: An image that cannot be read or translated, or no translation of images.
        Fault: Outputs are not finite.
    """
    made = _translator(model, blend_with, share, **options)
    _check_masks(made.way, masks is not None)
    reader = _Reader(made, **_seen_in_training(model))

    def pictures():
        for number, image in enumerate(images):
            mask = None if masks is None else masks[number]
            yield number, reader.given(image, f"images[{number}]", mask)

    results = []
    for number, picture in _translated(made, reader.background, pictures()):
        if picture is None:
            raise Fault(f"images[{number}]: the networks make numbers of it that are not finite")
        array = np.asarray(picture)
        results.append(array if array.ndim == 3 else array[..., None])
    return results


def _translator(model, other, share, *, averaged=True, **options):
    owned = None if other is None else blend(model, other, share, averaged)
    return translating.translator(model, averaged=averaged, owned=owned, **options)


def blend(
    model: LoadedModel, other: LoadedModel, share: float = SHARE, averaged: bool = True
) -> tuple[dict, dict]:
    """Parameters between those of two generators of the same networks.

    Wang et al. 2018, arXiv:1809.00219, section 3.4: between a generator of distances and one of a game lie
    those with some of the errors of the one and some of the artefacts of the other.

    Args:
        model: The LoadedModel.
        other: Another one, often from which this one was trained on.
        share: Share of the first model, in [0, 1].
        averaged: Use averaged parameters.

    Returns:
        Parameters and carry by player: the generator's parameters, and running averages of its networks, are
        `share * model + (1 - share) * other`; everything else is the first model's.

    Raises:
        UsageError: The generators differ in structure, or the share is none.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"share={share}: expected a number in [0, 1]")
    params, others = model.state.sampling_params(averaged), other.state.sampling_params(averaged)
    if "generator" not in params:
        raise UsageError(f"{model.workdir}: no player is a generator, which alone can be blended")
    ours, theirs = _leaves(params["generator"]), _leaves(others.get("generator"))
    for name in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(name), theirs.get(name)
        if np.shape(here) != np.shape(there) or (here is None) != (there is None):
            shapes = [f"{list(array.shape)}" if array is not None else "nothing" for array in (here, there)]
            raise UsageError(
                f"{model.workdir} and {other.workdir} cannot be blended: generator{name} is {' and '.join(shapes)}"
            )

    def mixed(here, there):
        return jnp.asarray(share * np.float32(here) + (1 - share) * np.float32(there), here.dtype)

    running = _leaves(other.state.carry.get("generator"))

    def mixed_if_shared(path, here):
        there = running.get(jax.tree_util.keystr(path))
        alike = (
            there is not None and np.shape(there) == here.shape and jnp.issubdtype(here.dtype, jnp.floating)
        )
        return mixed(here, there) if alike else here

    carry = model.state.carry
    generator = jax.tree.map(mixed, params["generator"], others["generator"])
    own = jax.tree_util.tree_map_with_path(mixed_if_shared, carry["generator"])
    return {**params, "generator": generator}, {**carry, "generator": own}


def _leaves(tree):
    """Arrays of a tree by their path."""
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


class _Picture(NamedTuple):
    """An image that was read: the entries that a way takes, its opacity or None, and whether it is grey."""

    entries: dict[str, np.ndarray]
    alpha: Image.Image | None
    grey: bool


class _Reader(NamedTuple):
    """Reads images as a Translator takes them.

    Attributes:
        made: The Translator.
        background: The colour behind transparent pixels.
        fill: The level of holes, one number or one a channel; None for the mean of the other pixels.
        mask: Function from the name of an image to the path of its mask, or None.
    """

    made: Translator
    background: str = "white"
    fill: float | Sequence[float] | None = None
    mask: Callable[[str], str] | None = None

    def file(self, path: str, name: str, notes: Counter) -> _Picture:
        """An image of a file."""
        mask = None if self.mask is None else self.mask(name)
        return self.given(path, path, mask, notes)

    def given(self, image: Any, name: str, mask: Any, notes: Counter | None = None) -> _Picture:
        """An image of a path or an array."""
        colours, alpha, deep, animated = _opened(image, name)
        if notes is not None:
            notes["had 16 bits a channel, which became 8"] += deep
            notes["are animated: their first frame"] += animated
        hole = None if mask is None else _hole(mask, colours.size, name)
        return self._of(colours, alpha, hole, name)

    def _of(self, colours, alpha, hole, name):
        way = self.made.way
        if "mask" in way.takes and hole is None:
            if alpha is None:
                raise UsageError(f"{name}: the model fills holes: give a mask, or make the hole transparent")
            hole, alpha = np.asarray(alpha) < _HALF, None
        grey = pixels.is_grey(colours)
        seen = pixels.over(colours, alpha, self.background)
        source = np.asarray(seen.convert("L" if way.shape[2] == 1 else "RGB"))
        entries = {way.given: source.reshape(*source.shape[:2], way.shape[2])}
        if hole is not None:
            entries["mask"] = np.asarray(hole).astype(np.float32)[..., None]
            entries[way.given] = filled(entries[way.given], hole, self.fill)
        try:
            self.made.check(*source.shape[:2])
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from error
        return _Picture(entries, alpha, grey and way.channels == way.shape[2] == 3)


def _opened(image, name):
    """Colours and opacity of a path or an array, and whether it has 16 bits a channel, and several frames."""

    def read(image):
        pixels.check_range(image, name)
        animated = image.format not in (None, "MPO") and getattr(image, "is_animated", False)
        deep = pixels.has_sixteen_bits(image)
        return *pixels.apart(image), deep, animated

    if isinstance(image, (str, os.PathLike)):
        return opened(image, read)
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or 0 in array.shape or array.shape[2:] > (4,):
        raise UsageError(
            f"{name}: expected uint8 [h, w] or [h, w, 1 to 4], got {array.dtype} {list(array.shape)}"
        )
    return read(Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array))


def _hole(mask, size, name):
    """Where a mask is white, bool [h, w]."""
    if isinstance(mask, (str, os.PathLike)):
        colours, *_ = _opened(mask, str(mask))
        hole = np.asarray(colours.convert("L")) >= _HALF
    else:
        hole = np.asarray(mask).astype(bool)
        hole = hole[..., 0] if hole.shape[2:] == (1,) else hole
    if hole.shape != size[::-1]:
        raise UsageError(f"{name}: its mask has {list(hole.shape)} pixels, expected {list(size[::-1])}")
    return hole


def _translated(
    made: Translator, background: str, pictures: Iterable[tuple[Any, _Picture]]
) -> Iterator[tuple[Any, Image.Image | None]]:
    """Names and translations of pictures, as PIL images of mode L, LA, RGB or RGBA; None where not finite."""
    waiting: deque = deque()

    def entries():
        for name, picture in pictures:
            waiting.append((name, picture))
            yield picture.entries

    for result in made.apply(entries()):
        name, picture = waiting.popleft()
        yield name, None if result is None else _finished(result, picture, background)


def _finished(result, picture, background):
    """A translation as a PIL image: grey if the original was, and as opaque."""
    image = Image.fromarray(result[..., 0] if result.shape[2] == 1 else result)
    image = image.convert("L") if picture.grey else image
    if picture.alpha is None:
        return image
    alpha = picture.alpha
    if alpha.size != image.size:
        alpha = alpha.resize(image.size, Image.Resampling.BICUBIC)
    image = _uncovered(image, alpha, background)
    image.putalpha(alpha)
    return image


def _uncovered(image, alpha, background):
    """The colours that look like the image when they stand in front of the background with this opacity."""
    share = np.asarray(alpha).astype(np.float32) / 255
    share = share.reshape(*share.shape, *[1] * (image.mode == "RGB"))
    behind = np.array(ImageColor.getcolor(background, image.mode)).astype(np.float32)
    seen = np.asarray(image, np.float32)
    colours = (seen - (1 - share) * behind) / np.where(share > 0, share, 1)
    return Image.fromarray(np.uint8(np.clip(np.round(np.where(share > 0, colours, seen)), 0, 255)))


def _seen_in_training(model):
    """What the run's data shows behind transparent pixels, and in holes."""
    data = model.recipe.data
    fills = [options["fill"] for options in data.get("degrade", {}).values() if "fill" in options]
    return dict(background=data.get("background", "white"), fill=next(iter(fills), None))


def filled(image: np.ndarray, hole: np.ndarray, fill: float | Sequence[float] | None = None) -> np.ndarray:
    """An image whose hole has one colour, as degradations with masks leave it.

    Args:
        image: uint8 [h, w, C].
        hole: bool [h, w].
        fill: The hole's level of 0 to 255, or one a channel; None for the mean of the other pixels.

    Returns:
        uint8 [h, w, C].
    """
    known = image[~hole]
    level = fill if fill is not None else known.mean(0) if len(known) else 127.5
    return np.where(hole[..., None], np.uint8(np.round(level)), image)


def _check_masks(way: Way, given: bool) -> None:
    if given and "mask" not in way.takes:
        raise UsageError("mask: this model fills no holes")


def _mask_of(way, path):
    """A function from the name of an image to the path of its mask; None without masks."""
    _check_masks(way, path is not None)
    if path is None:
        return None
    if not os.path.isdir(path):
        return lambda name: path
    masks = {os.path.splitext(name)[0]: os.path.join(path, name) for name in listing.images(path)[0]}

    def of(name):
        stem = os.path.splitext(name)[0]
        if stem not in masks:
            raise UsageError(f"{name}: {path} has no mask of this name")
        return masks[stem]

    return of


def _files(given, output, mask):
    """Paths of the images by name, paths of what they become, and by reason what is left out."""
    for flag, value in (("input", given), ("output", output)):
        if not value:
            raise UsageError(
                f"--{flag} is missing: {'a file or folder of images' if flag == 'input' else 'a folder'}"
            )
    if mask is not None and not os.path.exists(mask):
        raise UsageError(f"mask={mask}: there is no such file or folder")
    if os.path.isdir(given):
        names, left = _listed(given, output, mask)
        root = given
    elif os.path.exists(given):
        (root, name), left = os.path.split(given), {}
        names = [name]
    else:
        raise UsageError(f"input={given}: there is no such file or folder")
    folders.check_writable(output)
    paths = {name: os.path.join(root, name) for name in names}
    places = {name: os.path.join(output, place) for name, place in zip(names, targets(names))}
    for name, place in places.items():
        if os.path.realpath(place) == os.path.realpath(paths[name]):
            raise UsageError(f"output={output}: {place} would take the place of the image that is translated")
    return paths, places, left


def _listed(given, output, mask):
    """Names of the images in a folder, without results and masks that lie in it too, and what was left out."""
    if os.path.realpath(output) == os.path.realpath(given):
        raise UsageError(f"output={output}: expected another folder than that of the images")
    names, left = listing.images(given)
    for folder in filter(None, (output, mask)):
        own = _inside(folder, given, names)
        names = [name for name in names if name not in own]
        left = {**left, **({f"in {folder}": sorted(own)} if own else {})}
    if not names:
        raise UsageError(f"input={given}: all images in it are results or masks")
    return names, left


def _inside(folder, given, names):
    """Which of the images of a folder lie in a folder inside it."""
    inner, outer = (os.path.join(os.path.realpath(path), "") for path in (folder, given))
    if inner == outer or not inner.startswith(outer):
        return set()
    return {name for name in names if os.path.realpath(os.path.join(given, name)).startswith(inner)}


def targets(names: Sequence[str]) -> list[str]:
    """Names of results: those of the images, with `.png` in place of their endings.

    Args:
        names: Paths of images relative to their folder.

    Returns:
        Paths in the same order. Images that would get one name, such as `a.jpg` and `a.png`, keep their
        endings: `a.jpg.png` and `a.png.png`.
    """
    results = [f"{os.path.splitext(name)[0]}.png" for name in names]
    while True:
        # Some file systems know no difference between small and capital letters.
        counts = Counter(result.lower() for result in results)
        longer = [
            f"{name}.png" if counts[result.lower()] > 1 else result for name, result in zip(names, results)
        ]
        if longer == results:
            return results
        results = longer
