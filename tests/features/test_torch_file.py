import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch_writer
from torch_writer import Parameter, Storage, Tensor, tensor, write_stream, write_zip

from gan_jax.errors import UsageError
from gan_jax.features import torch_file

writers = pytest.mark.parametrize("write", torch_writer.WRITERS.values(), ids=torch_writer.WRITERS)


def line(path):
    """The one line with which a file is refused."""
    with pytest.raises(UsageError) as raised:
        torch_file.read(path)
    message = str(raised.value)
    assert "\n" not in message and message.startswith(f"{path} is not a readable PyTorch weight file: ")
    return message


@writers
@pytest.mark.parametrize("dtype", torch_writer.TYPES)
def test_reads_every_element_type(tmp_path, write, dtype):
    array = (np.arange(24) % 5 - 1).astype(dtype).reshape(2, 3, 4)
    read = torch_file.read(write(tmp_path / "a.pth", {"a.weight": tensor(array)}))
    assert list(read) == ["a.weight"] and read["a.weight"].dtype == dtype
    np.testing.assert_array_equal(read["a.weight"], array)


@writers
def test_reads_a_state_dict(tmp_path, write):
    # As a module's state dict: ordered, with an attribute, a parameter, a scalar and an empty tensor.
    content = OrderedDict(
        weight=Parameter(tensor(np.float32([[1, 2], [3, 4]]))),
        steps=tensor(np.int64(7)),
        empty=tensor(np.zeros((0, 3), np.float32)),
    )
    content._metadata = OrderedDict({"": dict(version=1)})
    read = torch_file.read(write(tmp_path / "a.pth", content))
    np.testing.assert_array_equal(read["weight"], [[1, 2], [3, 4]])
    assert read["steps"].shape == () and read["steps"] == 7
    assert read["empty"].shape == (0, 3)


@writers
def test_views_share_a_storage(tmp_path, write):
    shared = Storage(np.arange(12, dtype=np.float32))
    content = {"turned": Tensor(shared, (4, 3), (1, 4)), "part": Tensor(shared, (2, 2), (6, 2), offset=1)}
    read = torch_file.read(write(tmp_path / "a.pth", content))
    np.testing.assert_array_equal(read["turned"], np.arange(12).reshape(3, 4).T)
    np.testing.assert_array_equal(read["part"], [[1, 3], [7, 9]])
    read["turned"][:] = 0
    assert read["part"][0, 0] == 1  # arrays do not share memory, as what comes next may write to them


class _Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@writers
@pytest.mark.parametrize("function", [os.system, eval, exec, __import__, getattr, np.load])
def test_refuses_to_call(tmp_path, write, function):
    victim = tmp_path / "run"
    content = {"a": tensor(np.ones(2, np.float32)), "b": _Call(function, f"touch {victim}")}
    message = line(write(tmp_path / "a.pth", content))
    assert f"{function.__name__}, which tensors do not need; nothing was run" in message
    assert not victim.exists()


def test_refuses_a_call_in_the_head_of_a_stream(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(_Call(os.system, f"touch {tmp_path / 'run'}"), protocol=2))
    assert "system" in line(path)
    assert not (tmp_path / "run").exists()


def test_a_pickle_cannot_alter_what_the_next_one_may_name(tmp_path):
    # BUILD on a function sets its attributes: here the defaults of what rebuilds a tensor.
    opcodes = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x0c\x00\x00\x00__defaults__K\x01s\x86b."
    (tmp_path / "a.pth").write_bytes(opcodes)
    line(tmp_path / "a.pth")
    good = write_stream(tmp_path / "b.pth", {"a": tensor(np.ones(2, np.float32))})
    np.testing.assert_array_equal(torch_file.read(good)["a"], [1, 1])


@writers
def test_refuses_truncated_files(tmp_path, write):
    content = {name: tensor(np.arange(9, dtype=np.float32)) for name in "abc"}
    whole = write(tmp_path / "whole.pth", content).read_bytes()
    for length in [*range(0, len(whole) - 1, 11), len(whole) - 1]:
        path = tmp_path / "cut.pth"
        path.write_bytes(whole[:length])
        line(path)


@writers
@pytest.mark.parametrize(
    "reach",
    [
        dict(shape=(7,), strides=(1,)),
        dict(shape=(2,), strides=(1,), offset=5),
        dict(shape=(2,), strides=(-1,)),
        dict(shape=(10**10,), strides=(0,)),
    ],
)
def test_refuses_tensors_beyond_their_storage(tmp_path, write, reach):
    line(write(tmp_path / "a.pth", {"a": Tensor(Storage(np.ones(6, np.float32)), **reach)}))


@writers
@pytest.mark.parametrize(
    "content", [[tensor(np.ones(2, np.float32))], {"state_dict": {}, "epoch": 3}, {"a": [1.0]}, 5]
)
def test_refuses_what_is_no_dict_of_tensors(tmp_path, write, content):
    assert "something else than a dict of tensors" in line(write(tmp_path / "a.pth", content))


def test_says_that_storages_are_cut_short(tmp_path):
    path = write_stream(tmp_path / "a.pth", {"a": tensor(np.ones(4, np.float32))})
    whole = path.read_bytes()
    for missing in (1, 16, 17, 24):  # in the bytes, all of the bytes, in their count, all of the count
        path.write_bytes(whole[:-missing])
        assert "it is cut short" in line(path)


def test_refuses_big_endian_files(tmp_path):
    content = {"a": tensor(np.ones(2, np.float32))}
    line(write_zip(tmp_path / "a.pth", content, byteorder=b"big"))
    line(write_stream(tmp_path / "a.pth", content, little_endian=False))


def test_refuses_other_files(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.ones(2))
    assert "data.pkl" in line(tmp_path / "a.npz")
    (tmp_path / "a.txt").write_text("<html>Not Found</html>")
    line(tmp_path / "a.txt")
    assert "No such file" in line(tmp_path / "none.pth")
    line(tmp_path)


def test_refuses_a_compressed_archive(tmp_path):
    """A small one could unpack to more than the memory of the machine."""
    plain = write_zip(tmp_path / "a.pth", {"a": tensor(np.ones(2, np.float32))})
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert "it is compressed" in line(tmp_path / "b.pth")
