"""Running means of a game's outputs, kept in players' carries; penalties such as `lecam` read them."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import unknown
from gan_jax.losses import path_lengths
from gan_jax.types import Context


def start(names: Sequence[str]) -> dict[str, Any]:
    """What a player's carry holds of them before the first move.

    Args:
        names: Names of outputs, or `path_lengths`.

    Returns:
        Dict of `averages`, zeros by name, and `moves`, int32.
    """
    return {"averages": {name: jnp.zeros(()) for name in names}, "moves": jnp.zeros((), jnp.int32)}


def offered(carry: Mapping[str, Any]) -> dict[str, jax.Array]:
    """The means before a move, as outputs.

    Args:
        carry: By player, its carry.

    Returns:
        `average_<name>`, float32 scalars.
    """
    return {f"average_{name}": mean for own in carry.values() for name, mean in own["averages"].items()}


def followed(context: Context, player: str, outputs: Mapping[str, Any], decay: float) -> dict[str, Any]:
    """A player's running means after this move: at first the mean of all batches, then an exponential one.

    What counts are the player's own moves, of which a step may have several.

    Args:
        context: The Context of the move.
        player: Whose means these are.
        outputs: The game's outputs.
        decay: Weight of the past, in [0, 1).

    Returns:
        As `start`.

    Raises:
        UsageError: No output has the name of a mean.
    """
    moves = context.carry[player]["moves"]
    past = jnp.minimum(decay, moves / (moves + 1))
    # Their computation needs latents.
    computed = ["path_lengths"] if "latents" in outputs else []
    averages = {}
    for name, old in context.carry[player]["averages"].items():
        if name not in outputs and name not in computed:
            raise unknown(f"game.averages.{player}", name, [*outputs, *computed])
        value = (
            path_lengths(outputs["generate"], outputs["latents"], outputs["key"])
            if name not in outputs
            else outputs[name]
        )
        averages[name] = past * old + (1 - past) * jnp.mean(jax.lax.stop_gradient(value))
    return {"averages": averages, "moves": moves + 1}
