"""The game of a generator that turns images into others, of which the data has pairs."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.features.types import Maps
from gan_jax.games import averages as averages_lib
from gan_jax.games.grids import rows_of
from gan_jax.games.players import conditions, networks
from gan_jax.seams import described
from gan_jax.types import Augment, Context, Game, Net

# A pixel of an enlarged image depends on two pixels of the small one on each side.
_CUBIC = 2


def translation(
    nets: Mapping[str, Net],
    augment: Augment,
    features: Maps | None = None,
    *,
    condition_on: Sequence[str] = ("source",),
    conditional: bool = True,
    paste: bool = False,
    residual: bool = False,
    averages: Mapping[str, Sequence[str]] | None = None,
    average_decay: float = 0.99,
) -> Game:
    """A generator from source images to target images, against a discriminator of real and fake targets.

    Isola et al. 2016, arXiv:1611.07004 (pix2pix), of pairs of a `source` and a `real` image, the target.
    Other options give restoration: enlarging (Ledig et al. 2016, arXiv:1609.04802), filling holes (Pathak et
    al. 2016, arXiv:1604.07379), removing noise. There are no latents. Without a network for the discriminator
    it is the pixel stage: the generator descends distances from the target alone.

    Its outputs are
    `source`, `mask` and every other entry of the batch;
    `target`, `prediction`: the real images and the generator's, for `l1`, `perceptual` and the like;
    `fake`: the prediction; `real`: the target, unless an augmentation shows fakes as real;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them, which may be of
    patches, [B, h, w], and perhaps `layers` for `layer_matching`;
    `discriminate`: function from target images (augmented inside) to the dict of heads, their sources fixed
    and its carry frozen; `critic`: the same to `logits` only, so that penalties are of target images;
    `generate`: function from sources to predictions, its carry frozen;
    `features`: function from images to the maps of a fixed network by layer; the network's arrays live in the
    generator's carry, so that they are data of the program and not constants in it;
    `average_<name>`: running mean of the output <name>, for each name in `averages`;
    `key`, `step`. Without a discriminator there is none of its outputs, without `features` no such function.

    Args:
        nets: Dict of Nets: `generator` from images [B, h, w, C] to images like `real`, and perhaps
            `discriminator` from images to a dict of heads with `logits` among them; both get further
            conditions as further inputs.
        augment: The Augment in front of the discriminator. A discriminator that sees the source gets both
            augmented with the same random numbers, so that they move and are coloured alike; noise of its own
            is `wrap.input_noise`, not `instance_noise`, which would add the same noise to both.
        features: The Maps that perceptual losses compare, or None. Where its arrays have yet to be loaded,
            the first carry holds zeros in their place.
        condition_on: Names of the batch's entries that the generator gets: first the image that it
            translates; further images of its size, such as `mask`, stand beside it as channels.
        conditional: Whether the discriminator sees these entries too, beside the target; smaller images are
            enlarged to its size. A penalty that moves target images, such as `consistency`, needs False,
            since their sources stay.
        paste: Whether known pixels are kept: the output is `mask` times the network's and 1 - `mask` times
            the source, before the discriminator sees it.
        residual: Whether the output is the source plus the network's; a smaller source is enlarged
            bicubically.
        averages: As in `gan`.
        average_decay: As in `gan`.

    Returns:
        The Game. Its grid shows rows of inputs, outputs and targets.

    Raises:
        UsageError: A player has no network, nothing to translate or to paste is in the data, or there is an
            augmentation and no discriminator.
    """
    players = ("generator", "discriminator") if "discriminator" in nets else ("generator",)
    if len(players) == 1 and augment.init() != ():
        raise UsageError(
            "game.augment: what a discriminator sees is augmented, and nets has no 'discriminator'"
        )
    if not condition_on:
        raise UsageError("game.condition_on: expected the image to be translated first, as in ('source',)")
    of = networks(nets, players)
    parts = _Parts(
        of["generator"],
        of.get("discriminator"),
        augment,
        features,
        tuple(condition_on),
        conditional,
        paste,
        residual,
        {"generator": (), "discriminator": (), **(averages or {})},
        average_decay,
    )
    radius = parts.generator.radius
    return Game(
        init=functools.partial(_init, parts),
        play=functools.partial(_play, parts),
        sample=functools.partial(_sample, parts),
        conditions=tuple(dict.fromkeys((*condition_on, *(("mask",) if paste else ())))),
        preview=functools.partial(_preview, parts),
        multiple=parts.generator.multiple,
        radius=radius if radius is None else max(radius, _CUBIC if residual else 0),
    )


class _Parts(NamedTuple):
    """The arguments of `translation`."""

    generator: Net
    discriminator: Net | None
    augment: Augment
    features: Maps | None
    condition_on: tuple[str, ...]
    conditional: bool
    paste: bool
    residual: bool
    averages: dict[str, Sequence[str]]
    average_decay: float


def _entries(parts, batch):
    """What the generator gets: images of one size, the first of which it translates, and what is no image."""
    entries = conditions(batch, parts.condition_on)
    first, images = entries[0], [entry for entry in entries if entry.ndim == 4]
    for entry in (first, *images):
        if entry.ndim != 4 or entry.shape[:3] != first.shape[:3]:
            raise UsageError(
                f"game.condition_on={parts.condition_on}: expected images of one height and width first, got "
                f"{described(entry)} and {described(first)}"
            )
    return images, [entry for entry in entries if entry.ndim != 4]


def _joined(images, others):
    """Inputs of a network: the images as channels of one, and what is no image."""
    return jnp.concatenate(images, axis=-1), *others


def enlarged(images: jax.Array, like: jax.Array) -> jax.Array:
    """Images at the height and width of others, by bicubic interpolation.

    Keys 1981, IEEE TASSP 29, with a = -1/2, as Pillow's; an image that becomes smaller is smoothed first.

    Args:
        images: [B, h, w, C].
        like: [B, H, W, any number].

    Returns:
        [B, H, W, C].
    """
    if images.shape[1:3] == like.shape[1:3]:
        return images
    return jax.image.resize(images, (*images.shape[:1], *like.shape[1:3], images.shape[-1]), "cubic")


def _finished(parts, output, batch):
    """The network's output with the source added or pasted in."""
    source = batch[parts.condition_on[0]]
    if parts.residual:
        output = output + _shown(parts, source, output, "residual")
    if not parts.paste:
        return output
    (mask,) = conditions(batch, ("mask",))
    return mask * output + (1 - mask) * _shown(parts, source, output, "paste")


