"""The game of a translator whose output keeps, place by place, what its input shows."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.games.grids import rows_of
from gan_jax.games.players import networks, several, sources, with_head
from gan_jax.seams import described
from gan_jax.types import Augment, Game, Net


def cut(
    nets: Mapping[str, Any], augment: Augment, *, patches: int = 256, flip_equivariance: bool = False
) -> Game:
    """A translator without pairs and without a way back: places of its output recognise those of its input.

    Park et al. 2020, arXiv:2007.15651. The generator owns `translator`, from the `source` to the target
    domain, whose samples are the data's `real` rows, and `projection`, from inner features of the translator
    to vectors; both have one optimizer. In the paper the generator descends `least_squares_generator`,
    `patch_contrastive` and `identity_patch_contrastive`, the discriminator `least_squares_discriminator`.
    FastCUT has `flip_equivariance` and no term of the identity.

    Its outputs are
    `source`, `target` = `real`: samples of both domains, before augmentation;
    `prediction` = `fake`: the translations;
    `queries`, `keys`: projected features of the translations, and of the sources at the same places: a tuple
    of unit vectors [B, patches, size] by layer; no gradient flows into keys;
    `identity_target`, `identity_queries`, `identity_keys`: the same of the target's samples and their
    translations, only of domains of as many channels;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them;
    `discriminate`: function from target samples (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    every other entry of the batch, `key`, `step`.

    Args:
        nets: Dict of dicts of Nets: `generator` with `translator`, from images to a dict of `image` and of
            `layers`, a tuple of features [B, h, w, C], and `projection`, from a tuple of features
            [B, N, C] to one of vectors; and the Net `discriminator`, from images to a dict of heads with
            `logits` among them.
        augment: The Augment in front of the discriminator.
        patches: Places of a layer that are compared, the same ones in all samples of a batch; a smaller
            layer gives all of its own.
        flip_equivariance: Translates mirrored sources, half of them, and compares their features mirrored
            back (section C.1 of the paper): a constraint in place of the identity.

    Returns:
        The Game. Its grid shows rows of sources above their translations.

    Raises:
        UsageError: A player has other networks, or the data has no `source`.
    """
    generator = several(nets, "generator", ("translator", "projection"))
    parts = _Parts(
        with_head(generator["translator"], "nets.generator.translator", "layers"),
        generator["projection"],
        networks(nets, ("discriminator",))["discriminator"],
        augment,
        patches,
        flip_equivariance,
    )
    return Game(
        init=functools.partial(_init, parts),
        play=functools.partial(_play, parts),
        sample=functools.partial(_sample, parts),
        conditions=("source",),
        preview=functools.partial(_preview, parts),
        multiple=parts.translator.multiple,
        radius=parts.translator.radius,
    )


class _Parts(NamedTuple):
    """The arguments of `cut`."""

    translator: Net
    projection: Net
    discriminator: Net
    augment: Augment
    patches: int
    flip_equivariance: bool


class _Views(NamedTuple):
    """The networks of a move as functions of their inputs; the first two also return the carry."""

    translate: Any
    project: Any
    discriminate: Any


def _init(parts, key, batch):
    keys, images = jax.random.split(key, 3), sources(batch)
    translator = parts.translator.init(keys[0], images)
    outputs, _ = jax.eval_shape(
        lambda params, carry: parts.translator.apply(params, carry, images, key=keys[0], train=True),
        *translator,
    )
    features = tuple(
        jnp.zeros((count, min(parts.patches, height * width), channels))
        for count, height, width, channels in (layer.shape for layer in outputs["layers"])
    )
    projection = parts.projection.init(keys[1], features)
    discriminator = parts.discriminator.init(keys[2], batch["real"])
    params, nets = (
        {
            "generator": {"translator": translator[i], "projection": projection[i]},
            "discriminator": discriminator[i],
        }
        for i in (0, 1)
    )
    carry = {player: {"net": net} for player, net in nets.items()}
    carry["discriminator"]["augment"] = parts.augment.init()
    return params, carry


def _views(parts, context, keys):
    params, nets = context.params["generator"], context.carry["generator"]["net"]
    carry = context.carry["discriminator"]["augment"]

    def translate(images):
        own = params["translator"], nets["translator"]
        return parts.translator.apply(*own, images, key=keys["translator"], train=True)

    def project(features):
        own = params["projection"], nets["projection"]
        return parts.projection.apply(*own, features, key=keys["projection"], train=True)

    def discriminate(images, net, key):
        augment_key, key = jax.random.split(key)
        images = parts.augment.apply(carry, augment_key, images, context.step)
        return parts.discriminator.apply(context.params["discriminator"], net, images, key=key, train=True)

    return _Views(translate, project, discriminate)


def _play(parts, context):
    names = ("translator", "projection", "flip", "places", "mix", "real", "fake", "terms")
    keys = dict(zip(names, jax.random.split(context.key, len(names)), strict=True))
    views, carry = _views(parts, context, keys), context.carry["discriminator"]
    outputs, generator_net = _translated(parts, views, context.batch, keys)
    real = parts.augment.mix(carry["augment"], keys["mix"], outputs["target"], outputs["fake"])
    real_heads, net = views.discriminate(real, carry["net"], keys["real"])
    fake_heads, net = views.discriminate(outputs["fake"], net, keys["fake"])

    def discriminate(images):
        return views.discriminate(images, carry["net"], keys["real"])[0]

    outputs = {
        **context.batch,
        **{f"real_{head}": value for head, value in real_heads.items()},
        **{f"fake_{head}": value for head, value in fake_heads.items()},
        **outputs,
        "real": real,
        "discriminate": discriminate,
        "critic": lambda images: discriminate(images)["logits"],
        "key": keys["terms"],
        "step": context.step,
    }
    logits = jax.lax.stop_gradient(real_heads["logits"])
    adapted = parts.augment.adapt(carry["augment"], logits, len(outputs["target"]))
    return outputs, {
        "generator": {"net": generator_net},
        "discriminator": {"net": net, "augment": adapted},
    }


def _translated(parts, views, batch, keys):
    """Translations and what their features are compared with, and the generator's carry."""
    source, target = batch["source"], batch["real"]
    turned = _turns(parts, len(source), keys["flip"])
    there, translator = views.translate(turned(source))
    if there["image"].shape != target.shape:
        raise UsageError(
            f"nets.generator.translator: expected images {list(target.shape)}, got {described(there['image'])}"
        )
    compare = functools.partial(_compare, parts, views, keys["places"])
    original = views.translate(source)[0] if parts.flip_equivariance else there
    again = views.translate(there["image"])[0]["layers"]
    queries, near, projection = compare(jax.tree.map(turned, again), original["layers"])
    outputs = {
        "source": source,
        "target": target,
        "prediction": there["image"],
        "fake": there["image"],
        "queries": queries,
        "keys": near,
    }
    if source.shape[-1] == target.shape[-1]:
        own = views.translate(target)[0]
        queries, near, _ = compare(views.translate(own["image"])[0]["layers"], own["layers"])
        outputs |= {"identity_target": own["image"], "identity_queries": queries, "identity_keys": near}
    return outputs, {"translator": translator, "projection": projection}


def _turns(parts, count, key):
    """The function that mirrors the same half of every array [B, H, W, C]; without the option, none."""
    if not parts.flip_equivariance:
        return lambda images: images
    coins = jax.random.bernoulli(key, 0.5, (count, 1, 1, 1))
    return lambda images: jnp.where(coins, images[:, :, ::-1], images)


def _compare(parts, views, key, queries, keys):
    """Projected features at the same random places of two images' layers, and the projection's carry."""
    places = [
        jax.random.permutation(jax.random.fold_in(key, number), layer.shape[1] * layer.shape[2])
        for number, layer in enumerate(queries)
    ]

    def project(layers):
        flat = (layer.reshape(len(layer), -1, layer.shape[-1]) for layer in layers)
        return views.project(tuple(x[:, at[: parts.patches]] for x, at in zip(flat, places, strict=True)))

    vectors, carry = project(queries)
    return vectors, jax.lax.stop_gradient(project(keys)[0]), carry


def _sample(parts, params, carry, latents, batch, key):
    own = params["generator"]["translator"], carry["generator"]["net"]["translator"]
    return parts.translator.apply(*own, batch["source"], key=key, train=False)[0]["image"]


def _preview(parts, params, carry, batch, key):
    translated = _sample(parts, params, carry, None, batch, key)
    return rows_of(batch["source"], translated, channels=batch["real"].shape[-1])
