"""The Inception-v3 of FID, with the public weights, as Features."""

import jax

from gan_jax.features import inception as network
from gan_jax.features import inception_weights
from gan_jax.features.types import Features
from gan_jax.images import to_uint8


def standard(path: str | None = None, *, layer: int = 2048, download: bool = False) -> Features:
    """The features of FID and KID and the logits of the Inception score.

    Heusel et al. 2017, arXiv:1706.08500; see `inception.apply` for differences between implementations.

    Args:
        path: Weight file in the public layout; None for the one in the cache.
        layer: Size of the output to use as features: 2048 for FID and KID, 768 or 192.
        download: Fetch the weights if they are absent.

    Returns:
        The Features.

    Raises:
        UsageError: No weights, or a damaged file.
    """
    if download and path is None:
        path = inception_weights.download()
    path = inception_weights.find(path)

    def apply(params, images):
        # The reference implementation gets pixels of 256 levels.
        outputs = network.apply(params, to_uint8(images))
        return {"features": outputs[f"features_{layer}"], "class_logits": outputs["logits_unbiased"]}

    return Features(
        name="Inception-v3 of FID, 2015-12-05",
        params=inception_weights.load(path),
        apply=apply,
        facts={
            "weights": inception_weights.sha256(path)[:16],
            "layer": f"{layer}, averaged over the image; logits without bias",
            "resize": "bilinear to 299 px as TensorFlow 1",
        },
        standard=layer == 2048,
        batch=32 * jax.device_count(),  # The first layers hold 6 MB per image.
    )
