"""The public weights of FID's Inception-v3: their place, their download, and their conversion."""

import hashlib
import http.client
import os
import shutil
import urllib.request
from typing import Any

import flax.traverse_util
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.features import inception, torch_file
from gan_jax.runtime import cache
from gan_jax.runtime.files import write_atomically

NAME = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{NAME}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

# Last part of a parameter's name here, and its name in the file.
_IN_FILE = {
    "kernel": "conv.weight",
    "scale": "bn.weight",
    "offset": "bn.bias",
    "mean": "bn.running_mean",
    "variance": "bn.running_var",
    "weight": "weight",
    "bias": "bias",
}
# Axes of a tensor of the file, by their number: OIHW to HWIO, [O, I] to [I, O].
_AXES = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}


def default_path() -> str:
    """The default place of the weights: in `~/.cache/gan_jax/inception`, or below XDG_CACHE_HOME."""
    return os.path.join(cache.path("inception"), NAME)


def find(path: str | None = None) -> str:
    """The path of a weight file that exists.

    Args:
        path: The file; None for the one in the default place.

    Returns:
        The path.

    Raises:
        UsageError: There is no such file; the message names the URL and the place for the file.
    """
    place = path or default_path()
    if not os.path.isfile(place):
        raise UsageError(f"no Inception weights at {place}: fetch {URL} and put it there, or add --download")
    return place


def sha256(path: str) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits.

    Args:
        path: The file.

    Returns:
        The digits.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _check_hash(path, name, expected):
    digits = sha256(path)
    if digits != expected:
        raise UsageError(f"{name} is damaged or another file: its SHA-256 is {digits}, expected {expected}")


def download(path: str | None = None, *, url: str = URL, expected: str = SHA256) -> str:
    """Fetches the weights (91 MB), checks their SHA-256 and writes the file atomically.

    Args:
        path: The file to write; None for the default place.
        url: The URL to fetch.
        expected: Their SHA-256, 64 hexadecimal digits.

    Returns:
        The path. An existing file with the expected SHA-256 stays.

    Raises:
        UsageError: The weights cannot be fetched, have another SHA-256, or cannot be written.
    """
    path = path or default_path()
    if os.path.isfile(path) and sha256(path) == expected:
        return path
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        with urllib.request.urlopen(url, timeout=60) as source, write_atomically(path, "wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            _check_hash(target.name, url, expected)
    except (OSError, http.client.HTTPException) as error:
        raise UsageError(f"cannot fetch {url} to {path}: {error}") from None
    return path


def _check_tensors(path, tensors, expected):
    """Raises a UsageError if the names or shapes of a file's tensors are not the expected ones."""
    wrong = [name for name in expected if name in tensors and tensors[name].shape != expected[name]]
    problems = {
        "lacks": [name for name in expected if name not in tensors],
        "has beyond them": [name for name in tensors if name not in expected],
        "has in other shapes": [f"{name} {tensors[name].shape} not {expected[name]}" for name in wrong],
    }
    lines = [
        f"{problem} {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        for problem, names in problems.items()
        if names
    ]
    if lines:
        raise UsageError(f"{path} does not hold the tensors of FID's Inception-v3: it {'; it '.join(lines)}")


def load(path: str) -> dict[str, Any]:
    """The network's parameters from a file in the layout of the public one.

    The layout is that of pytorch-fid and torch-fidelity: a state dict with tensors such as
    `Mixed_5b.branch1x1.bn.running_var`. Counts of batches, which newer PyTorch adds, are left out. A file
    with `6726825d` in its name, the first digits of the public file's SHA-256, must have that whole SHA-256.

    Args:
        path: The weight file.

    Returns:
        Nested dict of float32 NumPy arrays, as `inception.shapes` describes.

    Raises:
        UsageError: The file cannot be read, its hash is not the one in its name, or it has other tensors.
    """
    if SHA256[:8] in os.path.basename(path):
        _check_hash(path, path, SHA256)
    tensors = torch_file.read(path)
    tensors = {name: x for name, x in tensors.items() if not name.endswith(".num_batches_tracked")}
    shapes = flax.traverse_util.flatten_dict(inception.shapes())
    names = {keys: ".".join((*keys[:-1], _IN_FILE[keys[-1]])) for keys in shapes}
    # The shape in the file: its transpose has the shape here.
    in_file = {
        names[k]: tuple(s.shape[i] for i in np.argsort(_AXES[len(s.shape)])) for k, s in shapes.items()
    }
    _check_tensors(path, tensors, in_file)
    arrays = {keys: tensors[name].transpose(_AXES[tensors[name].ndim]) for keys, name in names.items()}
    return flax.traverse_util.unflatten_dict(
        {keys: np.ascontiguousarray(array, np.float32) for keys, array in arrays.items()}
    )
