"""The adapter from a Flax Linen module to a Net."""

from typing import Any

import flax.linen as nn
import jax

from gan_jax.types import Net


def from_linen(module: nn.Module) -> Net:
    """A Net from a Linen module.

    Args:
        module: A module with `__call__(*inputs, train)`. Its `params` collection becomes the params, all
            others (batch statistics) the carry. Its dropout draws from the rng stream `dropout`, which
            there is in training only; noise that belongs to every output, from the stream `noise`. A module
            for images may say its `multiple` and `radius`, as the Net has them.

    Returns:
        The Net.
    """

    def init(key: jax.Array, *inputs: Any) -> tuple[Any, dict[str, Any]]:
        carry = dict(module.init({"params": key, "dropout": key, "noise": key}, *inputs, train=False))
        return carry.pop("params"), carry

    def apply(
        params: Any, carry: dict[str, Any], *inputs: Any, key: Any, train: bool
    ) -> tuple[Any, dict[str, Any]]:
        variables = {"params": params, **carry}
        # A layer that draws from both streams shall not draw the same numbers.
        rngs = {} if key is None else {"noise": jax.random.fold_in(key, 1)}
        if not train:
            return module.apply(variables, *inputs, train=False, rngs=rngs), carry
        outputs, changed = module.apply(
            variables, *inputs, train=True, rngs={"dropout": key, **rngs}, mutable=list(carry)
        )
        return outputs, {**carry, **changed}

    return Net(init, apply, getattr(module, "multiple", 1), getattr(module, "radius", None))


def name_of(module: object) -> str:
    """The name of a Linen module's class as recipes write it, such as `dcgan.Generator`, for errors."""
    network = type(module)
    return f"{network.__module__.rpartition('.')[2]}.{network.__name__}"
