"""The two-player game between a generator of samples and a discriminator of real and fake."""

import functools
from typing import Callable, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import unknown
from gan_jax.games.players import networks
from gan_jax.losses import path_lengths
from gan_jax.types import Augment, Game, Net


def gan(nets, latents, augment, *, told=(), averages=None, average_decay=0.99):
    """Goodfellow et al. 2014, arXiv:1406.2661, with whatever both networks are told.

    Its outputs are
    `real`, `fake`: images before augmentation; the discriminator sees them augmented;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them;
    `discriminate`: function from images (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    `generate`: function from latents to images, its carry frozen;
    `average_<name>`: running mean of the outputs's <name>, for each name in `averages`;
    `latents`, `labels` if the data has them, `key`, `step`.

    Args:
        nets: Dict of Nets: `generator` from latents to images, `discriminator` from images to a dict of
            heads with `logits` among them.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator.
        told: Names in the batch of what both networks hear besides their input, such as `labels`
            (Mirza and Osindero 2014, arXiv:1411.1784).
        averages: By player, names among the outputs, or `path_lengths`, whose means over batches are averaged in
            the player's carry, move by move: `dict(discriminator=("real_logits", "fake_logits"))`.
        average_decay: Weight of the past in these averages, in [0, 1).

    Returns:
        The Game.

    Raises:
        UsageError: A player has no network, the data has not what the networks are to be told, or there is
            nothing of a name to average.
    """
    parts = _Parts(
        **networks(nets, ("generator", "discriminator")),
        latents=latents,
        augment=augment,
        told=tuple(told),
        averages={"generator": (), "discriminator": (), **(averages or {})},
        average_decay=average_decay,
    )
    init, play, sample = (functools.partial(part, parts) for part in (_init, _play, _sample))
    return Game(init, play, latents, sample, hears=parts.told)


class _Parts(NamedTuple):
    """What `gan` was given."""

    generator: Net
    discriminator: Net
    latents: Callable
    augment: Augment
    told: tuple
    averages: dict
    average_decay: float


def _heard(parts, batch):
    for name in parts.told:
        if name not in batch:
            raise unknown("game.told: the data does not have", name, [n for n in batch if n != "images"])
    return tuple(batch[name] for name in parts.told)


def _init(parts, key, batch):
    keys, hears = jax.random.split(key, 3), _heard(parts, batch)
    drawn = parts.latents(keys[0], batch["images"].shape[0])
    made = {
        "generator": parts.generator.init(keys[1], drawn, *hears),
        "discriminator": parts.discriminator.init(keys[2], batch["images"], *hears),
    }
    carry = {
        player: {"net": net, "averages": {name: jnp.zeros(()) for name in parts.averages[player]}}
        for player, (_, net) in made.items()
    }
    carry["discriminator"]["augment"] = parts.augment.init()
    return {player: params for player, (params, _) in made.items()}, carry


def _views(parts, context, keys):
    """Both networks as functions of their input, with the carry that they would keep."""
    hears = _heard(parts, context.batch)
    augmented = functools.partial(parts.augment.apply, context.carry["discriminator"]["augment"])

    def generate(drawn):
        params, net = context.params["generator"], context.carry["generator"]["net"]
        return parts.generator.apply(params, net, drawn, *hears, key=keys["generator"], train=True)

    def discriminate(images, net, key):
        augment_key, key = jax.random.split(key)
        images = augmented(augment_key, images, context.step)
        return parts.discriminator.apply(
            context.params["discriminator"], net, images, *hears, key=key, train=True
        )

    return generate, discriminate


def _play(parts, context):
    names = ("latents", "generator", "mix", "real", "fake", "terms")
    keys = dict(zip(names, jax.random.split(context.key, len(names)), strict=True))
    generate, discriminate = _views(parts, context, keys)
    owned = context.carry["discriminator"]

    def heads(images):
        return discriminate(images, owned["net"], keys["real"])[0]

    drawn = parts.latents(keys["latents"], context.batch["images"].shape[0])
    fake, generator_net = generate(drawn)
    real = parts.augment.mix(owned["augment"], keys["mix"], context.batch["images"], fake)
    real_heads, net = discriminate(real, owned["net"], keys["real"])
    fake_heads, net = discriminate(fake, net, keys["fake"])
    outputs = {
        **{name: value for name, value in context.batch.items() if name != "images"},
        **{f"real_{head}": value for head, value in real_heads.items()},
        **{f"fake_{head}": value for head, value in fake_heads.items()},
        **{f"average_{n}": mean for carry in context.carry.values() for n, mean in carry["averages"].items()},
        "real": real,
        "fake": fake,
        "latents": drawn,
        "discriminate": heads,
        "critic": lambda images: heads(images)["logits"],
        "generate": lambda latents: generate(latents)[0],
        "key": keys["terms"],
        "step": context.step,
    }
    followed = {player: _follow(context, player, outputs, parts.average_decay) for player in context.carry}
    adapted = parts.augment.adapt(owned["augment"], jax.lax.stop_gradient(outputs["real_logits"]))
    return outputs, {
        "generator": {"net": generator_net, "averages": followed["generator"]},
        "discriminator": {"net": net, "averages": followed["discriminator"], "augment": adapted},
    }


def _sample(parts, params, carry, latents, batch, key):
    net, hears = carry["generator"]["net"], _heard(parts, batch)
    return parts.generator.apply(params["generator"], net, latents, *hears, key=key, train=False)[0]


def _follow(context, player, outputs, decay):
    """A player's running means after this move: the mean of all batches, until that forgets too slowly."""
    past = jnp.minimum(decay, context.step / (context.step + 1))
    moved = {}
    for name, old in context.carry[player]["averages"].items():
        if name not in outputs and name != "path_lengths":
            raise unknown(f"game.averages.{player}", name, [*outputs, "path_lengths"])
        now = (
            path_lengths(outputs["generate"], outputs["latents"], outputs["key"])
            if name not in outputs
            else outputs[name]
        )
        moved[name] = past * old + (1 - past) * jnp.mean(jax.lax.stop_gradient(now))
    return moved
