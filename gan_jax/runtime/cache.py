"""Folders that keep results between runs, readable by this user alone: some hold programs that are run."""

import os


def path(name: str) -> str:
    """The path of a folder of the cache.

    Args:
        name: Its name, such as `compiled`.

    Returns:
        A path in `$XDG_CACHE_HOME/gan_jax` or `~/.cache/gan_jax`.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "gan_jax", name)


def folder(name: str) -> str:
    """The same path; makes the folder if it does not exist."""
    place = path(name)
    os.makedirs(place, mode=0o700, exist_ok=True)
    return place
