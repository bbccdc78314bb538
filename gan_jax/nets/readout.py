"""From the features of a discriminator to the outputs of its heads."""

from flax.core import freeze, unfreeze

from gan_jax.errors import UsageError
from gan_jax.names import bind, find
from gan_jax.nets import heads as library
from gan_jax.terms import reads

LOGITS = freeze({"logits": {}})


def _functions(heads):
    """Each head's function, with its hyperparameters."""
    if not hasattr(heads, "items"):
        raise UsageError(f"heads={heads!r}: expected a dict of heads with their hyperparameters")
    for name, options in heads.items():
        head = find(name, (library,), "heads")
        yield head, bind(head, unfreeze(options), f"heads.{head.__name__}", reads(head))


def read_out(heads, **offered):
    """Outputs of all heads; called inside a module's compact `__call__`.

    Args:
        heads: Dict from a head's name, or function, to a dict of its hyperparameters.
        **offered: What heads may read, by name.

    Returns:
        Dict of outputs, `logits` among them.

    Raises:
        UsageError: An unknown head or hyperparameter, two heads with one output, or none with logits.
    """
    outputs = {}
    for head, options in _functions(heads):
        made = head(*(offered[name] for name in reads(head)), **options)
        twice = [name for name in made if name in outputs]
        if twice:
            raise UsageError(f"heads.{head.__name__}: another head puts out {', '.join(twice)} too")
        outputs.update(made)
    if "logits" not in outputs:
        raise UsageError(
            f"heads: expected logits or projection among them, got {', '.join(outputs) or 'none'}"
        )
    return outputs


def input_labels(heads, labels):
    """The labels that belong beside the discriminator's input: none if one of its heads is about classes.

    A discriminator that is to find the class out must not be told it, and in a projection discriminator
    only the projection hears it. All others hear labels as a part of their input.

    Args:
        heads: Dict of heads.
        labels: int32 [B], or None.

    Returns:
        The labels, or None.
    """
    return None if any("classes" in reads(head) for head, _ in _functions(heads)) else labels
