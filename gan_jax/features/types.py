"""What features are to the metrics: a function of images, with the facts that make its values comparable."""

import hashlib
from typing import Any, Callable, NamedTuple

import jax
import numpy as np


class Features(NamedTuple):
    """A fixed network that metrics look at images through.

    Attributes:
        name: What it is, for people; values of two names are not comparable.
        params: Its arrays.
        apply: `(params, images) -> dict` of `features`, float [B, D], and, if it classifies, `class_logits`,
            float [B, K]. Images are float32 in [-1, 1], [B, H, W, C].
        facts: What belongs beside every value: hash of the weights, resizing, accuracy.
        standard: Do its Frechet and kernel distances go by the names FID and KID?
        batch: Images a call, at most.
    """

    name: str
    params: Any
    apply: Callable
    facts: dict
    standard: bool = False
    batch: int = 256


def fingerprint(tree):
    """The first 16 hex digits of the SHA-256 of arrays, their names, shapes and types included.

    Args:
        tree: Pytree of arrays.

    Returns:
        str.
    """
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.ascontiguousarray(jax.device_get(leaf))
        digest.update(f"{jax.tree_util.keystr(path)} {array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]
