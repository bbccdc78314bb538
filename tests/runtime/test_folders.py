import os

import pytest

from gan_jax.errors import UsageError
from gan_jax.runtime import folders


def test_a_folder_that_cannot_be_written_is_known_before_it_is_made(tmp_path, monkeypatch):
    folders.check_writable(str(tmp_path / "a" / "b"))
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        folders.check_writable(str(tmp_path / "file" / "b"))
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(tmp_path))
    with pytest.raises(UsageError, match="cannot be written: Permission denied"):
        folders.check_writable(str(tmp_path / "a" / "b"))


def test_a_folder_for_all_processes_is_made_and_left_empty(tmp_path):
    folders.share(str(tmp_path / "a" / "b"))
    assert os.listdir(tmp_path / "a" / "b") == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        folders.share(str(tmp_path / "file" / "b"))


def test_a_folder_that_other_processes_do_not_see_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folders.processes, "is_first", lambda: False)
    with pytest.raises(UsageError, match="run is not the folder of this name that process 0 writes"):
        folders.share(str(tmp_path / "run"))
    assert os.listdir(tmp_path) == []
