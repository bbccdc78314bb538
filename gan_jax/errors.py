"""What a user's mistake looks like: one line that says what was given, expected, and exists."""

import difflib


class UsageError(ValueError):
    """A mistake in a flag, a recipe or a workdir; `main` prints it as one line and exits with 2."""


class Fault(RuntimeError):
    """What nobody did wrong: a disk or data that failed; `main` prints it as one line and exits with 1."""


class Divergence(RuntimeError):
    """A loss or a parameter that is no longer finite; `main` prints it as one line and exits with 1."""


def unknown(field, name, names, *, shown=24):
    """A UsageError for a name that does not exist: the nearest ones, and all of them if they are few.

    Args:
        field: Where the name stands, for example `losses.generator`.
        name: The name given.
        names: The names that exist.
        shown: List all names only up to this many.

    Returns:
        The error, to be raised by the caller.
    """
    names = sorted(names)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    exist = f"; these exist: {', '.join(names) or 'none'}" if len(names) <= shown else ""
    return UsageError(f"{field}: unknown name {name!r}{hint}{exist}")
