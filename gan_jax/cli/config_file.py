"""What is wrong with a config file, or with a flag that changes what it says, in one line."""

import os
import runpy

from gan_jax.cli import command
from gan_jax.errors import UsageError, unknown


def explain(argv, error, *, plain):
    """Ends with the mistake that made absl or a config file give up.

    Args:
        argv: The command line.
        error: What was raised.
        plain: Function from what `get_config` returns to nested dicts of what flags can change; raises a
            UsageError where it returns something else.
    """
    given = [argument.lstrip("-") for argument in argv[1:] if argument.startswith("-")]
    path = next((argument.partition("=")[2] for argument in given if argument.startswith("config=")), None)
    if path:
        file, _, data = path.partition(":")
        if not os.path.isfile(file):
            command.fail(f"config file {file!r} does not exist")
        try:
            tree = plain(runpy.run_path(file)["get_config"](*[data] if data else []))
        except Exception as broken:  # A config file is a program and may raise anything.
            command.fail(
                broken
                if isinstance(broken, UsageError)
                else f"config {path}: {type(broken).__name__}: {broken}"
            )
        for argument in given:
            if argument.startswith("config."):
                _check_override(argument[len("config.") :].partition("=")[0], tree)
    command.fail(error)


def _check_override(path, tree):
    """Ends if there is no such field."""
    walked = "config"
    for part in path.split("."):
        if not isinstance(tree, dict) or part not in tree:
            command.fail(unknown(walked, part, tree if isinstance(tree, dict) else ()))
        tree, walked = tree[part], f"{walked}.{part}"
