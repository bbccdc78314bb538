"""A file is the old one or the new one, whatever happens while it is written."""

import builtins
import errno
import os
import signal
import subprocess
import sys

import command_line
import pytest

from gan_jax.runtime import files


@pytest.fixture
def path(tmp_path):
    """A file with a text."""
    path = tmp_path / "record.json"
    path.write_text("old")
    return path


def _only(path, text):
    """Does the folder hold this file alone, with this text?"""
    return os.listdir(path.parent) == [path.name] and path.read_text() == text


def test_text_and_bytes_replace_the_file(path):
    for target in (path, str(path)):
        with files.write_atomically(target) as file:
            file.write("n\N{LATIN SMALL LETTER E WITH ACUTE}w")
        assert _only(path, "n\N{LATIN SMALL LETTER E WITH ACUTE}w")
    with files.write_atomically(path, "wb") as file:
        file.write(b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"


def test_a_file_is_made_where_there_was_none(tmp_path):
    with files.write_atomically(tmp_path / "new") as file:
        file.write("text")
    assert _only(tmp_path / "new", "text")


def test_readers_see_the_old_file_until_the_new_one_is_complete(path):
    with files.write_atomically(path) as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
        assert str(os.getpid()) in os.path.basename(file.name)
        assert os.path.dirname(file.name) == str(path.parent)
    assert _only(path, "new")


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_exception_in_the_middle_leaves_the_old_file_alone(path, error):
    with pytest.raises(error), files.write_atomically(path) as file:
        file.write("half of the")
        raise error
    assert _only(path, "old")


def test_a_full_disk_leaves_the_old_file_alone(path):
    # Linux has a device that is always full; writing is buffered, so the error comes on closing.
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    original = builtins.open
    with pytest.MonkeyPatch.context() as patch:

        def full(name, mode):
            original(name, mode).close()
            return original("/dev/full", mode)

        patch.setattr(files, "open", full, raising=False)
        with pytest.raises(OSError) as error, files.write_atomically(path) as file:
            file.write("new")
    assert error.value.errno == errno.ENOSPC and _only(path, "old")


def test_a_failed_replacement_leaves_the_old_file_alone(path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError), files.write_atomically(path) as file:
        file.write("new")
    assert _only(path, "old")


def test_a_folder_that_cannot_be_written_is_the_system_s_error(path, monkeypatch):
    with pytest.raises(FileNotFoundError), files.write_atomically(path.parent / "none" / "file"):
        pytest.fail("the file was opened")

    def refuse(name, mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)

    # Not by the folder's mode, since tests may run as a user who can write everywhere.
    monkeypatch.setattr(files, "open", refuse, raising=False)
    with pytest.raises(PermissionError), files.write_atomically(path):
        pytest.fail("the file was opened")
    assert _only(path, "old")


def test_a_kill_in_the_middle_leaves_the_old_file(path):
    code = (
        "import sys; from gan_jax.runtime import files\n"
        "with files.write_atomically(sys.argv[1]) as file:\n"
        "    file.write('half'); file.flush(); print('written', flush=True); input()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=command_line.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout.readline() == "written\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert path.read_text() == "old"
    with files.write_atomically(path) as file:
        file.write("new")
    assert path.read_text() == "new"
