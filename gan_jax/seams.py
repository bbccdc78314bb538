"""Where somebody else's function comes in: its mistakes become one line that says where."""

import contextlib
import functools
import os
import traceback
import typing
from collections.abc import Callable, Iterator
from typing import Any

from gan_jax.errors import Divergence, Fault, UsageError

# Errors that speak for themselves, and those of the machine.
_CLEAR = (UsageError, Fault, Divergence, OSError, MemoryError)
# Folders whose code is nobody's own.
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}lib{os.sep}python", f"{os.sep}gan_jax{os.sep}", "<")


@contextlib.contextmanager
def blamed(field: str) -> Iterator[None]:
    """Turns what a function raises into a UsageError.

    Args:
        field: Where the function stands in the recipe, or what it is.

    Yields:
        Nothing.

    Raises:
        UsageError: The field, the error's type and first line, and the line of code nearest to it that is not
            of an installed package.
    """
    try:
        yield
    except _CLEAR:
        raise
    except Exception as error:  # It is a program and may raise anything.
        if type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError"):
            raise  # Of the machine, such as too little memory.
        said = str(error).strip().partition("\n")[0]
        kind = type(error).__name__
        raise UsageError(
            f"{field}: {kind}: {said}{_place(error)}" if said else f"{field}: {kind}{_place(error)}"
        ) from error


def _place(error):
    """The file and line where an error comes from, the user's own if there is one."""
    if isinstance(error, SyntaxError):
        return ""  # Its message has them.
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in _INSTALLED)]
    return f" ({os.path.relpath(own[-1].filename)}:{own[-1].lineno})" if own else ""


def guarded(
    function: Callable[..., Any], field: str, check: Callable[[Any], str] = lambda result: ""
) -> Callable[..., Any]:
    """A function whose mistakes say where it stands in the recipe.

    Args:
        function: The function.
        field: Where it stands in the recipe, or what it is.
        check: Function from its result to what was expected instead, empty if the result is right.

    Returns:
        Function with the same parameters; it raises a UsageError for every error, and for a wrong result.
    """

    @functools.wraps(function)
    def call(*args, **options):
        with blamed(field):
            result = function(*args, **options)
            expected = check(result)
        if expected:
            raise UsageError(f"{field}: expected {expected}, got {described(result)}")
        return result

    return call


def made(factory: Callable[..., Any], options: dict[str, Any], kind: Any, field: str, *given: Any) -> Any:
    """What the function that a recipe names makes.

    Args:
        factory: The function or class.
        options: Its hyperparameters.
        kind: The type of its results, or a union of types.
        field: Where it stands in the recipe.
        *given: Its other arguments.

    Returns:
        The result.

    Raises:
        UsageError: It raises an error, or makes something else.
    """
    names = " or ".join(each.__name__ for each in typing.get_args(kind) or (kind,))

    def check(result):
        return "" if isinstance(result, kind) else f"a function that returns {names}"

    return guarded(factory, field, check)(*given, **options)


def described(value: Any) -> str:
    """A value in a few words: arrays by type and shape, dicts by their names, others by their type."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array {value.dtype}{list(value.shape)}"
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(str, value)) or 'nothing'}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {', '.join(map(described, value)) or 'nothing'}"
    return "None" if value is None else f"a value of type {type(value).__name__}"
