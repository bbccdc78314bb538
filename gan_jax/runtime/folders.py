"""Folders that a run writes to."""

import contextlib
import os
import time

from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import processes


def check_writable(folder):
    """Says why nothing could be written in a folder, without making it.

    Args:
        folder: Its path; it need not exist.

    Raises:
        UsageError: The nearest folder that exists is no folder, or this user may not write in it.
    """
    there = os.path.abspath(folder)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        raise UsageError(f"folder {folder} cannot be written: Not a directory")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"folder {folder} cannot be written: Permission denied")


def make_writable(folder):
    """Makes a folder, or says why nothing can be written in it.

    Args:
        folder: Its path; folders on the way are made too.

    Raises:
        UsageError: It cannot be made or written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        probe = os.path.join(folder, f".probe.{os.getpid()}")
        open(probe, "w").close()
        os.remove(probe)
    except OSError as error:
        raise UsageError(f"folder {folder} cannot be written: {error.strerror}") from None


def share(folder):
    """Makes the folder of a run, and makes sure that it is one and the same for all processes.

    Args:
        folder: Its path.

    Raises:
        UsageError: It cannot be made or written, or processes see different folders under this path.
    """
    # A name that nobody has looked for yet: network file systems remember for a while what was not there.
    probe = os.path.join(folder, f".shared.{processes.from_first(time.time)}")

    def put():
        if processes.is_first():
            make_writable(folder)
            open(probe, "w").close()

    def see():
        if not os.path.exists(probe):
            raise UsageError(
                f"{folder} is not the folder of this name that process 0 writes; expected one on a file "
                "system that all processes share"
            )

    processes.together(put)
    processes.together(see)
    if processes.is_first():
        os.remove(probe)


@contextlib.contextmanager
def told_of(workdir):
    """Makes Faults of the system's errors while a run writes in its workdir.

    Args:
        workdir: Folder of the run.

    Yields:
        Nothing.

    Raises:
        Fault: Says where and what failed.
    """
    try:
        yield
    except OSError as error:
        raise Fault(f"training in {workdir} ended: {error}") from error
