"""From a name and a dict of hyperparameters to a call, with every mistake in one line."""

import contextlib
import contextvars
import functools
import importlib
import inspect
import itertools
import math
import re
import typing
from collections.abc import Callable, Collection, Iterator, Sequence
from types import ModuleType, UnionType
from typing import Annotated, Any

import jax
import numpy as np
import optax

from gan_jax import seams
from gan_jax.errors import UsageError, unknown

# True while names of somebody else are looked up. It belongs to the context rather than to a parameter, since
# networks look up the names of their heads and activations deep inside a call.
_LIBRARY_ALONE: contextvars.ContextVar[bool] = contextvars.ContextVar("library_alone", default=False)

# Modules that a workdir of somebody else may name functions of: those that hold ideas, and what recipes take
# from libraries. Other parts of this package, of JAX and of Flax write files, run files and call functions.
IDEAS = tuple(
    f"gan_jax.{place}"
    for place in (
        "augment", "data", "degradations", "features.perceptual", "games", "latents", "losses", "metrics", "modalities",
        "moves", "nets", "penalties", "transforms", "wrap",
    )
)  # fmt: skip
LIBRARIES = ("optax", "flax.linen", "jax.nn")


class Foreign(UsageError):
    """A name whose function is not of the library, where only these are looked up."""


@contextlib.contextmanager
def library_alone(*, needed: bool = True) -> Iterator[None]:
    """Looks up names in the library alone and imports nothing else: importing a module runs its code.

    Within it, `find` looks in its places and in `LIBRARIES`, and takes functions that these or `IDEAS`
    define.

    Args:
        needed: False for a context that changes nothing.

    Yields:
        Nothing.
    """
    token = _LIBRARY_ALONE.set(needed or _LIBRARY_ALONE.get())
    try:
        yield
    finally:
        _LIBRARY_ALONE.reset(token)


# The type of a whole number that may be 0 although its default is not. Most others count or measure something
# that must exist, and 0 would fail much later with another message.
FromZero = Annotated[int, 0]


def find(name: Any, places: Sequence[ModuleType], field: str) -> Callable[..., Any]:
    """The function of a name.

    Args:
        name: A function, a name such as `adam` or `dcgan.Generator`, or a dotted path such as
            `my_package.my_losses.my_loss`.
        places: Modules to look in, in order, before the name is taken for a dotted path.
        field: Where the name stands in the recipe, for the message.

    Returns:
        The function or class.

    Raises:
        Unknown: There is none; says which exist.
        UsageError: Its module cannot be imported, or has no such function.
        Foreign: Within `library_alone`, the name leads out of the library.
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        raise UsageError(f"{field}={name!r}: expected a name or a function")
    path, _, last = name.rpartition(".")
    homes = (*(place.__name__ for place in places), *LIBRARIES)
    alone = _LIBRARY_ALONE.get()
    module = None
    for owner in [*(f"{place.__name__}.{path}" if path else place.__name__ for place in places), path]:
        module = None if alone and not _within(owner, homes) else _module(owner, field)
        function = getattr(module, last, None)
        if callable(function):
            if alone and not _within(_home(function), (*homes, *IDEAS, "jax", "flax")):
                raise Foreign(f"{field}={name!r} is not a function of gan_jax, optax, flax.linen or jax.nn")
            return function
    if alone and names_code(name):
        raise Foreign(f"{field}={name!r} leads out of gan_jax, optax, flax.linen and jax.nn")
    if module is not None:  # That of the dotted path, which comes last.
        _, _, hint = str(unknown(field, last, offers(module))).partition(repr(last))
        raise UsageError(f"{field}={name!r}: module {path} has no function {last!r}{hint}")
    raise unknown(field, name, [offered for place in places for offered in offers(place)])


def names_code(text: str) -> bool:
    """Tells if a text may name code elsewhere: a dotted path, or TFDS's `community:name`, a download."""
    dotted = "." in text and all(part.isidentifier() for part in text.split("."))
    return dotted or re.match(r"[^/.:]+:[^/\d.]", text) is not None


