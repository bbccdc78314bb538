"""Errors that become one line: it names the value, the expected values, and those that exist."""

import difflib
from collections.abc import Iterable


class UsageError(ValueError):
    """A user's mistake in a flag, a recipe or a workdir; `main` prints one line and exits with 2."""


class Unknown(UsageError):
    """A name that does not exist."""


class Fault(RuntimeError):
    """A failure of a disk or of data, no user's mistake; `main` prints one line and exits with 1."""


class Divergence(RuntimeError):
    """A loss or a parameter is no longer finite; `main` prints one line and exits with 1."""


def unknown(field: str, name: object, names: Iterable[str], *, shown: int = 24) -> Unknown:
    """The error for a name that does not exist; lists the nearest names, and all if they are few.

    Args:
        field: Place of the name, for example `losses.generator`.
        name: The unknown name.
        names: The names that exist.
        shown: Lists all names if there are at most this many.

    Returns:
        The error, for the caller to raise.
    """
    names = sorted(names)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    exist = f"; these exist: {', '.join(names) or 'none'}" if len(names) <= shown else ""
    return Unknown(f"{field}: unknown name {name!r}{hint}{exist}")
