"""Classical restorations of images, the baselines beside which learned ones are measured.

A restoration is a function `(sources, masks, shape) -> images`: degraded images, uint8 [N, h, w, c], the
holes in them, float [N, H, W, 1] with 1 inside a hole, or None, and the shape (H, W, C) of the result, uint8
[N, H, W, C]. Those of scikit-image and OpenCV need these packages: `pip install 'gan_jax[restoration]'`.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from gan_jax.errors import UsageError
from gan_jax.names import bind, find

__all__ = [
    "bicubic",
    "lanczos",
    "non_local_means",
    "wiener",
    "richardson_lucy",
    "telea",
    "biharmonic",
]


def restored(
    name: str, options: Any, sources: np.ndarray, masks: np.ndarray | None, shape: Sequence[int]
) -> np.ndarray:
    """Images as a classical method restores them.

    Args:
        name: Of a function of this module, or a dotted path.
        options: Dict of its hyperparameters.
        sources: uint8 [N, h, w, c].
        masks: float [N, H, W, 1], 1 inside a hole, or None.
        shape: Height, width and channels of the result.

    Returns:
        uint8 [N, H, W, C].

    Raises:
        UsageError: There is no such function or hyperparameter, its package is not installed, it needs masks,
            or its result has another shape.
    """
    method = find(name, (sys.modules[__name__],), "baselines")
    bound = bind(method, options, f"baselines.{name}", ("sources", "masks", "shape"))
    images = method(sources, masks, tuple(shape), **bound)
    if images.shape != (len(sources), *shape) or images.dtype != np.uint8:
        raise UsageError(
            f"baseline {name}: expected uint8 {[len(sources), *shape]}, got {images.dtype} "
            f"{list(images.shape)}"
        )
    return images


def beside(
    measure: Callable[[np.ndarray], Mapping[str, float]],
    fakes: np.ndarray,
    baselines: Mapping[str, Any],
    sources: np.ndarray,
    masks: np.ndarray | None = None,
) -> dict[str, float]:
    """Values of generated images, and the same of classical restorations of their sources.

    Args:
        measure: Function from images, uint8 [N, H, W, C], to values by name.
        fakes: uint8 [N, H, W, C].
        baselines: By name of a restoration, its hyperparameters.
        sources: uint8 [N, h, w, c].
        masks: As for `restored`.

    Returns:
        Values by name; those of a restoration end with `_of_` and its name.

    Raises:
        UsageError: As `restored`.
    """
    values = dict(measure(fakes))
    for name, options in baselines.items():
        images = restored(name, options, sources, masks, fakes.shape[1:])
        values |= {f"{value}_of_{name}": number for value, number in measure(images).items()}
    return values


def bicubic(sources: np.ndarray, masks: np.ndarray | None, shape: Sequence[int]) -> np.ndarray:
    """Images resized by cubic convolution; at their own size they stay as they are.

    Keys 1981, Cubic convolution interpolation for digital image processing, a = -0.5, antialiased where the
    result is smaller, as in Pillow and MATLAB.
    """
    del masks
    return _each(functools.partial(_resized, shape=shape, method=Image.Resampling.BICUBIC), sources)


def lanczos(sources: np.ndarray, masks: np.ndarray | None, shape: Sequence[int]) -> np.ndarray:
    """Images resized by a sinc in a window of three lobes; at their own size they stay as they are.

    Duchon 1979, Lanczos filtering in one and two dimensions.
    """
    del masks
    return _each(functools.partial(_resized, shape=shape, method=Image.Resampling.LANCZOS), sources)


def non_local_means(
    sources: np.ndarray,
    masks: np.ndarray | None,
    shape: Sequence[int],
    *,
    deviation: float = 25.0,
    strength: float = 0.8,
) -> np.ndarray:
    """Images without their noise: means of pixels whose surroundings look alike.

    Buades et al. 2005, A non-local algorithm for image denoising, in the variant of Darbon et al. 2008 that
    scikit-image has: patches of 5 pixels within 6 pixels.

    Args:
        sources: uint8 [N, H, W, C].
        masks: Unused.
        shape: Height, width and channels.
        deviation: Standard deviation of the noise, levels of 0..255.
        strength: Cut-off distance in units of the deviation.

    Returns:
        uint8 [N, H, W, C].
    """
    del masks
    restoration, sigma = _module("skimage.restoration"), deviation / 255
    options = dict(patch_size=5, patch_distance=6, h=strength * sigma, sigma=sigma, channel_axis=-1)
    return _each(lambda image: restoration.denoise_nl_means(image / 255, **options), _alike(sources, shape))


def wiener(
    sources: np.ndarray,
    masks: np.ndarray | None,
    shape: Sequence[int],
    *,
    blur: float = 1.6,
    balance: float = 0.1,
) -> np.ndarray:
    """Images without a Gaussian blur: the linear filter with the least error for a smoothness prior.

    Wiener 1949, in the regularised form of Hunt 1971 that scikit-image has.

    Args:
        sources: uint8 [N, H, W, C].
        masks: Unused.
        shape: Height, width and channels.
        blur: Standard deviation of the blur, pixels.
        balance: Weight of the prior against the data.

    Returns:
        uint8 [N, H, W, C].
    """
    del masks
    return _deconvolved("wiener", _alike(sources, shape), blur, balance=balance)


def richardson_lucy(
    sources: np.ndarray,
    masks: np.ndarray | None,
    shape: Sequence[int],
    *,
    blur: float = 1.6,
    iterations: int = 10,
) -> np.ndarray:
    """Images without a Gaussian blur: the most likely ones under Poisson noise, approached step by step.

    Richardson 1972; Lucy 1974. Few iterations regularise.

    Args:
        sources: uint8 [N, H, W, C].
        masks: Unused.
        shape: Height, width and channels.
        blur: Standard deviation of the blur, pixels.
        iterations: Steps.

    Returns:
        uint8 [N, H, W, C].
    """
    del masks
    return _deconvolved("richardson_lucy", _alike(sources, shape), blur, num_iter=iterations)


def telea(
    sources: np.ndarray, masks: np.ndarray | None, shape: Sequence[int], *, radius: float = 3.0
) -> np.ndarray:
    """Images whose holes are filled from their edges inwards, by the fast marching method.

    Telea 2004, An image inpainting technique based on the fast marching method.

    Args:
        sources: uint8 [N, H, W, C].
        masks: float [N, H, W, 1], 1 inside a hole.
        shape: Height, width and channels.
        radius: Neighbourhood of a pixel, pixels.

    Returns:
        uint8 [N, H, W, C].
    """
    cv2, holes = _module("cv2"), _holes(masks, "telea")
    filled = [
        cv2.inpaint(image, np.uint8(hole), radius, cv2.INPAINT_TELEA)
        for image, hole in zip(_alike(sources, shape), holes, strict=True)
    ]
    return np.stack(filled).reshape(sources.shape)


def biharmonic(sources: np.ndarray, masks: np.ndarray | None, shape: Sequence[int]) -> np.ndarray:
    """Images whose holes are filled as smoothly as their edges allow.

    Damelin and Hoang 2018, On surface completion and image inpainting by biharmonic functions.
    """
    restoration, holes = _module("skimage.restoration"), _holes(masks, "biharmonic")
    filled = [
        _rounded(restoration.inpaint_biharmonic(image / 255, hole, channel_axis=-1))
        for image, hole in zip(_alike(sources, shape), holes, strict=True)
    ]
    return np.stack(filled)


def _module(name: str) -> ModuleType:
    """A package that only baselines need."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = {"skimage": "scikit-image", "cv2": "opencv-python-headless"}[name.partition(".")[0]]
        raise UsageError(
            f"baselines: {package} is not installed; pip install 'gan_jax[restoration]'"
        ) from None


