"""Reads and writes that end after the one beside them has failed.

Orbax reads and writes the arrays of a checkpoint side by side. When one fails, it closes the event loop that
waits for the others; TensorStore, which ends them a little later, finds nobody to tell, and for each of them
Python prints a traceback that says nothing of what went wrong.
"""

import sys


def ignore():
    """Lets Python print no more of these, and everything else as before. For a process that is ours alone."""
    say = sys.unraisablehook

    def hook(unraisable):
        error = unraisable.exc_value
        if not (isinstance(error, RuntimeError) and str(error) == "Event loop is closed"):
            say(unraisable)

    sys.unraisablehook = hook
