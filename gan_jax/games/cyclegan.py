"""The game of two translators, there and back, against a discriminator of each domain."""

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.games import pool as pools
from gan_jax.games.grids import rows_of
from gan_jax.games.players import several, sources
from gan_jax.names import FromZero
from gan_jax.seams import described
from gan_jax.types import Augment, Game, Net

# By domain, the batch's entry and the translator to it.
DOMAINS = {"target": ("real", "forward"), "source": ("source", "backward")}


def cyclegan(nets: Mapping[str, Any], augment: Augment, *, pool: FromZero = 50) -> Game:
    """Translators between two domains without pairs, each of which undoes the other.

    Zhu et al. 2017, arXiv:1703.10593. The generator owns `forward`, from the `source` to the target domain,
    whose samples are the data's `real` rows, and `backward`; the discriminator owns `target` and `source`,
    one network for each domain. Each player has one optimizer. In the paper the generator descends
    `least_squares_generator`, `cycle_consistency` and `identity_mapping`, and the discriminator
    `least_squares_discriminator` of new and past fakes, `reads=dict(fake_logits="past_logits")`.

    Its outputs are
    `source`, `target`: samples of both domains;
    `fake_target`, `fake_source`: their translations to the other domain, forward and backward;
    `cycled_source`, `cycled_target`: these, translated back;
    `identity_source`, `identity_target`: samples after the translator to their own domain; only of domains
    of one shape;
    `real_<head>`, `fake_<head>`, `past_<head>`: every head of both discriminators, `logits` among them,
    [2B, ...]: first those of the target domain. `past_` is of fakes from the pool. Losses that compare a
    logit with the mean of others would mix the domains;
    `real`, `fake`, `past`: what the discriminators judge, dicts by domain, before augmentation;
    `discriminate`: function from such a dict (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only, [B, 2, ...], those of both domains beside each other;
    every other entry of the batch, `key`, `step`.

    Args:
        nets: Dict of dicts of Nets: `generator` with `forward` and `backward`, from images to images;
            `discriminator` with `target` and `source`, from images to a dict of heads with `logits` among
            them.
        augment: The Augment in front of the discriminators.
        pool: Past fakes that are kept of each domain, in the discriminator's carry; 0 for none, so that
            `past_` is `fake_`. Otherwise at least a batch.

    Returns:
        The Game. Its grid shows rows of sources, their translations, and these translated back; then the same
        of the target domain.

    Raises:
        UsageError: A player has other networks, a batch has no `source` or is larger than the pool.
    """
    parts = _Parts(
        several(nets, "generator", ("forward", "backward")),
        several(nets, "discriminator", tuple(DOMAINS), "logits"),
        augment,
        pool,
    )
    translators = parts.generator.values()
    radii = [net.radius for net in translators]
    return Game(
        init=functools.partial(_init, parts),
        play=functools.partial(_play, parts),
        sample=functools.partial(_sample, parts, "forward", "source"),
        conditions=("source",),
        preview=functools.partial(_preview, parts),
        backward=functools.partial(_sample, parts, "backward", "real"),
        multiple=math.lcm(*(net.multiple for net in translators)),
        radius=None if None in radii else max(radius for radius in radii if radius is not None),
    )


class _Parts(NamedTuple):
    """The arguments of `cyclegan`."""

    generator: dict[str, Net]
    discriminator: dict[str, Net]
    augment: Augment
    pool: int


def _init(parts, key, batch):
    keys = iter(jax.random.split(key, 4))
    made = {
        "generator": {
            "forward": parts.generator["forward"].init(next(keys), sources(batch)),
            "backward": parts.generator["backward"].init(next(keys), batch["real"]),
        },
        "discriminator": {
            domain: parts.discriminator[domain].init(next(keys), batch[entry])
            for domain, (entry, _) in DOMAINS.items()
        },
    }
    params, nets = (
        {player: {name: pair[i] for name, pair in pairs.items()} for player, pairs in made.items()}
        for i in (0, 1)
    )
    carry = {player: {"net": net} for player, net in nets.items()}
    carry["discriminator"]["augment"] = parts.augment.init()
    carry["discriminator"]["pool"] = {
        domain: pools.empty(parts.pool, batch[entry][0])
        for domain, (entry, _) in DOMAINS.items()
        if parts.pool
    }
    return params, carry


def _translate(parts, context, key):
    """Samples of both domains through the translators, by output's name, and the generator's carry."""
    params, nets = context.params["generator"], context.carry["generator"]["net"]
    keys = dict(zip(parts.generator, jax.random.split(key), strict=True))

    def apply(name, images):
        net, images = parts.generator[name], jnp.asarray(images)
        return net.apply(params[name], nets[name], images, key=keys[name], train=True)

    source, target = context.batch["source"], context.batch["real"]
    fake_target, forward = apply("forward", source)
    fake_source, backward = apply("backward", target)
    _check_alike("forward", fake_target, target)
    _check_alike("backward", fake_source, source)
    outputs = {
        "source": source,
        "target": target,
        "fake_target": fake_target,
        "fake_source": fake_source,
        "cycled_source": apply("backward", fake_target)[0],
        "cycled_target": apply("forward", fake_source)[0],
    }
    if source.shape == target.shape:
        outputs["identity_source"] = apply("backward", source)[0]
        outputs["identity_target"] = apply("forward", target)[0]
    return outputs, {"forward": forward, "backward": backward}


