"""What command lines share: flags parsed before JAX is imported, and a user's mistake as one line."""

import logging
import sys

from absl import app, flags
from absl import logging as absl_logging

from gan_jax.errors import Divergence, Fault, UsageError, unknown
from gan_jax.runtime import cache, orbax_tracebacks


def run(do, explain=None):
    """Parses the flags, does something, and ends the process.

    Args:
        do: Function of nothing; its UsageError ends with exit code 2, its Divergence,
            Fault or OSError with 1.
        explain: Function `(argv, error)` that may end with a better message than that of a flag's error.
    """

    def main(argv):
        del argv
        log = logging.getLogger("gan_jax")
        log.setLevel(logging.INFO)
        log.addHandler(logging.StreamHandler(sys.stderr))
        log.propagate = False
        # Orbax logs pages about every error that it raises.
        absl_logging.set_verbosity(absl_logging.FATAL)
        orbax_tracebacks.ignore()
        try:
            do()
        except UsageError as error:
            fail(error)
        except (Divergence, Fault, OSError) as error:
            fail(error, code=1)

    def parse(argv):
        try:
            rest = flags.FLAGS(argv)
        except SystemExit:
            sys.exit(0)  # absl leaves with 1 after --help.
        except Exception as error:  # A config file is a program and may raise anything.
            if explain is not None:
                explain(argv, error)
            fail(error)
        if len(rest) > 1:
            fail(UsageError(f"unexpected argument {rest[1]!r}: everything is a --flag"))
        return rest

    app.run(main, flags_parser=parse)


def check(flag, names, known):
    """Makes sure that a flag's names exist.

    Args:
        flag: Its name.
        names: The names given.
        known: Those that exist.

    Raises:
        UsageError: One does not.
    """
    for name in names:
        if name not in known:
            raise unknown(f"--{flag}", name, known)


def say(line):
    """Prints a line about progress, which is no result."""
    print(line, file=sys.stderr, flush=True)


def fail(error, code=2):
    """Ends the process with one line."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)


def import_jax():
    """Imports JAX, with a compilation cache."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", cache.folder("compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
