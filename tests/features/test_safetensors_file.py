import json
import struct

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors_writer import write

from gan_jax.errors import UsageError
from gan_jax.features import safetensors_file


def _line(path):
    with pytest.raises(UsageError) as raised:
        safetensors_file.read(str(path))
    message = str(raised.value)
    assert "\n" not in message and message.startswith(f"{path} is not a readable safetensors file: ")
    return message


def _with_header(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_reads_every_element_type(tmp_path):
    arrays = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in ("f8", "f4", "f2", "i8", "i2", "u1")}
    arrays["scalar"], arrays["none"] = np.float32(7), np.zeros((0, 3), np.int32)
    arrays["bool"], arrays["brain"] = np.array([True, False]), np.array([1.5, -2.0], jnp.bfloat16)
    read = safetensors_file.read(write(tmp_path / "a.safetensors", arrays))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)
    read["f8"][:] = 0  # What was read may be written to.


def test_what_is_no_such_file_is_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    assert "No such file" in _line(path)
    path.write_bytes(b"")
    assert _line(path)
    path.write_bytes(struct.pack("<Q", 2**60) + b"{}")
    assert f"its header has {2**60} bytes, and the file 10" in _line(path)
    assert "its header is no table" in _line(_with_header(path, [1]))
    assert _line(_with_header(path, b"\xff\xfe"))
    assert _line(_with_header(path, {"w": 3}))


@pytest.mark.parametrize(
    "about, message",
    [
        (dict(dtype="F32", shape=[2], data_offsets=[0, 8]), "w [2] is at bytes 0 to 8 of 4"),
        (dict(dtype="F32", shape=[1], data_offsets=[0, 3]), "w [1] is at bytes 0 to 3 of 4"),
        (dict(dtype="F32", shape=[-1], data_offsets=[4, 0]), "w [-1] is at bytes 4 to 0 of 4"),
        (dict(dtype="F8_E4M3", shape=[4], data_offsets=[0, 4]), "w has elements of type F8_E4M3"),
    ],
)
def test_tensors_that_are_not_where_they_should_be(tmp_path, about, message):
    assert message in _line(_with_header(tmp_path / "a.safetensors", {"w": about}, bytes(4)))


def test_metadata_is_no_tensor(tmp_path):
    header = {
        "__metadata__": {"format": "pt"},
        "w": dict(dtype="U8", shape=[1], data_offsets=[0, 1]),
    }
    assert list(safetensors_file.read(str(_with_header(tmp_path / "a", header, b"\x05")))) == ["w"]