def _within(path: str, homes: Sequence[str]) -> bool:
    """Tells if a module is one of some modules, or inside one."""
    return any(f"{path}.".startswith(f"{home}.") for home in homes)


def _home(function: Callable[..., Any]) -> str:
    """The module that defines a function."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__module__", ""))


def _module(path: str, field: str) -> ModuleType | None:
    """The module of a dotted path; None if there is no such module."""
    if not all(part.isidentifier() for part in path.split(".")):
        return None
    with seams.blamed(f"{field}: module {path} cannot be imported"):
        try:
            return importlib.import_module(path)
        except ModuleNotFoundError as error:
            if f"{path}.".startswith(f"{error.name}."):
                return None
            raise


def offers(place: ModuleType) -> list[str]:
    """Names a module offers: those of `__all__`, else its own public functions and classes.

    Args:
        place: A module.

    Returns:
        List of names; a module among them stands for its classes, as `file.Class`.
    """
    names: list[str] = []
    for name, value in _listed(place).items():
        names.extend(_classes(name, value) if inspect.ismodule(value) else [name])
    return names


def _listed(module: ModuleType) -> dict[str, Any]:
    """What a module lists in `__all__`, else its own public functions."""
    if hasattr(module, "__all__"):
        # optax lists names there that it makes up, with a warning, when asked for.
        return {name: vars(module)[name] for name in module.__all__ if name in vars(module)}
    # JAX and optax write in `_src` what they offer elsewhere.
    homes = (module.__name__, f"{module.__name__.partition('.')[0]}._src")
    functions = {name: value for name, value in vars(module).items() if callable(value) and name[0] != "_"}
    own = {
        name: value for name, value in functions.items() if getattr(value, "__module__", "").startswith(homes)
    }
    return {name: value for name, value in own.items() if not inspect.isclass(value)}


def _classes(file: str, module: ModuleType) -> list[str]:
    """The public classes that a module defines, as `file.Class`."""
    members = inspect.getmembers(module, inspect.isclass)
    own = [name for name, value in members if value.__module__ == module.__name__]
    return [f"{file}.{name}" for name in own if name[0] != "_"]


def bind(
    function: Callable[..., Any],
    given: Any,
    field: str,
    provided: Collection[str] = (),
    beside: Collection[str] = (),
) -> dict[str, Any]:
    """Checked hyperparameters of a function, schedules and functions among them looked up.

    Args:
        function: The function or class that will take them.
        given: Dict of hyperparameters from a recipe.
        field: Where they stand in the recipe, for the message.
        provided: Names of parameters that are not the recipe's to give.
        beside: What else may stand there and was taken out before, for the message.

    Returns:
        Dict of keyword arguments.

    Raises:
        UsageError: An unknown or missing name, a value of the wrong type, a number that is not finite, or a
            whole one below 1, unless its default is lower or it is annotated as `FromZero`.
    """
    if not isinstance(given, dict):
        raise UsageError(f"{field}={given!r}: expected a dict of hyperparameters")
    fixed = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in fixed and name not in provided
    }
    for name in given:
        if name not in parameters:
            raise unknown(field, name, [*parameters, *beside])
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in given:
            raise UsageError(f"{field} needs {name}")
    return {
        name: _value(parameters[name], value, f"{field}.{name}", function) for name, value in given.items()
    }


def schedule(value: Any, field: str) -> Any:
    """A number, or a function of the step made from `{name of an optax schedule: its hyperparameters}`.

    Args:
        value: A number, a function of the step, or a dict with one entry.
        field: Where it stands in the recipe, for the message.

    Returns:
        The number or the function.

    Raises:
        UsageError: Neither a number nor a schedule.
    """
    if callable(value):
        return seams.guarded(value, field, _is_number)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, dict) or len(value) != 1:
        raise UsageError(
            f"{field}={value!r}: expected a number or one schedule, as in dict(linear_schedule=dict(...))"
        )
    ((name, options),) = value.items()
    factory = find(name, (optax.schedules,), field)
    path = f"{field}.{name}"
    made = seams.guarded(
        factory, path, lambda made: "" if callable(made) else "a function that makes a schedule"
    )
    return seams.guarded(made(**bind(factory, options, path)), path, _is_number)


def _is_number(value):
    """The check of a schedule's value."""
    kind = np.dtype(getattr(value, "dtype", type(value)))
    real = np.issubdtype(kind, np.floating) or np.issubdtype(kind, np.integer) or kind == "bfloat16"
    return "" if real and np.shape(value) == () else "a number from a schedule"


