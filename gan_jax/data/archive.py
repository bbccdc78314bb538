"""An .npz or .npy file of images."""

import hashlib
import os

import numpy as np
from PIL import Image

from gan_jax.data.pixels import check_background, fit, is_grey
from gan_jax.data.source import Source, of_images
from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.runtime import memory

# Names of images and labels: those of this package's samples, written out, or those that
# `np.savez(path, images, labels)` gives. The reference batches of Dhariwal and Nichol 2021, arXiv:2105.05233,
# have the latter.
_IMAGES, _LABELS, _NAMES = ("images", "arr_0"), ("label", "labels", "arr_1"), "class_names"
# Images whose bytes tell one file from another.
_DIGESTED = 64


def archive(*, path: str, resolution: Resolution = 0, background: str = "white") -> Source:
    """uint8 images in a NumPy file.

    An .npz holds them as `images` or `arr_0`, labels, if any, as `label`, `labels` or `arr_1`, and the names
    of classes, if any, as `class_names`, strings [K]; a .npy holds images alone. A .npy is read from the disk
    row by row; an .npz is loaded into memory.

    Args:
        path: File with uint8 [N, H, W, C] or [N, H, W], C 1 or 3, or 2 or 4 with opacity as the last channel,
            and labels int [N], at least 0.
        resolution: Height and width wanted, pixels, or one number for both; 0 for the images' own.
        background: Colour behind transparent pixels, as in `white` or `#808080`.

    Returns:
        A Source; without names its classes are the numbers up to the largest label.

    Raises:
        UsageError: No such file, no NumPy file, no images in it, or images or labels of another shape or
            type. Floats are refused, as their range is not known.
    """
    path = os.path.expanduser(path)
    check_background(background)
    images, labels, names = _loaded(path)
    _check_images(path, images)
    if images.ndim == 3:
        images = images[..., None]
    if labels is not None:
        labels = _checked_labels(path, labels, len(images))
    classes = () if labels is None else _classes(path, labels, names)

    size = height_and_width(resolution) if resolution else images.shape[1:3]
    channels = 1 if is_grey(_opened(images[0]), background) else 3
    as_stored = (*size, channels) == images.shape[1:]

    def read(rows):
        read_images = np.asarray(images[rows])
        if not as_stored:
            read_images = np.stack([fit(_opened(image), size, channels, background) for image in read_images])
        return {"real": read_images, **({} if labels is None else {"label": labels[rows]})}

    return of_images(
        path, len(images), (*size, channels), classes, read, identity=f"content {_digest(images, labels)}"
    )


def has_labels(path: str) -> bool:
    """Tells if a NumPy file holds labels beside its images; one that cannot be read counts as if it did."""
    if path.endswith(".npy"):
        return False
    try:
        with np.load(path) as stored:
            return any(name in stored.files for name in _LABELS)
    except Exception:  # Whoever reads its images says what is wrong with it.
        return True


def _opened(image):
    """An array [H, W, C] as a PIL image."""
    image = np.asarray(image)
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _digest(images, labels):
    """What tells this file from others of as many images: all labels, and the bytes of a few images."""
    some = np.linspace(0, len(images) - 1, min(len(images), _DIGESTED)).astype(int)
    digest = hashlib.sha256(np.ascontiguousarray(images[some]).tobytes())
    digest.update(b"" if labels is None else labels.tobytes())
    return digest.hexdigest()[:16]


def _loaded(path):
    """Images, labels or None, and names of classes or None, as the file holds them."""
    if not os.path.isfile(path):
        raise UsageError(f"{path}: expected an .npz or .npy file, there is no such file")
    try:
        arrays = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(arrays, np.ndarray):
            return arrays, None, None
        with arrays:
            # A small file may unpack to more than this machine's memory.
            memory.check_host(path, sum(member.file_size for member in arrays.zip.infolist()))
            images = [arrays[key] for key in _IMAGES if key in arrays]
            labels = [arrays[key] for key in _LABELS if key in arrays]
            classes = arrays[_NAMES] if _NAMES in arrays else None
            names = ", ".join(arrays) or "nothing"
    except UsageError:
        raise
    except Exception as error:  # A file that is no archive fails in many ways.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UsageError(f"{path}: not an .npz or .npy file that can be read ({reason})") from None
    if not images:
        raise UsageError(f"{path}: expected images as {' or '.join(_IMAGES)}, it has {names}")
    return images[0], labels[0] if labels else None, classes


def _check_images(path, images):
    expected = "expected uint8 [N, height, width, channels] from 0 to 255"
    if images.dtype != np.uint8:
        finite = images.dtype.kind != "f" or np.isfinite(images).all()
        raise UsageError(f"{path}: {expected}, got {images.dtype}{'' if finite else ' with NaN or infinity'}")
    if images.ndim not in (3, 4) or images.ndim == 4 and images.shape[3] not in (1, 2, 3, 4):
        raise UsageError(f"{path}: {expected}, channels 1 to 4, got the shape {images.shape}")
    if images.size == 0:
        raise UsageError(f"{path}: no images, the shape is {images.shape}")


def _classes(path, labels, names):
    """Names of the classes: the file's, or numbers."""
    count = int(labels.max()) + 1
    if names is None:
        return tuple(map(str, range(count)))
    if names.dtype.kind != "U" or names.ndim != 1 or len(names) < count or len(set(names)) < len(names):
        raise UsageError(
            f"{path}: expected {_NAMES} as at least {count} different strings, got {names.dtype} "
            f"{names.shape}"
        )
    return tuple(map(str, names))


def _checked_labels(path, labels, count):
    """Labels as int32 [N]."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise UsageError(
            f"{path}: expected labels int [{count}], one an image, got {labels.dtype} {labels.shape}"
        )
    if labels.min() < 0:
        raise UsageError(f"{path}: expected labels of at least 0, got {labels.min()}")
    return labels.astype(np.int32)
