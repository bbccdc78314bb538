"""One run a workdir: the process that trains in it holds it, and dies with its hold."""

import contextlib
import errno
import fcntl
import logging
import os
import socket
import time

from gan_jax.errors import UsageError
from gan_jax.runtime import processes

log = logging.getLogger("gan_jax")

FILE = ".lock"

# What a file system answers that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def held(workdir):
    """Holds a workdir against other runs, for all processes of this one; whoever only reads needs no hold.

    The system lets go of it when process 0 ends, however it ends. NFS passes the lock on to other machines; a
    file system without locks is used unlocked, with a warning.

    Args:
        workdir: Folder of the run; it exists.

    Yields:
        Nothing.

    Raises:
        UsageError: Another run holds it; says which process, where, and since when.
    """
    file = processes.together(lambda: _taken(workdir) if processes.is_first() else None)
    # The file stays: who deletes it may delete the one that somebody else has just locked.
    with file or contextlib.nullcontext():
        yield


def _taken(workdir):
    """The locked file, with this process's name in it."""
    file = open(os.path.join(workdir, FILE), "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise UsageError(f"{workdir} is held by another run: {_holder(file)}") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        log.warning(
            "%s cannot be locked (%s): a second run in it would not be noticed", workdir, error.strerror
        )
    file.truncate(0)
    file.write(
        f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S %z')}\n"
    )
    file.flush()
    return file


def _holder(file):
    """Who wrote into the file; it is empty for a moment after it was locked."""
    file.seek(0)
    return file.read().strip() or "one that has just begun"
