"""Tests if a step does any work twice: `python -m gan_jax.benchmark.theory`.

Counts the floating point operations of a case's compiled step, and of its parts, each compiled alone: the
forward passes of the players' networks, and their derivatives for parameters and for samples. From the parts
follows the least that the algorithm needs; the step adds Adam, the average and the loss.
"""

import math
from typing import Any, NamedTuple

from absl import flags

from gan_jax.benchmark import cases, shared_flags
from gan_jax.cli import command
from gan_jax.recipe import Recipe

flags.declare_key_flag("cases")


class Parts(NamedTuple):
    """Operations of one batch through one network.

    Attributes:
        forward: The outputs.
        trained: Outputs and the derivative for parameters.
        sloped: Outputs and the derivative for inputs; NaN if it is not needed.
    """

    forward: float
    trained: float
    sloped: float = math.nan


def needed(recipe: Recipe, discriminator: Parts, generator: Parts) -> float:
    """The least operations of a step, if the discriminator is piecewise linear.

    Each update of the discriminator takes real and fake samples forwards and backwards. A gradient penalty
    goes forwards, down to the samples, and back up, where each layer has one derivative for its kernel and
    one for its slope; there is no curvature to go further. At samples whose logits the loss uses, the forward
    pass exists already. The generator's update uses the samples of the discriminator's first update.

    Args:
        recipe: The Recipe.
        discriminator: Its Parts.
        generator: Its Parts.

    Returns:
        Operations.
    """
    updates, terms = recipe.updates["discriminator"], recipe.losses["discriminator"]
    down = discriminator.sloped - discriminator.forward
    penalties = 3 * down * sum(name in terms for name in ("gradient_penalty", "r1", "r2"))
    between = discriminator.forward if "gradient_penalty" in terms else 0
    # A relativistic generator needs the logits of real samples too.
    real = discriminator.forward if "relativistic_generator" in recipe.losses["generator"] else 0
    return (
        updates * (2 * discriminator.trained + penalties + between)
        + (updates - 1) * generator.forward
        + (generator.trained + discriminator.sloped + real)
    )


def counted(recipe: Recipe) -> tuple[Parts, Parts, float]:
    """The operations of a recipe, as XLA counts them.

    Args:
        recipe: The Recipe of a two-player game.

    Returns:
        Parts of the discriminator, Parts of the generator, and the operations of the whole step.
    """
    import jax
    import jax.numpy as jnp

    from gan_jax import build
    from gan_jax.runtime import cpu
    from gan_jax.types import Context

    source, key = build.source(recipe), jax.random.key(0)
    modality, size = source.modality, recipe.batch_size
    train_spec = build.train_spec(recipe, modality)
    draw = train_spec.game.draw
    assert draw is not None, "every case has latents"
    state = jax.eval_shape(build.start(train_spec, modality, size), key)
    images = jax.eval_shape(lambda: build.blank(modality, size)["real"])
    latents = jax.eval_shape(lambda: draw(key, size))

    def output(player, name, state, params, inputs):
        """A function among the game's outputs, applied to inputs, with these parameters of a player."""
        batch = build.blank(modality, size)
        context = Context({**state.params, player: params}, state.carry, batch, key, jnp.int32(0))
        return train_spec.game.play(context)[0][name](inputs)

    def operations(function: Any, *arguments: Any) -> float:
        compiled = jax.jit(function, compiler_options=cpu.compiler_options()).lower(*arguments).compile()
        analysis: Any = compiled.cost_analysis()
        return analysis["flops"]

    def critic(state, params, images):
        return jnp.sum(output("discriminator", "critic", state, params, images))

    def generate(state, params, latents):
        return output("generator", "generate", state, params, latents)

    def pulled(state, params, latents, slopes):
        return jax.vjp(lambda params: generate(state, params, latents), params)[1](slopes)[0]

    to_critic = state, state.params["discriminator"], images
    to_generator = state, state.params["generator"], latents
    batches = jax.eval_shape(lambda: build.blank(modality, recipe.batches_per_step, size))
    return (
        Parts(*(operations(f, *to_critic) for f in (critic, jax.grad(critic, 1), jax.grad(critic, 2)))),
        Parts(operations(generate, *to_generator), operations(pulled, *to_generator, images)),
        operations(train_spec.step, state, batches, key),
    )


def _do() -> None:
    names = shared_flags.cases(cases.CASES)
    command.import_jax()
    print("| case | forward of D and G | needed | compiled | excess |\n|---|---|---|---|---|")
    for name in names:
        recipe = cases.find(name)
        discriminator, generator, step = counted(recipe)
        least = needed(recipe, discriminator, generator)
        each = " and ".join(f"{part.forward / 1e9:.3f}" for part in (discriminator, generator))
        print(f"| `{name}` | {each} | {least / 1e9:.3f} | {step / 1e9:.3f} | {step / least - 1:.1%} |")


if __name__ == "__main__":
    command.run(_do)
