"""Two domains of images without pairs: training draws from each in an order of its own."""

import logging
import os
from typing import Any

import numpy as np

from gan_jax.data import domains, files, listing, pixels
from gan_jax.data.source import Source, of_images, without_labels
from gan_jax.data.tfds import tfds
from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width

log = logging.getLogger("gan_jax")


def joined(name: str, real: Source, source: Source, size: int, **options: Any) -> Source:
    """Two Sources as the parts of one: their rows are not paired.

    Args:
        name: A name for people.
        real: What a game learns to generate.
        source: What it starts from: its `real` becomes `source`, and its labels are left out.
        size: Rows that are read as fixed ones; row i has the i-th of each, and begins again where one is too
            short.
        **options: More attributes of the Source.

    Returns:
        The Source.
    """
    given = _as_source(source)

    def read(rows):
        rows = np.asarray(rows)
        return {**real.read(rows % real.size), **given.read(rows % given.size)}

    joint = real._replace(
        name=name,
        size=size,
        spec={**real.spec, **given.spec},
        facts={**real.facts, "paired": ""},
        read=read,
        heldout=lambda: None,
        identity=", ".join(filter(None, dict.fromkeys([real.identity, source.identity]))),
        parts=(real, given),
    )
    return joint._replace(**options)


def _as_source(source):
    """The Source with `source` in place of `real`, and without labels."""
    bare = without_labels(source)
    return bare._replace(
        spec={"source": bare.spec["real"]},
        read=lambda rows: {"source": bare.read(rows)["real"]},
        classifier=None,
    )


def unpaired(
    *,
    path: str,
    source_path: str = "",
    resolution: Resolution = 0,
    swap: bool = False,
    heldout: float = 0.1,
    heldout_pairs: bool = False,
    background: str = "white",
    data_dir: str | None = None,
) -> Source:
    """Two domains of images without pairs, as for CycleGAN: `source` is given, images like `real` are wanted.

    The layouts are those of `paired`, without images side by side. In training each domain has an order and
    epochs of its own. Held out are `val` or `test` images of both domains, else a share of each: those whose
    names have the smallest hashes, so that images of one name in both domains are held out together.

    Args:
        path: The folder, of both domains or of the targets; or a `cycle_gan/...` set of TFDS, resolution
            given.
        source_path: The folder of the sources, if it is another one.
        resolution: Height and width, pixels, or one number for both: the largest central part of each image
            with that aspect is resized to it. 0 for the images' own size, if all of both domains are of one.
        swap: B is the source.
        heldout: Share of the images of each domain that is held out, in [0, 1), if there is neither `val` nor
            `test`.
        heldout_pairs: Held-out images of one name in both domains belong together, and metrics may compare
            them; training never sees them, nor held-out images without a counterpart.
        background: Colour behind transparent pixels, as in `white` or `#808080`.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        A Source with the entries `real` and `source`. As many rows are held out as the smaller domain has.

    Raises:
        UsageError: No such folder, a layout that is not known, images of different sizes without a
            resolution, or no pairs where `heldout_pairs` says so.
    """
    listing.check_share(heldout)
    pixels.check_background(background)
    folder = os.path.expanduser(path)
    if path.startswith("cycle_gan/") and not os.path.isdir(folder):
        return _of_tfds(path, resolution, swap, background, data_dir)
    found, places = _domains(folder, source_path)
    both = dict(zip(("target", "source"), (found.targets, found.sources)))
    if swap:
        both, places = dict(zip(both, [*both.values()][::-1])), dict(zip(places, [*places.values()][::-1]))
    return _of_folders(folder, both, places, resolution, heldout, heldout_pairs, background)


def _domains(path, source_path):
    """The domains, and the folder of each."""
    names, _ = listing.images(path)
    if source_path:
        other = os.path.expanduser(source_path)
        return domains.apart(listing.images(other)[0], names), {"target": path, "source": other}
    found = domains.found(names)
    if found is None:
        raise UsageError(f"{path}: expected two domains, as {domains.LAYOUTS}; found {listing.some(names)}")
    return found, {"target": path, "source": path}


def _of_folders(path, both, places, resolution, heldout, heldout_pairs, background):
    """The Source of two domains, images by domain."""
    named = {side: _named(images, places[side]) for side, images in both.items()}
    headers = {side: files.headers(places[side], list(named[side].values()), background) for side in both}
    for known in headers.values():
        files.check_sound(known)
    merged = {f"{side}: {name}": each for side in both for name, each in headers[side].items()}
    size = height_and_width(resolution) if resolution else files.common_size(path, merged)
    # Of both domains at once, so that counterparts are held out together.
    found = listing.layout(sorted(set(named["target"]) | set(named["source"])), classes=False, share=heldout)
    splits = {
        split: {side: [found.names[at] for at in rows if found.names[at] in named[side]] for side in both}
        for split, rows in found.splits.items()
    }
    aliases = {"all", "heldout"} - {found.heldout}
    counts = [f"{split} {_counts(of)}" for split, of in splits.items() if split not in aliases]
    log.info("%s: %s", path, "; ".join(counts))
    held = splits.get("heldout")
    for split in ("train", *(("heldout",) if held else ())):
        if not all(splits[split].values()):
            raise UsageError(
                f"{path}: expected images of both domains in {split}, found {_counts(splits[split])}"
            )

    def domain(side, chosen):
        channels = 1 if all(header.grey for header in headers[side].values()) else 3
        paths = [os.path.join(places[side], named[side][name]) for name in chosen]

        def read(rows):
            return {"real": np.stack([files.fitted(paths[at], size, channels, background) for at in rows])}

        digest = listing.digest_of({split: of[side] for split, of in splits.items()})
        name = f"{side}s of {path}"
        return of_images(name, len(paths), (*size, channels), (), read, identity=f"names of files {digest}")

    def of(name, chosen, count, **options):
        real, source = (domain(side, chosen[side]) for side in ("target", "source"))
        facts = {**real.facts, "paired": "heldout" if heldout_pairs else ""}
        return joined(name, real, source, count, facts=facts, **options)

    shown = _pairs_of(path, held) if heldout_pairs else held or {}

    def rest():
        return of(f"{path}, held out", shown, min(map(len, shown.values())), parts=()) if shown else None

    train = splits["train"]
    return of(path, train, len(train["target"]), heldout=rest)


def _named(images, place):
    """Names of files by split and key, as a path."""
    return {
        os.path.join(*filter(None, at)): image.name for at, image in domains.by_key(images, place).items()
    }


def _counts(of):
    return f"{len(of['source']):,} sources, {len(of['target']):,} targets"


def _pairs_of(path, held):
    """Names that are held out of both domains, for both."""
    shared = [name for name in held["target"] if name in set(held["source"])] if held else []
    if not shared:
        raise UsageError(f"{path}: data.heldout_pairs=True: no two held-out images have one name")
    return dict.fromkeys(held, shared)


def _of_tfds(name, resolution, swap, background, data_dir):
    """A set of TFDS with the splits trainA, trainB, testA and testB."""

    def domain(split, side):
        letter = "A" if (side == "source") != swap else "B"
        return tfds(
            name=name, split=f"{split}{letter}", resolution=resolution, classes=False, background=background,
            data_dir=data_dir,
        )  # fmt: skip

    def both(split):
        return domain(split, "target"), domain(split, "source")

    def rest():
        real, source = both("test")
        return joined(f"{name}, held out", real, source, min(real.size, source.size), parts=())

    real, source = both("train")
    return joined(name, real, source, real.size, heldout=rest)
