"""Folders for what is made once and kept, readable by this user alone: what lies in some of them is run."""

import os


def path(name):
    """The path of a folder of the cache.

    Args:
        name: Its name, such as `compiled`.

    Returns:
        A path in `$XDG_CACHE_HOME/gan_jax` or `~/.cache/gan_jax`.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "gan_jax", name)


def folder(name):
    """The same, made if it does not exist."""
    made = path(name)
    os.makedirs(made, mode=0o700, exist_ok=True)
    return made
