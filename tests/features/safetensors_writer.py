"""Writes safetensors files: the length of a JSON header, the header, and the tensors' bytes."""

import json
import struct

import numpy as np

NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


def write(path, arrays):
    """Writes arrays by name; returns the path as a str."""
    header, data = {}, b""
    for name, array in arrays.items():
        array = np.asarray(array)
        end = len(data) + array.nbytes
        about = dict(dtype=NAMES[array.dtype.name], shape=array.shape, data_offsets=[len(data), end])
        header[name], data = about, data + array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(path)
