"""Large images as rows: patches of one size, cut on a grid."""

import functools
from collections.abc import Callable, Sequence

import numpy as np

# Decoded images that are kept in memory, bytes.
KEPT = 2**30


def on_grid(areas: Sequence[tuple[int, int, int, int]], patch: int, stride: int) -> np.ndarray:
    """The places of patches in images; the last ones of a row and of a column end with the image.

    Args:
        areas: Of each image top, left, height and width of the part that is cut, pixels.
        patch: Height and width of a patch, pixels.
        stride: From one patch to the next, pixels.

    Returns:
        int32 [N, 3]: number of the image, top and left. None of an area that is smaller than a patch.
    """

    def along(start, length):
        last = length - patch
        return [start + at for at in dict.fromkeys([*range(0, last + 1, stride), last])] if last >= 0 else []

    places = [
        (number, y, x)
        for number, (top, left, height, width) in enumerate(areas)
        for y in along(top, height)
        for x in along(left, width)
    ]
    return np.array(places, np.int32).reshape(-1, 3)


def reader(
    images_of: Callable[[int], dict[str, np.ndarray]], places: np.ndarray, patch: int, sizes: Sequence[int]
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """The `read` of a Source of patches. Decoded images are kept, of many the last ones, up to `KEPT` bytes.

    Args:
        images_of: From the number of an image to its entries by name: `real`, uint8 [H, W, C], and others of
            which a pixel is a whole number of those of `real` wide.
        places: From `on_grid`, in pixels of `real`.
        patch: Height and width of a patch of `real`, pixels.
        sizes: Bytes of each decoded image.

    Returns:
        Function from row numbers, int [N], to patches by name, uint8 [N, h, w, C].
    """
    count = len(sizes) if sum(sizes) <= KEPT else max(2, KEPT // max(sizes))
    kept = functools.lru_cache(maxsize=count)(images_of)

    def read(rows):
        numbers = places[rows, 0]
        patches: dict[str, np.ndarray] = {}
        for number in np.unique(numbers):  # So that an image is decoded once for all of its rows.
            images = kept(int(number))
            for row in np.flatnonzero(numbers == number):
                for name, image in images.items():
                    scale = images["real"].shape[0] // image.shape[0]
                    (top, left), side = places[rows[row], 1:] // scale, patch // scale
                    cut = image[top : top + side, left : left + side]
                    if name not in patches:  # Once: these may be all rows of a large data set.
                        patches[name] = np.empty((len(rows), *cut.shape), np.uint8)
                    patches[name][row] = cut
        return patches

    return read
