"""Resolutions on a command line: `64`, `64x96` or `(64, 96)`, height before width."""

import re
from typing import Any

from absl import flags

# The height has no leading 0: 0x10 is a hexadecimal number.
_PAIR = re.compile(r"([1-9]\d*)x(\d+)|\((\d+), *(\d+)\)")


class Parser(flags.IntegerParser):
    """Parses a whole number, or a pair of height and width."""

    def parse(self, argument: Any) -> Any:
        """The value of a flag.

        Args:
            argument: Text from the command line, or the flag's default.

        Returns:
            An int, or a tuple of two.

        Raises:
            ValueError: Neither of these.
        """
        return isinstance(argument, str) and pair(argument) or super().parse(argument)


def pair(text: str) -> tuple[int, ...]:
    """The height and width in a text such as `64x96`; empty if it is none.

    Args:
        text: Text from the command line.

    Returns:
        Both, or an empty tuple.
    """
    found = _PAIR.fullmatch(text)
    return tuple(int(side) for side in found.groups() if side) if found else ()
