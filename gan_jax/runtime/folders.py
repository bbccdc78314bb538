"""Folders that a run writes in."""

import contextlib
import os
import time
from collections.abc import Iterator

from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import processes


def check_writable(folder: str) -> None:
    """Makes sure that a folder can be written, without making it.

    Args:
        folder: Its path; it need not exist.

    Raises:
        UsageError: The nearest path that exists is not a folder, or this user may not write in it.
    """
    nearest = os.path.abspath(folder)
    while not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest)
    if not os.path.isdir(nearest):
        raise UsageError(f"folder {folder} cannot be written: Not a directory")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(f"folder {folder} cannot be written: Permission denied")


def make_writable(folder: str) -> None:
    """Makes a folder and makes sure that it can be written.

    Args:
        folder: Its path; missing folders above it are made too.

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


def make_room(file: str) -> None:
    """Makes the folder of a file, and makes sure that the file can be written there; called before the work.

    Args:
        file: Its path; missing folders above it are made.

    Raises:
        UsageError: The folder cannot be made or written, or a folder has the file's name.
    """
    if os.path.isdir(file) or not os.path.basename(file):
        raise UsageError(f"{file} cannot be written: it is the name of a folder, expected that of a file")
    make_writable(os.path.dirname(os.path.abspath(file)))


def share(folder: str) -> None:
    """Makes the folder of a run, and makes sure that all processes see the same folder.

    Args:
        folder: Its path.

    Raises:
        UsageError: It cannot be made or written, or processes see different folders under this path.
    """
    # A new name every time: network file systems cache for a while that a file does not exist.
    probe = os.path.join(folder, f".shared.{processes.from_first(time.time)}")

    def put():
        if processes.is_first():
            make_writable(folder)
            open(probe, "w").close()

    def see():
        if not os.path.exists(probe):
            raise UsageError(
                f"{folder} is not the folder of this name that process 0 writes; expected a folder on a file "
                "system that all processes share"
            )

    processes.together(put)
    processes.together(see)
    if processes.is_first():
        os.remove(probe)


@contextlib.contextmanager
def errors_as_faults(workdir: str) -> Iterator[None]:
    """Turns the system's errors into Faults while a run writes in its workdir.

    Args:
        workdir: Folder of the run.

    Yields:
        Nothing.

    Raises:
        Fault: A file cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        raise Fault(f"training in {workdir} ended: {error}") from error
