"""The embedded default: handwritten digits that scikit-learn ships."""

import numpy as np
from PIL import Image

from gan_jax.data.source import Source, fit


def digits(*, resolution=0):
    """1,797 handwritten digits of 43 people, 8 pixels wide, enlarged to 28 unless told otherwise.

    Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI; the copy in scikit-learn.

    Args:
        resolution: Height and width, pixels; 0 for 28.

    Returns:
        A Source with ten classes.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    resolution = resolution or 28
    grey = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    images = np.stack([fit(Image.fromarray(image), resolution, 1) for image in grey])
    labels = bunch.target.astype(np.int32)
    return Source(
        name="digits (scikit-learn)",
        size=len(images),
        resolution=resolution,
        channels=1,
        classes=tuple(str(name) for name in bunch.target_names),
        read=lambda rows: {"images": images[rows], "labels": labels[rows]},
    )
