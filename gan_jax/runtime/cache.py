"""Folders that keep results between runs, readable by this user alone: some hold programs that are run."""

import logging
import os
import tempfile

log = logging.getLogger("gan_jax")


def path(name: str) -> str:
    """The path of a folder of the cache.

    Args:
        name: Its name, such as `compiled`.

    Returns:
        A path in `$XDG_CACHE_HOME/gan_jax` or `~/.cache/gan_jax`.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "gan_jax", name)


def folder(name: str) -> str | None:
    """The same path, of a folder that exists; None, with a warning, if nothing can be written there.

    A cache only saves time, so everything goes on without one.
    """
    place = path(name)
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        log.warning(
            "cache %s cannot be written (%s), going on without it; XDG_CACHE_HOME sets another place",
            place, error.strerror,
        )  # fmt: skip
        return None
    return place
