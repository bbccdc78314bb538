"""Runs side by side, as one HTML page: `python -m gan_jax.compare runs/a runs/b`.

It has the curves, the newest grid of samples, the values of the last evaluation, and what the recipes have
other than the first one's.
"""

import os

from absl import flags

from gan_jax.cli import command
from gan_jax.errors import UsageError

_OUTPUT = flags.DEFINE_string("output", "compare.html", "The page to write.")
_RUNS: list[str] = []


def _do() -> None:
    paths = [str(command.path(path)).rstrip(os.sep) or os.sep for path in _RUNS]
    if not paths:
        raise UsageError("no run: give workdirs, as in python -m gan_jax.compare runs/a runs/b")
    if doubled := [path for path in paths if paths.count(path) > 1]:
        raise UsageError(f"{doubled[0]}: this run is given twice")
    command.import_jax()
    from gan_jax.runtime import folders
    from gan_jax.runtime.files import write_atomically
    from gan_jax.study import runs

    output = str(command.path(_OUTPUT.value))
    text = runs.compared([runs.read(path) for path in paths])
    folders.make_room(output)
    with write_atomically(output) as file:
        file.write(text)
    print(output)


if __name__ == "__main__":
    command.run(_do, words=_RUNS)
