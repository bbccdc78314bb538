"""The modes of a command line: which flags each of them takes, and the text of `--help`."""

import textwrap
from collections.abc import Callable, Mapping
from typing import NamedTuple

from absl import flags

from gan_jax.errors import UsageError

_WIDTH = 110
_INDENT = "  "


class Mode(NamedTuple):
    """One task of a command line.

    Attributes:
        do: Function without arguments.
        says: What it does, one line for people.
        example: Its flags in an example.
        takes: Names of its flags, with blanks between them.
    """

    do: Callable[[], None]
    says: str
    example: str
    takes: str


def check(modes: Mapping[str, Mode], chosen: str, given: Callable[[str], bool]) -> None:
    """Makes sure that a mode takes the flags that were given.

    Args:
        modes: Modes by name.
        chosen: One of the names.
        given: Function from a flag's name to bool: does it stand on the command line?

    Raises:
        UsageError: The mode does not take a flag; says which modes do.
    """
    for name in dict.fromkeys(name for mode in modes.values() for name in mode.takes.split()):
        if given(name) and name not in modes[chosen].takes.split():
            others = [other for other, mode in modes.items() if name in mode.takes.split()]
            verb = "does" if len(others) == 1 else "do"
            raise UsageError(f"--{name}: --mode={chosen} does not take it; only {', '.join(others)} {verb}")


def described(program: str, modes: Mapping[str, Mode], always: str) -> str:
    """The text of `--help`: every mode with an example and the flags that it alone takes, then the others.

    Args:
        program: How the program is started, such as `python -m gan_jax.main`.
        modes: Modes by name, the default first.
        always: Names of the flags that belong to no mode, with blanks between them.

    Returns:
        Lines of at most 110 characters.
    """
    counts: dict[str, int] = {}
    for name in (name for mode in modes.values() for name in mode.takes.split()):
        counts[name] = counts.get(name, 0) + 1
    first = next(iter(modes))
    parts = [
        _mode(program, f"{name} (the default)" if name == first else name, mode, counts)
        for name, mode in modes.items()
    ]
    shared = [name for name, count in counts.items() if count > 1]
    parts.append(["flags of several modes:", *_flags(shared)])
    parts.append(["in every mode:", *_flags(always.split())])
    return "\n\n".join("\n".join(lines) for lines in parts)


def _mode(program, name, mode, counts):
    """The lines of one mode."""
    own = [flag for flag in mode.takes.split() if counts[flag] == 1]
    also = [f"--{flag}" for flag in mode.takes.split() if counts[flag] > 1]
    return [
        f"--mode={name}: {mode.says}",
        f"{_INDENT}{program} {mode.example}",
        *_flags(own),
        *_wrapped(f"and {', '.join(also)}", _INDENT, _INDENT),
    ]


def _flags(names):
    """A flag a line, or several if its help is long."""
    return [line for name in names for line in _flag(flags.FLAGS[name])]


def _flag(flag):
    default = flag.default_as_str.strip("'") if flag.default not in (None, [], False, 0) else ""
    text = f"{flag.help} [{default}]" if default else flag.help
    return _wrapped(f"--{flag.name:<20} {text}", _INDENT, " " * (len(_INDENT) + 23))


def _wrapped(text, first, others):
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
