"""The two-player game between a generator of samples and a discriminator of real and fake."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from gan_jax.games import averages as averages_lib
from gan_jax.games.players import conditions, networks
from gan_jax.types import Augment, Game, Net


def gan(
    nets: Mapping[str, Net],
    latents: Callable[..., Any],
    augment: Augment,
    *,
    condition_on: Sequence[str] = (),
    averages: Mapping[str, Sequence[str]] | None = None,
    average_decay: float = 0.99,
) -> Game:
    """A generator of samples against a discriminator of real and fake.

    Goodfellow et al. 2014, arXiv:1406.2661, both networks conditioned on entries of the data. Its outputs are
    `real`, `fake`: samples before augmentation; the discriminator sees them augmented;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them;
    `discriminate`: function from samples (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    `generate`: function from latents to samples, its carry frozen;
    `average_<name>`: running mean of the output <name>, for each name in `averages`;
    every other entry of the batch, such as `label`; `latents`, `key`, `step`.

    Args:
        nets: Dict of Nets: `generator` from latents to samples, `discriminator` from samples to a dict of
            heads with `logits` among them. Both get the conditions as further inputs.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator.
        condition_on: Names of the batch's entries that both networks get besides their input, such as `label`
            (Mirza and Osindero 2014, arXiv:1411.1784).
        averages: By player, names of outputs, or `path_lengths`; the player's carry keeps a running average
            of their means over its moves: `dict(discriminator=("real_logits", "fake_logits"))`.
        average_decay: Weight of the past in these averages, in [0, 1).

    Returns:
        The Game.

    Raises:
        UsageError: A player has no network, the data lacks an entry to condition on, or no output has the
            name of an average.
    """
    parts = _Parts(
        **networks(nets, ("generator", "discriminator")),
        latents=latents,
        augment=augment,
        condition_on=tuple(condition_on),
        averages={"generator": (), "discriminator": (), **(averages or {})},
        average_decay=average_decay,
    )
    init, play, sample = (functools.partial(part, parts) for part in (_init, _play, _sample))
    return Game(init, play, sample, draw=latents, conditions=parts.condition_on)


class _Parts(NamedTuple):
    """The arguments of `gan`."""

    generator: Net
    discriminator: Net
    latents: Callable[..., Any]
    augment: Augment
    condition_on: tuple[str, ...]
    averages: dict[str, Sequence[str]]
    average_decay: float


def _init(parts, key, batch):
    keys, entries = jax.random.split(key, 3), conditions(batch, parts.condition_on)
    latents = parts.latents(keys[0], batch["real"].shape[0])
    networks = {
        "generator": parts.generator.init(keys[1], latents, *entries),
        "discriminator": parts.discriminator.init(keys[2], batch["real"], *entries),
    }
    carry = {
        player: {"net": net, **averages_lib.start(parts.averages[player])}
        for player, (_, net) in networks.items()
    }
    carry["discriminator"]["augment"] = parts.augment.init()
    return {player: params for player, (params, _) in networks.items()}, carry


def _views(parts, context, keys):
    """Both networks as functions of their input, which also return the carry after the call."""
    entries = conditions(context.batch, parts.condition_on)
    augmented = functools.partial(parts.augment.apply, context.carry["discriminator"]["augment"])

    def generate(latents):
        params, net = context.params["generator"], context.carry["generator"]["net"]
        return parts.generator.apply(params, net, latents, *entries, key=keys["generator"], train=True)

    def discriminate(samples, net, key):
        augment_key, key = jax.random.split(key)
        samples = augmented(augment_key, samples, context.step)
        return parts.discriminator.apply(
            context.params["discriminator"], net, samples, *entries, key=key, train=True
        )

    return generate, discriminate


def _play(parts, context):
    names = ("latents", "generator", "mix", "real", "fake", "terms")
    keys = dict(zip(names, jax.random.split(context.key, len(names)), strict=True))
    generate, discriminate = _views(parts, context, keys)
    carry = context.carry["discriminator"]

    def heads(samples):
        return discriminate(samples, carry["net"], keys["real"])[0]

    latents = parts.latents(keys["latents"], context.batch["real"].shape[0])
    fake, generator_net = generate(latents)
    real = parts.augment.mix(carry["augment"], keys["mix"], context.batch["real"], fake)
    real_heads, net = discriminate(real, carry["net"], keys["real"])
    fake_heads, net = discriminate(fake, net, keys["fake"])
    outputs = {
        **context.batch,
        **{f"real_{head}": value for head, value in real_heads.items()},
        **{f"fake_{head}": value for head, value in fake_heads.items()},
        **averages_lib.offered(context.carry),
        "real": real,
        "fake": fake,
        "latents": latents,
        "discriminate": heads,
        "critic": lambda samples: heads(samples)["logits"],
        "generate": lambda latents: generate(latents)[0],
        "key": keys["terms"],
        "step": context.step,
    }
    followed = {
        player: averages_lib.followed(context, player, outputs, parts.average_decay)
        for player in context.carry
    }
    adapted = parts.augment.adapt(
        carry["augment"], jax.lax.stop_gradient(outputs["real_logits"]), len(context.batch["real"])
    )
    return outputs, {
        "generator": {"net": generator_net, **followed["generator"]},
        "discriminator": {"net": net, **followed["discriminator"], "augment": adapted},
    }


def _sample(parts, params, carry, latents, batch, key):
    net, entries = carry["generator"]["net"], conditions(batch, parts.condition_on)
    return parts.generator.apply(params["generator"], net, latents, *entries, key=key, train=False)[0]
