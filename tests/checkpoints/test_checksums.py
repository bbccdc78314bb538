"""Checksums of arrays: independent of the code that saves, written with a checkpoint, in the background."""

import json
import threading
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.checkpoints import checkpoint, checksums


def test_crc32_of_the_bytes_by_path():
    tree = {"a": {"kernel": jnp.array([[1.0, 2.0], [3.0, 4.0]])}, "step": jnp.int32(7)}
    # 00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40, and 07 00 00 00.
    kernel = bytes.fromhex("0000803f000000400000404000008040")
    assert checksums.checksums(tree) == {
        "a/kernel": zlib.crc32(kernel),
        "step": zlib.crc32(b"\x07\0\0\0"),
    }


def test_check_value_of_the_algorithm():
    # Of every description of CRC-32: that of the nine digits.
    digits = jnp.frombuffer(b"123456789", jnp.uint8)
    assert checksums.checksums([digits]) == {"0": 0xCBF43926}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "uint8", "bool", "int32"])
def test_every_dtype_and_rank_and_a_change_of_the_last_element(dtype):
    for shape in ((), (3,), (2, 3)):
        ones, changed = np.ones(shape, jnp.dtype(dtype)), np.ones(shape, jnp.dtype(dtype))
        changed.flat[-1] = 0
        of = [checksums.checksums([jnp.asarray(array)])["0"] for array in (ones, changed)]
        assert of == [zlib.crc32(array.tobytes()) for array in (ones, changed)]
        assert of[0] != of[1]


def test_random_keys_have_one_too():
    key = jax.random.key(5)
    expected = zlib.crc32(np.asarray(jax.random.key_data(key)).tobytes())
    assert checksums.checksums({"key": key}) == {"key": expected}


def test_the_copy_on_the_host_outlives_donation():
    state = jax.device_put(jnp.arange(1000.0))
    copied = checksums.on_host([state])[0]
    jax.block_until_ready(jax.jit(lambda x: x * 0 - 1, donate_argnums=0)(state))
    np.testing.assert_array_equal(copied, np.arange(1000.0))
    assert copied.flags.owndata and copied.flags.writeable


def test_arrays_that_differ_are_named_in_both_dicts():
    assert checksums.differing({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": 4}) == ["b", "c", "d"]
    assert checksums.differing({"a": 1}, {"a": 1}) == []


def _saved(folder, meanwhile=lambda: None):
    """Saves a small tree, does something as soon as the save has returned, and waits."""
    tree = {"a": jnp.arange(6.0).reshape(2, 3), "b": jnp.int32(3)}
    with checkpoint.manager(str(folder), keep=1) as manager:
        checkpoint.save(manager, 4, tree)
        meanwhile()
    return tree, folder / "checkpoints" / "4"


def test_written_with_a_checkpoint(tmp_path):
    tree, folder = _saved(tmp_path)
    written = json.loads((folder / "checksums" / "crc32.json").read_text())
    assert written == {name: zlib.crc32(np.asarray(leaf).tobytes()) for name, leaf in tree.items()}
    assert checksums.read(str(folder)) == written


def test_training_continues_while_they_are_computed(tmp_path, monkeypatch):
    returned, waits, original = threading.Event(), [], checksums.checksums

    def after_the_save_has_returned(tree):
        waits.append(returned.wait(30))
        return original(tree)

    monkeypatch.setattr(checksums, "checksums", after_the_save_has_returned)
    _, folder = _saved(tmp_path, meanwhile=returned.set)
    assert waits == [True] and len(checksums.read(str(folder))) == 2


def test_only_the_first_process_writes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(checksums.processes, "is_first", lambda: False)
    _, folder = _saved(tmp_path)
    with pytest.raises(FileNotFoundError):
        checksums.read(str(folder))
