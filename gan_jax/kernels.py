"""The one definition of a kernel, for weight normalisation, penalties, weight decay and diagnostics."""

import re
from collections.abc import Sequence
from typing import Any

import jax

from gan_jax.errors import UsageError

# Names of a normalisation's gains and offsets; in a conditional normalisation they have a row per class.
_NOT_KERNELS = ("scale", "bias")


def _path(keys: tuple[Any, ...], separator: str) -> str:
    return jax.tree_util.keystr(keys, simple=True, separator=separator)


def kernels(params: Any, *, separator: str = "/", leave: Sequence[str] = ()) -> dict[str, jax.Array]:
    """The kernels of a network: the arrays with at least two axes that are not called `scale` or `bias`.

    Kernels are the weights of dense layers, convolutions and attention, the embeddings of labels, and
    R3GAN's learned `basis`. The last axis is the output: a convolution's kernel [height, width, in, out] is
    the matrix [height * width * in, out]. An embedding of labels is a dense layer on one-hot labels, and
    spectral normalisation applies to it as in Miyato and Koyama 2018, arXiv:1802.05637. The scale and bias
    of a conditional normalisation, [classes, C], are not kernels: they scale and shift channels, start at 1
    and 0, and decay to 0 would switch channels off.

    Args:
        params: Parameters of a network or player, any pytree of arrays.
        separator: Stands between the names of a path.
        leave: Regular expressions, searched anywhere in a path with slashes; kernels that match one are left
            out.

    Returns:
        The kernels as they are, by path, such as `Dense_0/kernel`, in the order of the pytree's leaves.

    Raises:
        UsageError: An expression in `leave` matches no kernel, or is none.
    """
    found = [
        (keys, leaf)
        for keys, leaf in jax.tree_util.tree_leaves_with_path(params)
        if leaf.ndim >= 2 and _path(keys[-1:], "/") not in _NOT_KERNELS
    ]
    paths = [_path(keys, "/") for keys, _ in found]
    left = {path for expression in leave for path in matching(paths, expression, f"leave={expression!r}")}
    return {_path(keys, separator): leaf for (keys, leaf), path in zip(found, paths) if path not in left}


def matching(paths: Sequence[str], pattern: str, field: str, kind: str = "kernel") -> list[str]:
    """The paths in which a regular expression is found.

    Args:
        paths: Paths of arrays, with slashes.
        pattern: The regular expression.
        field: Where it stands with its value, for the message.
        kind: What the paths name, for the message.

    Returns:
        Those that match, at least one.

    Raises:
        UsageError: None matches, or `pattern` is no regular expression.
    """
    matches = [path for path in paths if compiled(pattern, field).search(path)]
    if not matches:
        exist = ", ".join(paths) or "none"
        raise UsageError(f"{field}: expected to match a {kind}; these exist: {exist}")
    return matches


def compiled(pattern: str, field: str) -> re.Pattern[str]:
    """A regular expression, compiled.

    Args:
        pattern: The regular expression.
        field: Where it stands with its value, for the message.

    Returns:
        The pattern.

    Raises:
        UsageError: `pattern` is no regular expression.
    """
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{field}: expected a regular expression: {error}") from error


def replace_kernels(params: Any, replacements: dict[str, jax.Array], *, separator: str = "/") -> Any:
    """Parameters with some kernels replaced.

    Args:
        params: Parameters of a network or player, any pytree of arrays.
        replacements: New arrays by path, as `kernels` names them.
        separator: Stands between the names of a path.

    Returns:
        The same pytree with the new arrays; all other arrays are unchanged.
    """
    return jax.tree_util.tree_map_with_path(
        lambda keys, leaf: replacements.get(_path(keys, separator), leaf), params
    )
