"""Features without a network of this project: pixels, a user's function, or a program of `jax.export`."""

import hashlib
import re

import jax

from gan_jax.errors import UsageError
from gan_jax.features.types import Features
from gan_jax.names import find
from gan_jax.seams import guarded


def _as_dict(outputs):
    return outputs if isinstance(outputs, dict) else {"features": outputs}


def _is_features(outputs):
    """The check of what a user's function returns."""
    features = _as_dict(outputs).get("features")
    right = getattr(features, "ndim", 0) == 2
    return "" if right else "features [B, D], or a dict with features [B, D] in it"


def of_function(name: str) -> Features:
    """Features by a function of samples.

    Args:
        name: Its dotted path: decoded samples, such as float32 images in [-1, 1], [B, H, W, C], to features
            [B, D], or to a dict of `features` and `class_logits`.

    Returns:
        The Features.

    Raises:
        UsageError: There is no such function.
    """
    function = guarded(find(name, (), "features"), f"features={name}", _is_features)
    return Features(
        name, (), lambda _, images: _as_dict(function(images)), {"weights": "inside the function"}
    )


def pixels() -> Features:
    """The pixels of images averaged down to 16 x 16: for images without labels.

    Returns:
        The Features, at most 256 per channel.
    """

    def apply(_, images):
        if images.ndim != 4:
            raise UsageError(f"features=pixels: expected images, got samples {list(images.shape[1:])}")
        count, height, width, channels = images.shape
        small = (count, min(height, 16), min(width, 16), channels)
        return {"features": jax.image.resize(images, small, "linear", antialias=True).reshape(count, -1)}

    return Features(
        "pixels", (), apply, {"weights": "none", "resize": "linear, antialiased, to at most 16 px"}
    )


def exported(path: str) -> Features:
    """Features by a program written with `jax.export`, on the platform it was exported for.

    Args:
        path: File of `jax.export.export(...)(...).serialize()`, of a function as `of_function` takes it, with
            a symbolic batch dimension.

    Returns:
        The Features.

    Raises:
        UsageError: The file cannot be read, holds no such program, or one that calls Python.
    """
    try:
        with open(path, "rb") as file:
            written = file.read()
        program = jax.export.deserialize(bytearray(written))
        targets = set(re.findall(r'(?:custom_call @|call_target_name = )"?([^"\s(]+)', program.mlir_module()))
    except Exception as error:  # Flatbuffers and MLIR fail in many ways on other files.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UsageError(f"features: {path} is no program written by jax.export: {reason}") from None
    if calls := sorted(target for target in targets if "callback" in target):
        # They hold an address in the memory of the process that wrote them.
        raise UsageError(f"features: {path} calls back into Python ({', '.join(calls)}), which a file cannot")
    digest = hashlib.sha256(written).hexdigest()[:16]
    return Features(
        path, (), lambda _, images: _as_dict(program.call(images)), {"weights": digest, "resize": "none"}
    )
