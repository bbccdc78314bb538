"""Whether a step does any work twice: `python -m gan_jax.benchmark.theory`.

Counts the floating point operations of a case's compiled step, and those of its parts, each compiled alone:
what the players' networks cost forwards, and in derivatives for parameters and for samples. From the parts
follows what the algorithm needs at least; the step has Adam, the average and the loss besides.
"""

from typing import NamedTuple

from absl import flags

from gan_jax.benchmark import cases
from gan_jax.cli import command

_CASES = flags.DEFINE_list("cases", list(cases.CASES), "What to count.")


class Parts(NamedTuple):
    """Operations of one batch through one network.

    Attributes:
        forward: The outputs.
        trained: Outputs and the derivative for parameters.
        sloped: Outputs and the derivative for inputs; None where nobody needs it.
    """

    forward: float
    trained: float
    sloped: float | None = None


def needed(recipe, discriminator, generator):
    """What a round needs at least, if the discriminator is linear piece by piece.

    Each discriminator's turn sees real and fake samples, forwards and backwards. A gradient penalty goes
    forwards, down to the samples, and back up that way, where each layer has a derivative for its kernel and
    one for its slope; there is no curvature to go further. At samples whose logits the loss has, the forward
    is there already. The generator's turn has the samples of the first discriminator's turn.

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
    # A relativistic generator looks at real samples too.
    real = discriminator.forward if "relativistic_generator" in recipe.losses["generator"] else 0
    return (
        updates * (2 * discriminator.trained + penalties + between)
        + (updates - 1) * generator.forward
        + (generator.trained + discriminator.sloped + real)
    )


def counted(recipe):
    """What XLA counts of a recipe.

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
    info, size, rounds = source.modality, recipe.batch_size, recipe.batches_per_step
    train_spec = build.train_spec(recipe, info)
    state = jax.eval_shape(build.start(train_spec, info, size), key)
    images = jax.eval_shape(lambda: build.blank(info, size)["real"])
    latents = jax.eval_shape(lambda: train_spec.game.draw(key, size))

    def seen(player, name, state, params, inputs):
        """A function on the table, with a player's parameters in the place of the state's."""
        context = Context(
            {**state.params, player: params}, state.carry, build.blank(info, size), key, jnp.int32(0)
        )
        return train_spec.game.play(context)[0][name](inputs)

    def operations(function, *arguments):
        compiled = jax.jit(function, compiler_options=cpu.compiler_options()).lower(*arguments).compile()
        return compiled.cost_analysis()["flops"]

    def critic(state, params, images):
        return jnp.sum(seen("discriminator", "critic", state, params, images))

    def generate(state, params, latents):
        return seen("generator", "generate", state, params, latents)

    def pulled(state, params, latents, slopes):
        return jax.vjp(lambda params: generate(state, params, latents), params)[1](slopes)[0]

    given, made = (state, state.params["discriminator"], images), (state, state.params["generator"], latents)
    batches = jax.eval_shape(lambda: build.blank(info, rounds, size))
    return (
        Parts(*(operations(f, *given) for f in (critic, jax.grad(critic, 1), jax.grad(critic, 2)))),
        Parts(operations(generate, *made), operations(pulled, *made, images)),
        operations(train_spec.step, state, batches, key),
    )


def _do():
    command.check("cases", _CASES.value, cases.CASES)
    command.import_jax()
    print("| case | forward of D and G | needed | compiled | excess |\n|---|---|---|---|---|")
    for name in _CASES.value:
        recipe = cases.find(name)
        discriminator, generator, step = counted(recipe)
        least = needed(recipe, discriminator, generator)
        each = " and ".join(f"{part.forward / 1e9:.3f}" for part in (discriminator, generator))
        print(f"| `{name}` | {each} | {least / 1e9:.3f} | {step / 1e9:.3f} | {step / least - 1:.1%} |")


if __name__ == "__main__":
    command.run(_do)
