"""Prepares folders of public images: `python -m gan_jax.data.prepare emoji --output=FOLDER`."""

from absl import flags

from gan_jax.cli import command
from gan_jax.data import packages
from gan_jax.errors import UsageError

_OUTPUT = flags.DEFINE_string("output", None, "Folder to make; data/<name> by default.")
_DOWNLOADS = flags.DEFINE_string(
    "downloads",
    None,
    "Folder with packages that are fetched already, and where others are kept; the cache by default.",
)
_WORDS: list[str] = []


def _do() -> None:
    if len(_WORDS) != 1:
        raise UsageError(f"expected what to prepare, one of {', '.join(packages.RECIPES)}, got {_WORDS}")
    (name,) = _WORDS
    output = command.path(_OUTPUT.value) or f"data/{name}"
    print(packages.prepare(name, output, command.path(_DOWNLOADS.value)))


if __name__ == "__main__":
    command.run(_do, words=_WORDS)
