"""The adapter from a Flax Linen module to a Net."""

from gan_jax.types import Net


def from_linen(module):
    """A Net from a Linen module.

    Args:
        module: A module with `__call__(*inputs, train)`. Its `params` collection becomes the params, all
            others (batch statistics) the carry. Its dropout draws from the rng stream `dropout`.

    Returns:
        The Net.
    """

    def init(key, *inputs):
        carry = dict(module.init({"params": key, "dropout": key}, *inputs, train=False))
        return carry.pop("params"), carry

    def apply(params, carry, *inputs, key, train):
        variables = {"params": params, **carry}
        if not train:
            return module.apply(variables, *inputs, train=False), carry
        outputs, changed = module.apply(
            variables, *inputs, train=True, rngs={"dropout": key}, mutable=list(carry)
        )
        return outputs, {**carry, **changed}

    return Net(init, apply)
