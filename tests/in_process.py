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
    """The same as `python -m module`, without a process of its own.

    Args:
        *given: Flags.
        module: A command line of the package.

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
    """Takes back what the command line defines, so that it can be defined again.

    Commands of the benchmark that this process has imported have flags of the same names; they are put aside.
    """
    app.define_help_flags()  # absl does so only once.
    by_module = flags.FLAGS.flags_by_module_dict().items()
    others = [(flag, module) for module, each in by_module if module.startswith("gan_jax.") for flag in each]
    for flag, _ in others:
        delattr(flags.FLAGS, flag.name)
    try:
        yield
    finally:
        # Its module is the program, which absl knows by its path.
        spec = importlib.util.find_spec(module)
        program = importlib.util.find_spec(f"{module}.__main__") if spec.submodule_search_locations else spec
        for flag in flags.FLAGS.get_flags_for_module(program.origin):
            delattr(flags.FLAGS, flag.name)
        for flag, module in others:
            flags.FLAGS[flag.name] = flag
            flags.FLAGS.register_flag_by_module(module, flag)
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
