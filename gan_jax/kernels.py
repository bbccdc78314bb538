"""The one definition of a kernel, for weight normalisation, penalties, weight decay and diagnostics."""

from typing import Any

import jax

# Names of a normalisation's gains and offsets; in a conditional normalisation they have a row per class.
_NOT_KERNELS = ("scale", "bias")


def _path(keys: tuple[Any, ...], separator: str) -> str:
    return jax.tree_util.keystr(keys, simple=True, separator=separator)


def kernels(params: Any, *, separator: str = "/") -> dict[str, jax.Array]:
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

    Returns:
        The kernels as they are, by path, such as `Dense_0/kernel`, in the order of the pytree's leaves.
    """
    return {
        _path(keys, separator): leaf
        for keys, leaf in jax.tree_util.tree_leaves_with_path(params)
        if leaf.ndim >= 2 and _path(keys[-1:], separator) not in _NOT_KERNELS
    }


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
