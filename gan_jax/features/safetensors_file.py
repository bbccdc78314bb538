"""Reads the tensors of a safetensors file: a length, a JSON header of that length, and the tensors' bytes.

The header says each tensor's type, shape and place. Nothing in such a file is run.
"""

import json
import math
import os
from typing import Any

import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError

_LARGEST_HEADER = 100_000_000  # Bytes, as the format's own reader has it.
_ELEMENTS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": jnp.bfloat16,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "?",
}


def read(path: str) -> dict[str, np.ndarray]:
    """Tensors of a safetensors file, by name.

    Args:
        path: The file.

    Returns:
        Dict from name to NumPy array, in the shapes and element types of the file.

    Raises:
        UsageError: The file cannot be read, is cut short, or is no safetensors file.
    """
    try:
        with open(path, "rb") as file:
            header, data = _header(file, os.path.getsize(path)), file.read()
        header.pop("__metadata__", None)
        return {name: _array(name, about, data) for name, about in header.items()}
    except Exception as error:  # A broken header can raise anything.
        message = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path} is not a readable safetensors file: {message}") from None


def _header(file: Any, size: int) -> dict[str, Any]:
    """What stands in front of the tensors: by name their types, shapes and places."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, _LARGEST_HEADER):
        raise ValueError(f"its header has {length} bytes, and the file {size}")
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    return header


def _array(name: str, about: dict[str, Any], data: bytes) -> np.ndarray:
    """A tensor as a new array."""
    if about["dtype"] not in _ELEMENTS:
        raise ValueError(f"{name} has elements of type {about['dtype']}")
    elements, shape = np.dtype(_ELEMENTS[about["dtype"]]), tuple(about["shape"])
    (start, end), size = about["data_offsets"], elements.itemsize * math.prod(shape)
    if not 0 <= start <= end <= len(data) or end - start != size:
        raise ValueError(f"{name} {list(shape)} is at bytes {start} to {end} of {len(data)}")
    return np.frombuffer(data, elements, math.prod(shape), start).reshape(shape).copy()
