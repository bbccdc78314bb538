"""The records of features: functions of samples, with the facts that make their values comparable."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np


class Features(NamedTuple):
    """A fixed network whose features metrics compare.

    Attributes:
        name: A name for people; values of two names are not comparable.
        params: Its arrays; their shapes and dtypes alone as long as there is a `load`.
        apply: `(params, samples) -> dict` of `features`, float [B, D], and, if it classifies, `class_logits`,
            float [B, K]. Samples are decoded `real` rows: images are float32 in [-1, 1], [B, H, W, C].
        facts: Facts to print beside every value: hash of the weights, resizing, accuracy.
        standard: True if its Frechet and kernel distances are called FID and KID.
        batch: Samples per call, at most.
        load: Function without arguments that returns params and facts; None if they are here. Training a
            classifier takes minutes, so a run checks everything else first.
    """

    name: str
    params: Any
    apply: Callable[[Any, jax.Array], dict[str, jax.Array]]
    facts: dict[str, Any]
    standard: bool = False
    batch: int = 256
    load: Callable[[], tuple[Any, dict[str, Any]]] | None = None

    def loaded(self) -> "Features":
        """The features with their params and facts."""
        if self.load is None:
            return self
        params, facts = self.load()
        return self._replace(params=params, facts=facts, load=None)


class Maps(NamedTuple):
    """A fixed network whose feature maps losses compare.

    Attributes:
        name: A name for people; values of two names are not comparable.
        params: Its arrays; their shapes and dtypes alone as long as there is a `load`. They belong into a
            carry: a function that closes over them makes them constants of the compiled program.
        maps: `(params, images) -> dict` from a layer's name to its output, float32 [B, h, w, C]. Images are
            float32 in [-1, 1], [B, H, W, C].
        facts: Facts to print beside every value: hash of the weights, layers.
        load: Function without arguments that returns params and facts; None if they are here.
    """

    name: str
    params: Any
    maps: Callable[[Any, jax.Array], dict[str, jax.Array]]
    facts: dict[str, Any]
    load: Callable[[], tuple[Any, dict[str, Any]]] | None = None

    def loaded(self) -> "Maps":
        """The same with its arrays and facts."""
        if self.load is None:
            return self
        params, facts = self.load()
        return self._replace(params=params, facts=facts, load=None)


def fingerprint(tree: Any) -> str:
    """The first 16 hex digits of the SHA-256 of arrays with their names, shapes and types.

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
