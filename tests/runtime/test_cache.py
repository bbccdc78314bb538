"""The cache's folders, and what happens where they cannot be written."""

import logging
import os

import pytest

from gan_jax.runtime import cache


def test_folders_are_made_for_this_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache.path("compiled") == str(tmp_path / "home" / "gan_jax" / "compiled")
    folder = cache.folder("compiled")
    assert folder == cache.path("compiled") and os.listdir(folder) == []
    assert os.stat(folder).st_mode & 0o777 == 0o700


@pytest.mark.parametrize("place", ["file/below", "/proc/nope"])
def test_one_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch, caplog, place):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", os.path.join(tmp_path, place))
    with caplog.at_level(logging.WARNING, "gan_jax"):
        assert cache.folder("classifiers") is None
    assert "cannot be written" in caplog.text and "XDG_CACHE_HOME" in caplog.text
