"""Runs the command line in the test's own process, for tests of many command lines."""

import contextlib
import importlib.util
import io
import logging
import runpy
import sys
from unittest import mock

from absl import app, flags
from absl import logging as absl_logging


def run(*given, module="gan_jax.main"):
    """The same as `python -m gan_jax.main`, without a process of its own.

    Args:
        *given: Flags.
        module: Another command.

    Returns:
        Exit code, stdout and stderr. What would end in a traceback is raised.
    """
    out, err, code = io.StringIO(), io.StringIO(), 0
    with _logs_as_before(), mock.patch.object(sys, "argv", [module, *given]):
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out), _flags_as_before(module):
            try:
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            except SystemExit as end:
                code = end.code or 0
    return code, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def _flags_as_before(module):
    """Takes back what the command line defines, so that it can be defined again."""
    app.define_help_flags()  # absl does so only once.
    try:
        yield
    finally:
        # Its module is the program, which absl knows by its path.
        own = [
            flag.name for flag in flags.FLAGS.get_flags_for_module(importlib.util.find_spec(module).origin)
        ]
        for name in own:
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()


@contextlib.contextmanager
def _logs_as_before():
    """Takes back what the command line sets for its log."""
    verbosity = absl_logging.get_verbosity()
    loggers = [logging.getLogger(), logging.getLogger("gan_jax")]
    before = [(logger.level, logger.propagate, logger.handlers[:]) for logger in loggers]
    try:
        yield
    finally:
        absl_logging.set_verbosity(verbosity)
        for logger, settings in zip(loggers, before):
            logger.level, logger.propagate, logger.handlers = settings
