"""The flags `--config.path=value`."""

import pytest

from gan_jax.cli import config_file
from gan_jax.errors import UsageError


def test_changes_are_taken_out_in_order():
    argv = ["main", "--config", "a.py", "--config.a.b=1", "--workdir=x", "-config.c", "2", "--config.d=e=f"]
    rest, changes = config_file.split(argv)
    assert rest == ["main", "--config", "a.py", "--workdir=x"]
    assert changes == [("a.b", "1"), ("c", "2"), ("d", "e=f")]


def test_a_flag_without_value_is_true_and_one_with_no_is_false():
    argv = [
        "main",
        "--config.data.flip",
        "--noconfig.a",
        "--config.x",
        "-1",
        "--config.y",
        "--",
        "--config.z=1",
    ]
    rest, changes = config_file.split(argv)
    assert changes == [("data.flip", "True"), ("a", "False"), ("x", "-1"), ("y", "True")]
    assert rest == ["main", "--", "--config.z=1"]


def test_a_flag_does_not_replace_what_another_one_says():
    with pytest.raises(UsageError, match="^--config.a would replace what --config.a.b says; give it before"):
        config_file.split(["main", "--config.a.b=1", "--config.a=2"])
    assert config_file.split(["main", "--config.a={}", "--config.a.b=1", "--config.ab=1"])[0] == ["main"]