def _shown(parts, source, output, option):
    """The source as an image like the output."""
    if source.shape[-1] not in (1, output.shape[-1]):
        raise UsageError(
            f"game.{option}: {parts.condition_on[0]!r} has {source.shape[-1]} channels and the output "
            f"{output.shape[-1]}: expected as many, or one"
        )
    return enlarged(source, output)


def _init(parts, key, batch):
    keys, (images, others) = jax.random.split(key, 2), _entries(parts, batch)
    params, carry = {}, {}
    params["generator"], net = parts.generator.init(keys[0], *_joined(images, others))
    carry["generator"] = {"net": net}
    if parts.features is not None:
        carry["generator"]["features"] = jax.tree.map(_array, parts.features.params)
    if parts.discriminator is not None:
        large = [enlarged(image, batch["real"]) for image in images]
        beside = _joined(large, others) if parts.conditional else ()
        params["discriminator"], net = parts.discriminator.init(keys[1], batch["real"], *beside)
        carry["discriminator"] = {"net": net, "augment": parts.augment.init()}
    return params, {
        player: {**own, **averages_lib.start(parts.averages[player])} for player, own in carry.items()
    }


def _array(leaf):
    """An array of fixed features, of zeros where only its shape is known yet."""
    return jnp.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else jnp.asarray(leaf)


