"""From the features of a discriminator to the outputs of its heads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from flax.core import freeze, unfreeze

from gan_jax.errors import UsageError
from gan_jax.names import bind, find
from gan_jax.nets import heads as library
from gan_jax.terms import call, reads

LOGITS = freeze({"logits": {}})


def _functions(heads: Mapping[Any, Any]) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    """Each head's function, with its hyperparameters."""
    if not hasattr(heads, "items"):
        raise UsageError(f"heads={heads!r}: expected a dict of heads with their hyperparameters")
    for name, options in heads.items():
        head = find(name, (library,), "heads")
        yield head, bind(head, unfreeze(options), f"heads.{head.__name__}", reads(head))


def read_out(heads: Mapping[Any, Any], **offered: Any) -> dict[str, jax.Array]:
    """The outputs of all heads; call it inside a module's compact `__call__`.

    Args:
        heads: Dict from a head's name, or function, to a dict of its hyperparameters.
        **offered: The values that heads may read, by name.

    Returns:
        Dict of outputs, `logits` among them.

    Raises:
        UsageError: An unknown head or hyperparameter, two heads with an output of the same name, or no head
            with logits.
    """
    outputs: dict[str, jax.Array] = {}
    for head, options in _functions(heads):
        of_head = call(head, offered, **options)
        twice = [name for name in of_head if name in outputs]
        if twice:
            raise UsageError(f"heads.{head.__name__}: another head has the output {', '.join(twice)} too")
        outputs.update(of_head)
    if "logits" not in outputs:
        raise UsageError(
            f"heads: expected logits or projection among them, got {', '.join(outputs) or 'none'}"
        )
    return outputs


def input_labels(heads: Mapping[Any, Any], labels: jax.Array | None) -> jax.Array | None:
    """The labels that stand beside the discriminator's input: none if one of its heads uses the classes.

    A discriminator that predicts the class must not see it, and in a projection discriminator only the
    projection sees it. All others see labels as a part of their input.

    Args:
        heads: Dict of heads.
        labels: int32 [B], or None.

    Returns:
        The labels, or None.
    """
    return None if any("classes" in reads(head) for head, _ in _functions(heads)) else labels
