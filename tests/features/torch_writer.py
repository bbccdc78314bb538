"""Writes PyTorch's weight files without PyTorch, in both formats, with stand-ins for what a pickle names."""

import io
import pickle
import struct
import sys
import types
import unittest.mock
import zipfile
from collections import OrderedDict

import numpy as np

TYPES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
TORCH, UTILS = types.ModuleType("torch"), types.ModuleType("torch._utils")


def _function(name):
    def stand_in(*args):
        raise AssertionError("writing a pickle calls nothing")

    stand_in.__module__, stand_in.__qualname__, stand_in.__name__ = "torch._utils", name, name
    setattr(UTILS, name, stand_in)
    return stand_in


REBUILD, PARAMETER = _function("_rebuild_tensor_v2"), _function("_rebuild_parameter")
for _name in TYPES.values():
    setattr(TORCH, _name, type(_name, (), {"__module__": "torch"}))


class Storage:
    """The elements of one or more tensors, a vector."""

    def __init__(self, elements):
        self.elements = np.asarray(elements)


class Tensor:
    """A view of a storage; offset and strides count elements."""

    def __init__(self, storage, shape, strides, offset=0):
        self.fields = storage, offset, tuple(shape), tuple(strides)

    def __reduce__(self):
        return REBUILD, (*self.fields, False, OrderedDict())


class Parameter:
    """A tensor in the wrapper of trained parameters."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return PARAMETER, (self.tensor, True, OrderedDict())


def tensor(array):
    """A tensor with a storage of its own."""
    array = np.array(array, order="C")
    strides = [stride // array.itemsize for stride in array.strides]
    return Tensor(Storage(array.reshape(-1)), array.shape, strides)


class _Pickler(pickle.Pickler):
    def __init__(self, file, views):
        super().__init__(file, protocol=2)
        self.views, self.storages = views, {}

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        key = str(94_000_000 + len(self.storages))
        key = next((k for k, storage in self.storages.items() if storage is thing), key)
        self.storages[key] = thing
        kind = getattr(TORCH, TYPES[thing.elements.dtype.name])
        return ("storage", kind, key, "cpu", thing.elements.size, *self.views)


def _pickled(content, views):
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, views)
    with unittest.mock.patch.dict(sys.modules, {"torch": TORCH, "torch._utils": UTILS}):
        pickler.dump(content)
    return buffer.getvalue(), pickler.storages


def write_zip(path, content, byteorder=b"little"):
    """As torch.save does since 1.6."""
    pickled, storages = _pickled(content, ())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", byteorder)
        for key, storage in storages.items():
            archive.writestr(f"archive/data/{key}", storage.elements.tobytes())
        archive.writestr("archive/version", b"3\n")
    return path


def write_stream(path, content, little_endian=True):
    """As torch.save did before 1.6."""
    pickled, storages = _pickled(content, (None,))
    sizes = dict(short=2, int=4, long=4)
    machine = dict(protocol_version=1001, little_endian=little_endian, type_sizes=sizes)
    with open(path, "wb") as file:
        for head in (0x1950A86A20F9469CFC6C, 1001, machine):
            pickle.dump(head, file, protocol=2)
        file.write(pickled)
        pickle.dump(sorted(storages), file, protocol=2)
        for key in sorted(storages):
            file.write(struct.pack("<q", storages[key].elements.size))
            file.write(storages[key].elements.tobytes())
    return path


WRITERS = {"zip": write_zip, "stream": write_stream}