def _generated(parts, params, carry, batch, key, train):
    """Predictions, and the generator's carry after the call."""
    own = params["generator"], carry["generator"]["net"]
    output, net = parts.generator.apply(*own, *_joined(*_entries(parts, batch)), key=key, train=train)
    return _finished(parts, output, batch), net


def _play(parts: _Parts, context: Context) -> tuple[dict, dict]:
    keys = dict(
        zip(("generator", "mix", "real", "fake", "terms"), jax.random.split(context.key, 5), strict=True)
    )
    own, batch = context.carry["generator"], context.batch

    def generate(source):
        given = {**batch, parts.condition_on[0]: source}
        return _generated(parts, context.params, context.carry, given, keys["generator"], True)[0]

    prediction, net = _generated(parts, context.params, context.carry, batch, keys["generator"], True)
    outputs = {
        **batch,
        **averages_lib.offered(context.carry),
        "target": batch["real"],
        "fake": prediction,
        "prediction": prediction,
        "generate": generate,
        "key": keys["terms"],
        "step": context.step,
    }
    if parts.features is not None:
        outputs["features"] = functools.partial(parts.features.maps, own["features"])
    carry = {"generator": {**own, "net": net}}
    if parts.discriminator is not None:
        judged, carry["discriminator"] = _judged(parts, context, prediction, keys)
        outputs |= judged
    followed = functools.partial(averages_lib.followed, context, outputs=outputs, decay=parts.average_decay)
    return outputs, {player: {**new, **followed(player)} for player, new in carry.items()}


def _judged(parts, context, fake, keys):
    """What the discriminator says, and its carry after that."""
    carry, discriminate = context.carry["discriminator"], _discriminator(parts, context)
    real = parts.augment.mix(carry["augment"], keys["mix"], context.batch["real"], fake)

    def heads(images):
        return discriminate(images, carry["net"], keys["real"])[0]

    real_heads, net = discriminate(real, carry["net"], keys["real"])
    fake_heads, net = discriminate(fake, net, keys["fake"])
    adapted = parts.augment.adapt(carry["augment"], jax.lax.stop_gradient(real_heads["logits"]), len(real))
    outputs = {
        **{f"real_{head}": value for head, value in real_heads.items()},
        **{f"fake_{head}": value for head, value in fake_heads.items()},
        "real": real,
        "discriminate": heads,
        "critic": lambda images: heads(images)["logits"],
    }
    return outputs, {"net": net, "augment": adapted}


def _discriminator(parts, context) -> Callable[..., tuple[dict, Any]]:
    """The discriminator as a function of target images, its carry and a key; what it sees is augmented."""
    augment = functools.partial(parts.augment.apply, context.carry["discriminator"]["augment"])

    def seen(key, target):
        """Target images, and beside them what the discriminator is conditioned on, augmented alike."""
        conditioned = _entries(parts, context.batch) if parts.conditional else ([], [])
        target, *images = [
            augment(key, enlarged(image, target), context.step) for image in (target, *conditioned[0])
        ]
        return target, *(_joined(images, conditioned[1]) if images else ())

    def discriminate(target, net, key):
        augment_key, key = jax.random.split(key)
        inputs = seen(augment_key, target)
        return parts.discriminator.apply(context.params["discriminator"], net, *inputs, key=key, train=True)

    return discriminate


def _sample(parts, params, carry, latents, batch, key):
    return _generated(parts, params, carry, batch, key, False)[0]


def _preview(parts, params, carry, batch, key):
    real, source = batch["real"], batch[parts.condition_on[0]]
    # Pixels of a small input stay squares.
    shown = jax.image.resize(source, (*real.shape[:3], source.shape[-1]), "nearest")
    output = _sample(parts, params, carry, None, batch, key)
    return rows_of(shown, output, real, channels=real.shape[-1])
