"""Flags that several commands of the benchmark have, defined once: one process can import them all."""

from collections.abc import Collection

from absl import flags

from gan_jax.cli import command

REPEATS = flags.DEFINE_integer("repeats", 5, "Rounds; each measures everything once.", 1)
SECONDS = flags.DEFINE_float("seconds", 1.0, "Approximate duration of a block of steps.", 0.0)
OUTPUT = flags.DEFINE_string("output", None, "Where results are written, as described above.")
_CASES = flags.DEFINE_list("cases", [], "Cases to measure; all if none is given.")


def cases(known: Collection[str]) -> list[str]:
    """The cases that a command measures.

    Args:
        known: Names of all its cases.

    Returns:
        Those of `--cases`, or all.

    Raises:
        UsageError: `--cases` names another.
    """
    command.check("cases", _CASES.value, known)
    return _CASES.value or list(known)
