"""`--config=FILE`, and the flags `--config.path=value` that change what the file returns."""

import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from absl import flags

from gan_jax import overrides, recipe
from gan_jax.cli import command, value
from gan_jax.errors import UsageError

_CHANGE = re.compile(r"--?(no)?config\.([^=]+)(?:=(.*))?", re.DOTALL)


class Config(NamedTuple):
    """The file and the changes of one command line.

    Attributes:
        flag: The flag of the file.
        example: A file for the message of a command line without it.
        changes: Pairs of a dotted path and a text, in the order given; empty until `take` has filled it.
    """

    flag: flags.FlagHolder[str | None]
    example: str
    changes: list[tuple[str, str]]

    def take(self, argv: Sequence[str]) -> list[str]:
        """Keeps the changes in some arguments.

        Args:
            argv: Arguments of a command line.

        Returns:
            The others.

        Raises:
            UsageError: A change that another one replaces.
        """
        rest, changes = split(argv)
        self.changes[:] = changes
        return rest

    def written(self) -> Any:
        """What the file's `get_config` returns, without the changes.

        Returns:
            The value, of any type.

        Raises:
            UsageError: No file was given, there is no such file, or it fails.
        """
        if not self.flag.value:
            raise UsageError(f"--config is missing; as in --config={self.example}")
        return recipe.run_config(str(command.path(self.flag.value)))

    def data(self) -> str:
        """The data after the file's colon; empty without."""
        return recipe.of_data(str(self.flag.value))[1]

    def stem(self) -> str:
        """The file's name without folder and ending."""
        file, _ = recipe.of_data(str(self.flag.value))
        return os.path.splitext(os.path.basename(file))[0]

    def change(self, tree: dict[str, Any], within: str = "") -> dict[str, Any]:
        """Applies the changes to nested dicts.

        Args:
            tree: From `overrides.fields`; changed in place.
            within: Path of the tree in the value that the file returns, with a dot at its end.

        Returns:
            The tree.

        Raises:
            UsageError: There is no place of such a path.
        """
        for path, text in self.changes:
            if path.startswith(within):
                inner = path.removeprefix(within)
                overrides.assign(tree, inner, value.parse(text, overrides.at(tree, inner)))
        return tree


def split(argv: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Takes the flags `--config.path=value` out of a command line.

    The value may also be the next argument. A flag without a value is True, and `--noconfig.path` is False.

    Args:
        argv: Arguments, after those of `--flagfile` were read.

    Returns:
        The other arguments, and pairs of a path and a text in the order given.

    Raises:
        UsageError: A flag replaces a part in which an earlier one has changed something.
    """
    rest: list[str] = []
    changes: list[tuple[str, str]] = []
    arguments = list(argv)
    while arguments and arguments[0] != "--":
        argument = arguments.pop(0)
        if not (found := _CHANGE.fullmatch(argument)):
            rest.append(argument)
            continue
        no, path, text = found.groups()
        if text is None:
            follows = not no and arguments and not arguments[0].startswith("--")
            text = arguments.pop(0) if follows else str(not no)
        if inner := next((earlier for earlier, _ in changes if earlier.startswith(f"{path}.")), None):
            raise UsageError(f"--config.{path} would replace what --config.{inner} says; give it before that")
        changes.append((path, text))
    return [*rest, *arguments], changes