def _each(restore, images):
    """`restore` of every image; floats in [0, 1] are rounded to levels."""
    results = [restore(image) for image in images]
    return np.stack([each if each.dtype == np.uint8 else _rounded(each) for each in results])


def _rounded(image):
    return np.uint8(np.clip(np.round(image * 255), 0, 255))


def _resized(image, shape, method):
    """An image at another size, grey ones repeated for colour; channels one by one, as Pillow needs."""
    height, width, channels = shape
    if image.shape[:2] != (height, width):
        parts = [
            Image.fromarray(image[..., c]).resize((width, height), method) for c in range(image.shape[-1])
        ]
        image = np.stack([np.asarray(part) for part in parts], axis=-1)
    return np.repeat(image, channels, axis=-1) if image.shape[-1] == 1 else image


def _alike(sources, shape):
    """The sources, if they have the shape of their restorations."""
    if sources.shape[1:] != tuple(shape):
        raise UsageError(f"baselines: expected sources of {list(shape)}, got {list(sources.shape[1:])}")
    return sources


def _holes(masks, name):
    if masks is None:
        raise UsageError(f"baseline {name}: needs masks; only metrics of holes have these")
    return masks[..., 0] > 0.5


def _deconvolved(name, sources, blur, **options):
    """Images without a Gaussian blur, by a method of scikit-image."""
    method = functools.partial(getattr(_module("skimage.restoration"), name), psf=_gaussian(blur), **options)
    # The filters are periodic: a mirrored margin keeps edges from wrapping around.
    return _each(functools.partial(_mirrored, method, 3 * int(np.ceil(blur))), sources)


def _gaussian(deviation):
    """The kernel of a blur, float64 [size, size], of sum 1."""
    radius = 3 * int(np.ceil(deviation))
    line = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / deviation))
    return np.outer(line, line) / np.square(line.sum())


def _mirrored(restore, margin, image):
    """`restore` of each channel in [0, 1], with a mirrored margin that is cut off again."""
    height, width = image.shape[:2]
    padded = np.pad(image / 255, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    channels = [restore(padded[..., channel]) for channel in range(image.shape[-1])]
    return np.stack(channels, axis=-1)[margin : margin + height, margin : margin + width]
