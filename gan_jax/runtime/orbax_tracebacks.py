"""Tracebacks of reads and writes that end after another one has failed.

Orbax reads and writes the arrays of a checkpoint concurrently. When one fails, it closes the event loop that
waits for the others. TensorStore ends these a little later, and for each of them Python prints a traceback
about the closed loop, which does not name the failure.
"""

import sys


def ignore() -> None:
    """Hides these tracebacks and no others. It changes the whole process, so only programs should call it."""
    original = sys.unraisablehook

    def hook(unraisable):
        error = unraisable.exc_value
        if not (isinstance(error, RuntimeError) and str(error) == "Event loop is closed"):
            original(unraisable)

    sys.unraisablehook = hook