def _check_alike(name, images, expected):
    if images.shape != expected.shape:
        raise UsageError(
            f"nets.generator.{name}: expected images {list(expected.shape)}, got {described(images)}"
        )


def _judge(parts, context, nets, samples, key):
    """Both discriminators' heads of samples by domain, one after the other [2B, ...], and their carry."""
    carry, heads, after = context.carry["discriminator"], {}, {}
    for domain, domain_key in zip(DOMAINS, jax.random.split(key), strict=True):
        augment_key, net_key = jax.random.split(domain_key)
        images = parts.augment.apply(carry["augment"], augment_key, samples[domain], context.step)
        heads[domain], after[domain] = parts.discriminator[domain].apply(
            context.params["discriminator"][domain], nets[domain], images, key=net_key, train=True
        )
    return _both(heads), after


def _both(heads):
    """The heads of both domains, one after the other."""
    shapes = {domain: [leaf.shape for leaf in jax.tree.leaves(each)] for domain, each in heads.items()}
    if shapes["target"] != shapes["source"]:
        raise UsageError(
            f"nets.discriminator: expected heads of one shape, got {described(heads['target'])} of the target "
            f"and {described(heads['source'])} of the source domain"
        )
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), heads["target"], heads["source"])


def _past(parts, carry, fake, key):
    """Fakes by domain that the discriminators shall judge, and the pools after that."""
    if not parts.pool:
        return fake, {}
    keys = jax.random.split(key)
    pairs = {
        domain: pools.exchange(carry["pool"][domain], fake[domain], pool_key)
        for domain, pool_key in zip(DOMAINS, keys, strict=True)
    }
    return tuple({domain: pair[i] for domain, pair in pairs.items()} for i in (0, 1))


def _play(parts, context):
    names = ("generator", "pool", "mix", "real", "fake", "terms")
    keys = dict(zip(names, jax.random.split(context.key, len(names)), strict=True))
    carry = context.carry["discriminator"]
    outputs, generator_net = _translate(parts, context, keys["generator"])
    fake = {domain: outputs[f"fake_{domain}"] for domain in DOMAINS}
    real = parts.augment.mix(carry["augment"], keys["mix"], {d: outputs[d] for d in DOMAINS}, fake)
    past, pool = _past(parts, carry, fake, keys["pool"])
    real_heads, net = _judge(parts, context, carry["net"], real, keys["real"])
    fake_heads, _ = _judge(parts, context, net, fake, keys["fake"])
    past_heads, net = _judge(parts, context, net, past, keys["fake"])

    def discriminate(samples):
        return _judge(parts, context, carry["net"], samples, keys["real"])[0]

    outputs = {
        **context.batch,
        **{f"real_{head}": value for head, value in real_heads.items()},
        **{f"fake_{head}": value for head, value in fake_heads.items()},
        **{f"past_{head}": value for head, value in past_heads.items()},
        **outputs,
        "real": real,
        "fake": fake,
        "past": past,
        "discriminate": discriminate,
        "critic": lambda samples: _by_sample(discriminate(samples)["logits"]),
        "key": keys["terms"],
        "step": context.step,
    }
    logits = jax.lax.stop_gradient(real_heads["logits"])
    adapted = parts.augment.adapt(carry["augment"], logits, 2 * len(outputs["target"]))
    return outputs, {
        "generator": {"net": generator_net},
        "discriminator": {"net": net, "augment": adapted, "pool": pool},
    }


def _by_sample(logits):
    """Logits of both domains one after the other, [2B, ...], as [B, 2, ...]."""
    return jnp.stack(jnp.split(logits, 2), axis=1)


def _apply(parts, name, params, carry, images, key):
    """A translator in evaluation."""
    owned = params["generator"][name], carry["generator"]["net"][name]
    return parts.generator[name].apply(*owned, images, key=key, train=False)[0]


def _sample(parts, name, entry, params, carry, latents, batch, key):
    return _apply(parts, name, params, carry, batch[entry], key)


def _preview(parts, params, carry, batch, key):
    def apply(name, images):
        return _apply(parts, name, params, carry, images, key)

    there, back = apply("forward", batch["source"]), apply("backward", batch["real"])
    stages = (batch["source"], there, apply("backward", there), batch["real"], back, apply("forward", back))
    return rows_of(*stages, channels=batch["real"].shape[-1])
