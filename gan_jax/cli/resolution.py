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
        pair = isinstance(argument, str) and _PAIR.fullmatch(argument)
        return tuple(int(side) for side in pair.groups() if side) if pair else super().parse(argument)
