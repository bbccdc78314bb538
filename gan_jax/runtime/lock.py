"""Exclusive workdir lock, released when the process exits."""

import contextlib
import errno
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator

from gan_jax.errors import UsageError
from gan_jax.runtime import processes

log = logging.getLogger("gan_jax")

FILE = ".lock"

# Errors of a file system without locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def held(workdir: str) -> Iterator[None]:
    """Locks a workdir for all processes of this run; readers need no lock.

    The system releases the lock when process 0 exits, even if it is killed. On NFS the lock holds across
    machines. A file system without locks is used unlocked, with a warning.

    Args:
        workdir: Folder of the run; it exists.

    Yields:
        Nothing.

    Raises:
        UsageError: Another run has the lock; names its process, its machine and the time.
    """
    file = processes.together(lambda: _locked(workdir) if processes.is_first() else None)
    # The file stays: another run may have just locked it.
    with file or contextlib.nullcontext():
        yield


def _locked(workdir):
    """The locked file, which names this process."""
    file = open(os.path.join(workdir, FILE), "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise UsageError(f"{workdir} is held by another run: {_holder(file)}") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        log.warning("%s cannot be locked (%s): concurrent runs cannot be detected", workdir, error.strerror)
    file.truncate(0)
    file.write(
        f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S %z')}\n"
    )
    file.flush()
    return file


def _holder(file):
    """The process that the file names; the file is empty for a moment after it was locked."""
    file.seek(0)
    return file.read().strip() or "one that has just started"
