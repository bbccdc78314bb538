"""Reads the tensors of a PyTorch weight file without PyTorch, and without running code from the file.

Such a file is a pickle that names its tensors' storages, and the storages' bytes. Since PyTorch 1.6 both lie
in a zip archive (`<folder>/data.pkl`, `<folder>/data/<key>`). Before, as in the public Inception file, they
were a stream: a magic number, a protocol number, facts about the machine, the pickle, the list of keys, and
for each key a count and the bytes. A pickle can call any function on the machine that reads it; here it can
call only the few that rebuild tensors.
"""

import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from gan_jax.errors import UsageError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_ELEMENTS = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


class _Tensor(NamedTuple):
    """A tensor's place in its storage; offset and strides are in elements."""

    storage: tuple[str, str]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows storages by key and the few functions that rebuild a dict of tensors.

    Attributes:
        storages: Type of the elements, as NumPy writes it, by key.
    """

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, str] = {}

    def find_class(self, module, name):
        """The allowed functions, created anew for each call, so that no pickle can change them."""
        if module == "torch" and name in _ELEMENTS:
            return _ELEMENTS[name]
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *args: _Tensor(*args[:4]),
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *args: tensor,
        }
        if (module, name) not in allowed:
            raise UsageError(f"it asks for {module}.{name}, which tensors do not need; nothing was run")
        return allowed[module, name]

    def persistent_load(self, pid):
        """A storage: its key and the type of its elements."""
        kind, elements, key, _location, _count, *views = pid
        if kind != "storage" or elements not in _ELEMENTS.values() or any(views):
            raise pickle.UnpicklingError(f"unknown storage {pid}")
        self.storages[key] = elements
        return key, elements


def _read_zip(file):
    """The pickled object of an archive and its storages' bytes by key."""
    with zipfile.ZipFile(file) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise pickle.UnpicklingError("it is compressed, which PyTorch's files are not")
        names = archive.namelist()
        pickled = next((name for name in names if name.endswith("data.pkl")), "data.pkl")
        folder = pickled.removesuffix("data.pkl")
        if folder + "byteorder" in names and archive.read(folder + "byteorder") != b"little":
            raise pickle.UnpicklingError("its numbers are big-endian")
        with archive.open(pickled) as opened:
            unpickler = _Unpickler(opened)
            content = unpickler.load()
        return content, {key: archive.read(f"{folder}data/{key}") for key in unpickler.storages}


def _exactly(file, size):
    data = file.read(size)
    if len(data) < size:
        raise pickle.UnpicklingError("it is cut short")
    return data


def _read_stream(file):
    """The pickled object of a stream and its storages' bytes by key."""
    magic, protocol, machine = (_Unpickler(file).load() for _ in range(3))
    if (magic, protocol, machine["little_endian"]) != (_MAGIC, _PROTOCOL, True):
        raise pickle.UnpicklingError("it does not begin as PyTorch's files do")
    unpickler = _Unpickler(file)
    content = unpickler.load()
    storages = {}
    for key in _Unpickler(file).load():
        (count,) = struct.unpack("<q", _exactly(file, 8))
        storages[key] = _exactly(file, count * np.dtype(unpickler.storages[key]).itemsize)
    return content, storages


def _array(tensor, storages):
    """A tensor as a new array; NumPy raises an error if it reaches beyond its storage."""
    key, elements = tensor.storage
    size = np.dtype(elements).itemsize
    strides = [size * stride for stride in tensor.strides]
    # Strides of 0 would repeat one number without end.
    if math.prod(tensor.shape) * size > len(storages[key]):
        raise pickle.UnpicklingError(f"a tensor {list(tensor.shape)} is larger than its storage")
    return np.ndarray(tensor.shape, elements, storages[key], size * tensor.offset, strides).copy()


def read(path: str) -> dict[str, np.ndarray]:
    """Tensors of a PyTorch weight file, by name.

    The file is a dict from names to tensors or parameters, written by `torch.save` in either of its formats.

    Args:
        path: The file.

    Returns:
        Dict from name to NumPy array, in the shapes and element types of the file.

    Raises:
        UsageError: The file cannot be read, is cut short, holds something else, or asks for a function that
            tensors do not need.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            content, storages = (_read_zip if zipped else _read_stream)(file)
        if not isinstance(content, dict) or not all(isinstance(x, _Tensor) for x in content.values()):
            raise UsageError("it holds something else than a dict of tensors")
        return {str(name): _array(tensor, storages) for name, tensor in content.items()}
    except Exception as error:  # A broken pickle can raise anything.
        message = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path} is not a readable PyTorch weight file: {message}") from None
