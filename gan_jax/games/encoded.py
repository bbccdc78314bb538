"""The common part of games of generator, encoder and discriminator."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from gan_jax.games.grids import rows_of
from gan_jax.games.players import networks
from gan_jax.types import Augment, Game, Net


class Parts(NamedTuple):
    """The parts of such a game.

    Attributes:
        generator: Net from latents to images.
        encoder: Net from images to a dict of heads, `latents` among them.
        discriminator: Net to a dict of heads, `logits` among them.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator's images.
    """

    generator: Net
    encoder: Net
    discriminator: Net
    latents: Callable[..., Any]
    augment: Augment


class Views(NamedTuple):
    """The networks of a move as functions of their input.

    Attributes:
        generate: Latents to images and the generator's carry.
        encode: Images to the encoder's heads and its carry.
        discriminate: `(sample, carry, key)` to the discriminator's heads and its carry.
    """

    generate: Callable[..., tuple[Any, Any]]
    encode: Callable[..., tuple[Any, Any]]
    discriminate: Callable[..., tuple[Any, Any]]


def game(
    nets: Mapping[str, Net],
    latents: Callable[..., Any],
    augment: Augment,
    play: Callable[..., tuple[dict, Any]],
    pair: Callable[..., Any],
    over_images: Callable[..., Any],
) -> Game:
    """A game of the three players.

    Args:
        nets: Dict of Nets by player.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment.
        play: Function `(views, outputs, generated, net, keys) -> (entries, net)`: further outputs, which the
            discriminator computes from the outputs so far and from images generated from the prior, and its
            carry after that; `keys` are random keys by name.
        pair: Function from images and their latents to the discriminator's input.
        over_images: Function `(function, pair)` that applies a function to the images in that input.

    Returns:
        The Game. Its grid shows originals above reconstructions.

    Raises:
        UsageError: A player has no network.
    """
    players = ("generator", "encoder", "discriminator")
    parts = Parts(**networks(nets, players), latents=latents, augment=augment)
    return Game(
        init=functools.partial(_init, parts, pair),
        play=functools.partial(_play, parts, play, over_images),
        sample=functools.partial(_sample, parts),
        draw=latents,
        preview=functools.partial(_preview, parts),
        encode=functools.partial(_encode, parts),
    )


def _init(parts, pair, key, batch):
    keys, images = jax.random.split(key, 4), batch["real"]
    latents = parts.latents(keys[0], images.shape[0])
    networks = {
        "generator": parts.generator.init(keys[1], latents),
        "encoder": parts.encoder.init(keys[2], images),
        "discriminator": parts.discriminator.init(keys[3], pair(images, latents)),
    }
    carry = {player: {"net": net} for player, (_, net) in networks.items()}
    carry["discriminator"]["augment"] = parts.augment.init()
    return {player: params for player, (params, _) in networks.items()}, carry


def _views(parts, context, keys, over_images):
    def apply(player, *inputs, net=None, key=None):
        net = context.carry[player]["net"] if net is None else net
        key = keys[player] if key is None else key
        return getattr(parts, player).apply(context.params[player], net, *inputs, key=key, train=True)

    def discriminate(sample, net, key):
        augment_key, key = jax.random.split(key)
        carry = context.carry["discriminator"]["augment"]
        augmented = over_images(
            lambda images: parts.augment.apply(carry, augment_key, images, context.step), sample
        )
        return apply("discriminator", augmented, net=net, key=key)

    return Views(functools.partial(apply, "generator"), functools.partial(apply, "encoder"), discriminate)


def _play(parts, play, over_images, context):
    names = ("latents", "generator", "encoder", "mix", "real", "fake", "reconstruction", "terms")
    keys = dict(zip(names, jax.random.split(context.key, len(names)), strict=True))
    views, carry = _views(parts, context, keys, over_images), context.carry["discriminator"]
    latents = parts.latents(keys["latents"], context.batch["real"].shape[0])
    generated, generator_net = views.generate(latents)
    images = parts.augment.mix(carry["augment"], keys["mix"], context.batch["real"], generated)
    heads, encoder_net = views.encode(images)
    outputs = _shared(views, context, keys, images, heads, latents)
    entries, net = play(views, outputs, generated, carry["net"], keys)
    outputs = {**outputs, **entries}
    adapted = parts.augment.adapt(
        carry["augment"], jax.lax.stop_gradient(outputs["real_logits"]), len(context.batch["real"])
    )
    return outputs, {
        "generator": {"net": generator_net},
        "encoder": {"net": encoder_net},
        "discriminator": {"net": net, "augment": adapted},
    }


def _shared(views, context, keys, images, heads, latents):
    """The outputs that every such game offers."""

    def discriminate(sample):
        return views.discriminate(sample, context.carry["discriminator"]["net"], keys["real"])[0]

    def encode(images):
        return views.encode(images)[0]["latents"]

    def reconstruct(images):
        return views.generate(encode(images))[0]

    reconstruction = views.generate(heads["latents"])[0]
    return {
        **context.batch,
        **heads,
        "latents": latents,
        "real_latents": heads["latents"],
        "reconstruction": reconstruction,
        "prediction": reconstruction,
        "target": images,
        "discriminate": discriminate,
        "critic": lambda sample: discriminate(sample)["logits"],
        "generate": lambda latents: views.generate(latents)[0],
        "encode": encode,
        "reconstruct": reconstruct,
        "key": keys["terms"],
        "step": context.step,
    }


def _sample(parts, params, carry, latents, batch, key):
    net = carry["generator"]["net"]
    return parts.generator.apply(params["generator"], net, latents, key=key, train=False)[0]


def _encode(parts, params, carry, batch, key):
    net = carry["encoder"]["net"]
    return parts.encoder.apply(params["encoder"], net, batch["real"], key=key, train=False)[0]["latents"]


def _preview(parts, params, carry, batch, key):
    codes = _encode(parts, params, carry, batch, key)
    reconstructions = _sample(parts, params, carry, codes, batch, key)
    return rows_of(batch["real"], reconstructions, channels=batch["real"].shape[-1])