def _value(parameter: inspect.Parameter, value: Any, field: str, function: Callable) -> Any:
    """One hyperparameter, checked against its type and turned into the function or schedule that it names."""
    default = parameter.default
    types = _types(parameter)
    if isinstance(value, dict) and float in types:
        return schedule(value, field)
    if isinstance(value, dict) and value and all(str(key).isdecimal() for key in value):
        return {int(key): part for key, part in value.items()}  # steps of a schedule; JSON made them strings
    if callable(value):
        return value
    if isinstance(value, str) and callable(default) and default is not parameter.empty:
        return find(value, (importlib.import_module(function.__module__), jax.nn), field)
    if types and (not isinstance(value, types) or isinstance(value, bool) and bool not in types):
        expected = " or ".join(each.__name__ for each in types if each is not list)
        raise UsageError(f"{field}={value!r}: expected {expected}")
    if int in types[:1] and isinstance(value, int) and value < (least := _least(parameter)):
        raise UsageError(f"{field}={value}: expected at least {least}")
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{field}={value}: expected a finite number")
    if isinstance(value, (tuple, list)):
        return _elements(parameter, tuple(value), field)
    return value


def _elements(parameter: inspect.Parameter, values: tuple, field: str) -> tuple:
    """A tuple whose elements have its default's type; whole numbers are at least 1 or the least one there."""
    defaults = parameter.default if isinstance(parameter.default, tuple) else ()
    annotation = next(iter(typing.get_args(parameter.annotation) or map(type, defaults)), object)
    kind = getattr(annotation, "__origin__", annotation)
    allowed: tuple[type, ...] = {int: (int,), float: (float, int), str: (str,)}.get(kind, (object,))
    for value in values:
        if not isinstance(value, allowed) or isinstance(value, bool) and kind in (int, float):
            raise UsageError(f"{field}={values!r}: expected {kind.__name__} in it, not {value!r}")
        if kind is int and value < (least := min([1, *defaults, *_leasts(annotation)])):
            raise UsageError(f"{field}={values!r}: expected at least {least} in it, not {value}")
    return values


def _least(parameter: inspect.Parameter) -> int:
    """The least value of a whole number: the one in its type, else 1, or a lower default."""
    for least in _leasts(parameter.annotation):
        return least
    return 1 if parameter.default is parameter.empty else min(parameter.default, 1)


def _leasts(annotation: Any) -> tuple[int, ...]:
    """The least number that a type such as `FromZero` allows, if it says one."""
    return getattr(annotation, "__metadata__", ())


# Types of values that a hyperparameter of some type accepts, the expected one first.
_ACCEPTED = {bool: (bool,), int: (int,), float: (float, int), str: (str,), tuple: (tuple, list)}


def _types(parameter: inspect.Parameter) -> tuple[type, ...]:
    """Types that a hyperparameter may have, the expected one first; empty where its type is not known."""
    annotation, default = parameter.annotation, parameter.default
    if typing.get_origin(annotation) in (UnionType, typing.Union):
        # A number or a schedule of it is a number to the recipe, where a dict stands for the schedule.
        kinds = [typing.get_origin(each) or each for each in typing.get_args(annotation)]
        members = [_ACCEPTED.get(kind, ()) for kind in kinds if kind is not Callable]
        if all(members):
            return tuple(itertools.chain(*members))
        if isinstance(annotation, UnionType):
            return ()
    if default not in (None, parameter.empty):
        return _ACCEPTED.get(type(default), ())
    if default is parameter.empty:
        return _ACCEPTED.get(getattr(annotation, "__origin__", annotation), (float, int, tuple, list))
    return ()
