"""Values of flags: numbers, words, and Python literals, in which `dict(a=1)` is a dict. Nothing is run."""

import ast
from typing import Any

from gan_jax.cli import resolution

# Truth values as people type them.
_WORDS = {"true": True, "false": False}


def parse(text: str, old: Any = None) -> Any:
    """The value of a flag.

    Args:
        text: A number, a word, `64x96` for a pair, or a Python literal, in which `dict(a=1)` is a dict. A
            word alone needs no quotes.
        old: The value that it replaces. In the place of a string every text is a string.

    Returns:
        The value; None for `None`.
    """
    if text == "None":
        return None
    if isinstance(old, str):
        return _unquoted(text)
    if text in _WORDS:
        return _WORDS[text]
    if isinstance(old, float) and (number := _float(text)) is not None:
        return number
    if isinstance(old, bool) and text in ("0", "1"):
        return text == "1"
    if sides := resolution.pair(text):
        return sides
    try:
        return _literal(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return text


def _unquoted(text):
    """Text without quotes around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _float(text):
    try:
        return float(text)
    except ValueError:
        return None


def _literal(node):
    """The value of a literal's syntax tree, in which `dict(a=1)` is a dict. Runs nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        if node.args or any(word.arg is None for word in node.keywords):
            raise ValueError("expected keywords in dict()")
        return {word.arg: _literal(word.value) for word in node.keywords}
    if isinstance(node, ast.Dict):
        return {_literal(key): _literal(part) for key, part in zip(node.keys, node.values, strict=True)}
    if isinstance(node, (ast.List, ast.Tuple)):
        return tuple(map(_literal, node.elts))
    return ast.literal_eval(node)
