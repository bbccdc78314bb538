"""The frame of every command line: flags are parsed before JAX is imported, and errors are one line."""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NoReturn

from absl import app, flags
from absl import logging as absl_logging

from gan_jax import __version__
from gan_jax.errors import Divergence, Fault, UsageError, unknown
from gan_jax.runtime import cache, memory, orbax_tracebacks, signals


def run(
    do: Callable[[], None],
    take: Callable[[Sequence[str]], Sequence[str]] = list,
    explain: Callable[[], str] | None = None,
    words: list[str] | None = None,
) -> None:
    """Parses the flags, calls a function, and ends the process.

    Args:
        do: Function without arguments. After a UsageError the exit code is 2; after a Divergence, a Fault
            or an OSError it is 1.
        take: Function from the arguments, with those of `--flagfile`, to those that are flags of absl.
        explain: Function without arguments that returns the text of `--help`; None for absl's.
        words: List to fill with the arguments that are no flags; None for a command line of flags alone.
    """

    def main(argv):
        del argv
        log = logging.getLogger("gan_jax")
        log.setLevel(logging.INFO)
        log.addHandler(logging.StreamHandler(sys.stderr))
        log.propagate = False
        # Orbax logs long messages about every error that it raises.
        absl_logging.set_verbosity(absl_logging.FATAL)
        orbax_tracebacks.ignore()
        try:
            with signals.at_once(), memory.exhaustion_as_fault():
                do()
        except UsageError as error:
            fail(error)
        except (Divergence, Fault, OSError) as error:
            fail(error, code=1)

    def parse(argv):
        try:
            given = flags.FLAGS.read_flags_from_files(argv)
            if explain and any(re.fullmatch(r"--?(h|\?|help|helpshort)", word) for word in given[1:]):
                print(explain())
                sys.exit(0)
            if any(re.fullmatch("--?version", word) for word in given[1:]):
                print(f"gan_jax {__version__}")
                sys.exit(0)
            rest = flags.FLAGS(take(given))
        except SystemExit:
            sys.exit(0)  # absl exits with 1 after --help.
        except (flags.Error, UsageError) as error:
            fail(error)
        if words is not None:
            words[:] = rest[1:]
        elif len(rest) > 1:
            fail(UsageError(f"unexpected argument {rest[1]!r}: everything is a --flag"))
        return rest

    app.run(main, flags_parser=parse)


def check(flag: str, names: Iterable[str], known: Collection[str]) -> None:
    """Makes sure that the names in a flag's value exist.

    Args:
        flag: The flag.
        names: The names in its value.
        known: The names that exist.

    Raises:
        UsageError: A name does not exist.
    """
    for name in names:
        if name not in known:
            raise unknown(f"--{flag}", name, known)


def say(line: str) -> None:
    """Prints a line about progress to stderr, if anybody reads it; stdout has results only."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def path(value: str | None) -> str | None:
    """The path of a flag, with `~` as the home folder, which shells expand at the start of a word only."""
    return value and os.path.expanduser(value)


def fail(error: Exception | str, code: int = 2) -> NoReturn:
    """Ends the process with one line."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)


def import_jax() -> None:
    """Imports JAX, sets its compilation cache, and leaves its advice about frames out of tracebacks."""
    import jax

    if jax.config.jax_traceback_filtering == "auto":  # type: ignore[attr-defined]
        jax.config.update("jax_traceback_filtering", "quiet_remove_frames")

    # JAX adds its options to `Config` at run time, where mypy does not see them.
    if jax.config.jax_compilation_cache_dir is None and (  # type: ignore[attr-defined]
        folder := cache.folder("compiled")
    ):
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
