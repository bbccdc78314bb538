"""VGG16 and VGG19 without their dense layers, for perceptual and style losses; weights come from a file.

Simonyan and Zisserman 2014, arXiv:1409.1556, table 1, columns D and E: five blocks of convolutions of 3 by 3
pixels with ReLU, and maxima of squares of two by two pixels between them. Values of a loss are not LPIPS,
which has weights of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError, unknown
from gan_jax.features import safetensors_file, torch_file
from gan_jax.features.types import Maps, fingerprint
from gan_jax.nets.convolution import conv
from gan_jax.nets.resampling import max_pool

# Convolutions of each block, by their number.
_BLOCKS = {13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}
# Mean and deviation of ImageNet's pixels in [0, 1], by channel, as torchvision has them.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def vgg(path: str, *, layers: Sequence[str] = ("conv5_4",)) -> Maps:
    """The features of VGG16 or VGG19 at some of its layers.

    Simonyan and Zisserman 2014, arXiv:1409.1556; Johnson et al. 2016, arXiv:1603.08155, compare images by
    them; ESRGAN (arXiv:1809.00219, section 3.4) takes `conv5_4` of VGG19, before its ReLU.

    Args:
        path: File in torchvision's layout (`features.0.weight`, ...), `.pth` or `.safetensors`; nothing in it
            is run. Its number of convolutions says which network it is; their widths may be any.
        layers: Names of layers: `conv5_4` is the fourth convolution of the fifth block, before its ReLU,
            and `relu5_4` what comes behind it.

    Returns:
        The Maps, whose arrays are float32 and end at the deepest layer. Their images have 1 or 3 channels.

    Raises:
        UsageError: The file cannot be read or holds something else, or there is no such layer.
    """
    tensors = _tensors(path)
    places = _places(path, tensors)
    known = [f"{kind}{name}" for name in places for kind in ("conv", "relu")]
    for layer in layers:
        if layer not in known:
            raise unknown(f"layers of {path}", layer, known, shown=len(known))
    deepest = max((list(places).index(layer[4:]) for layer in layers), default=-1)
    params = {name: _layer(path, tensors, place) for name, place in list(places.items())[: deepest + 1]}
    facts = {"weights": fingerprint(params), "layers": " ".join(layers)}

    def maps(params: Any, images: jax.Array) -> dict[str, jax.Array]:
        return {name: value for name, value in _values(params, images).items() if name in layers}

    return Maps(f"vgg{len(places) + 3}", params, maps, facts)


def _tensors(path: str) -> dict[str, np.ndarray]:
    """The tensors of a file in either format."""
    read = safetensors_file.read if path.endswith(".safetensors") else torch_file.read
    return read(path)


def _named(blocks: Sequence[int]) -> Iterator[tuple[str, int]]:
    """By its block and its number there, a convolution's place in torchvision's list of layers."""
    place = 0
    for block, count in enumerate(blocks, 1):
        for number in range(1, count + 1):
            yield f"{block}_{number}", place
            place += 2  # It and its ReLU.
        place += 1  # The maxima.


def _places(path: str, tensors: Mapping[str, np.ndarray]) -> dict[str, int]:
    """The places of a file's convolutions; their tensors are all there."""
    count = sum(name.startswith("features.") and name.endswith(".weight") for name in tensors)
    if count not in _BLOCKS:
        raise UsageError(f"{path}: expected the 13 convolutions of VGG16 or the 16 of VGG19, got {count}")
    places = dict(_named(_BLOCKS[count]))
    missing = [
        name
        for place in places.values()
        for name in (f"features.{place}.weight", f"features.{place}.bias")
        if name not in tensors
    ]
    if missing:
        raise UsageError(f"{path}: it lacks {missing[0]}, so it is not in the layout of torchvision's VGG")
    return places


def _layer(path: str, tensors: Mapping[str, np.ndarray], place: int) -> dict[str, np.ndarray]:
    """A convolution's kernel [3, 3, I, O] and bias [O]."""
    kernel, bias = tensors[f"features.{place}.weight"], tensors[f"features.{place}.bias"]
    if kernel.ndim != 4 or kernel.shape[2:] != (3, 3) or bias.shape != kernel.shape[:1]:
        raise UsageError(
            f"{path}: features.{place} has a kernel {list(kernel.shape)} and a bias {list(bias.shape)}: "
            "expected [out, in, 3, 3] and [out]"
        )
    return {
        "kernel": np.ascontiguousarray(kernel.transpose(2, 3, 1, 0), np.float32),
        "bias": np.ascontiguousarray(bias, np.float32),
    }


def _values(params: Mapping[str, Any], images: jax.Array) -> dict[str, jax.Array]:
    """Every layer's output, in float32; what nobody reads is not computed under jit."""
    least = 1 << (int(max(params, default="1_1")[0]) - 1)
    if images.shape[-1] not in (1, 3) or min(images.shape[1:3]) < least:
        raise UsageError(
            f"vgg: images {list(images.shape[1:])}: expected 1 or 3 channels and at least {least} pixels "
            "a side"
        )
    # Grey images are coloured ones whose channels are equal.
    x = jnp.broadcast_to(0.5 + 0.5 * jnp.float32(images), (*images.shape[:3], 3))
    x = (x - jnp.array(_MEAN)) / jnp.array(_DEVIATION)
    values = {}
    for name, layer in params.items():
        if name.endswith("_1") and name != "1_1":
            x = max_pool(x)
        values[f"conv{name}"] = conv(x, layer["kernel"], (1, 1)) + layer["bias"]
        values[f"relu{name}"] = x = jax.nn.relu(values[f"conv{name}"])
    return values
