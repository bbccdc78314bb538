"""Everything that a recipe or a command line can name, by kind, with one line each from its docstring."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from gan_jax import recipe
from gan_jax.errors import unknown

# By kind of functions, their module in gan_jax.
MODULES = {
    "losses": "losses",
    "penalties": "penalties",
    "transforms": "transforms",
    "augmentations": "augment",
    "wrappers": "wrap",
    "moves": "moves",
    "metrics": "metrics",
    "games": "games",
    "nets": "nets",
    "heads": "nets.heads",
    "norms": "nets.norms",
    "upsampling": "nets.upsampling",
    "latents": "latents",
    "perceptual": "features.perceptual",
    "data": "data",
    "degradations": "degradations",
}
# Kinds of config files, by which their names begin; recipes are the others.
_FILES = {"recipes": "", "studies": "studies/"}

KINDS = (*_FILES, *MODULES)


def entries(kind: str) -> dict[str, Callable[..., Any] | str]:
    """What there is of a kind. Functions import JAX, recipes and studies do not.

    Args:
        kind: One of `KINDS`.

    Returns:
        By name, a function or class; of recipes and studies the path of the config file.

    Raises:
        UsageError: There is no such kind.
    """
    if kind in _FILES:
        studies = _FILES["studies"]
        return {
            name: path
            for name, path in recipe.packaged().items()
            if name.startswith(studies) == (kind == "studies")
        }
    if kind not in MODULES:
        raise unknown("list", kind, KINDS)
    return _offered(importlib.import_module(f"gan_jax.{MODULES[kind]}"), kind)


def _offered(module: ModuleType, kind: str) -> dict[str, Callable[..., Any] | str]:
    """The functions and classes of a module that recipes name."""
    from gan_jax import names

    return {name: names.find(name, (module,), kind) for name in names.offers(module)}


def says(entry: Callable[..., Any] | str) -> str:
    """The first sentence of an entry's docstring, on one line.

    Args:
        entry: From `entries`.

    Returns:
        Text for people.
    """
    return " ".join(_docstring(entry).partition("\n\n")[0].split())


def sources(entry: Callable[..., Any] | str) -> list[str]:
    """The papers of an entry.

    Args:
        entry: From `entries`.

    Returns:
        The arXiv numbers in its docstring, else its first year, else nothing.
    """
    text = _docstring(entry)
    return (
        list(dict.fromkeys(re.findall(r"arXiv:(\d{4}\.\d{4,5})", text)))
        or re.findall(r"\b[12]\d{3}\b", text)[:1]
    )


def _docstring(entry):
    """The docstring of a function, a class or a file, which is not run."""
    if isinstance(entry, str):
        with open(entry) as file:
            return ast.get_docstring(ast.parse(file.read())) or ""
    return inspect.getdoc(entry) or ""


def shown(kind: str) -> str:
    """What there is of a kind, for people.

    Args:
        kind: One of `KINDS`.

    Returns:
        Lines of a name and what it is, with the first paper where that is not said.

    Raises:
        UsageError: There is no such kind.
    """
    listed = entries(kind)
    width = max(map(len, listed))
    return "\n".join(f"{name:{width}}  {_line(entry)}" for name, entry in listed.items())


def _line(entry):
    """The first sentence, and the first paper where the sentence does not name it."""
    text, papers = says(entry), [paper for paper in sources(entry)[:1] if "." in paper]
    return text if not papers or papers[0] in text else f"{text} arXiv:{papers[0]}"
