"""Mistakes in a config file, or in a flag that overrides its values, in one line."""

from collections.abc import Callable
from typing import Any, NoReturn

from gan_jax import recipe
from gan_jax.cli import command
from gan_jax.errors import UsageError, unknown


def explain(argv: list[str], error: Exception, *, plain: Callable[[Any], dict[str, Any]]) -> NoReturn:
    """Ends the process with the mistake behind an error of absl or of a config file.

    Args:
        argv: The command line.
        error: The error.
        plain: Function from the value of `get_config` to nested dicts of the fields that flags can override;
            raises a UsageError if the value has another type.
    """
    arguments = [argument.lstrip("-") for argument in argv[1:] if argument.startswith("-")]
    path = next(
        (argument.partition("=")[2] for argument in arguments if argument.startswith("config=")), None
    )
    if path:
        try:
            tree = plain(recipe.run_config(path))
        except UsageError as mistake:
            command.fail(mistake)
        except Exception as broken:  # A config file may return anything.
            command.fail(f"config {path}: {type(broken).__name__}: {broken}")
        for argument in arguments:
            if argument.startswith("config."):
                _check_override(argument[len("config.") :].partition("=")[0], tree)
    command.fail(error)


def _check_override(path, tree):
    """Ends the process if the field does not exist."""
    prefix = "config"
    for part in path.split("."):
        if not isinstance(tree, dict) or part not in tree:
            command.fail(unknown(prefix, part, tree if isinstance(tree, dict) else ()))
        tree, prefix = tree[part], f"{prefix}.{part}"
