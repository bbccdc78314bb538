"""Files that are written completely or not at all."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from typing import IO, Any

log = logging.getLogger("gan_jax")

# Temporary files that are being written.
_UNFINISHED: set[str] = set()


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Writes a file beside the path and moves it to the path on leaving.

    Readers see the old file or the new one, also after the process is killed. After an error the old file
    stays, and the temporary one is removed.

    Args:
        path: The file; its folder exists.
        mode: `w` for text, `wb` for bytes.

    Yields:
        The open temporary file, in the same folder.

    Raises:
        OSError: The file cannot be written.
    """
    # The process id keeps two processes that write the same file apart.
    temporary = f"{os.fspath(path)}.{os.getpid()}.tmp"
    _UNFINISHED.add(temporary)
    try:
        with open(temporary, mode) as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
    finally:
        _UNFINISHED.discard(temporary)


def remove_unfinished() -> None:
    """Removes the temporary files that are being written, before the process ends at once."""
    for temporary in tuple(_UNFINISHED):
        with contextlib.suppress(OSError):
            os.remove(temporary)


@contextlib.contextmanager
def replacing(*paths: str) -> Iterator[None]:
    """Logs a warning about files that had other contents before a block of code wrote them.

    Args:
        *paths: Files; they need not exist.

    Yields:
        Nothing.
    """
    before = [_digest(path) for path in paths]
    yield
    changed = [path for path, old in zip(paths, before) if old and old != _digest(path)]
    if changed:
        log.warning("%s existed with other contents and was replaced", " and ".join(changed))


def _digest(path):
    """A hash of a file's contents; None if there is none that can be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).digest()
    except OSError:
        return None
