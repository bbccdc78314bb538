"""The two-player game between a generator of samples and a discriminator of real and fake."""

import jax
import jax.numpy as jnp

from gan_jax.errors import unknown
from gan_jax.losses import path_lengths
from gan_jax.types import Game


def gan(nets, latents, augment, *, told=(), averages=None, average_decay=0.99):
    """Goodfellow et al. 2014, arXiv:1406.2661, with whatever both networks are told.

    Its table offers
    `real`, `fake`: images before augmentation; the discriminator sees them augmented;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them;
    `discriminate`: function from images (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    `generate`: function from latents to images, its carry frozen;
    `average_<name>`: running mean of the table's <name>, for each name in `averages`;
    `latents`, `labels` if the data has them, `key`, `step`.

    Args:
        nets: Dict of Nets: `generator` from latents to images, `discriminator` from images to a dict of
            heads with `logits` among them.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator.
        told: Names in the batch of what both networks hear besides their input, such as `labels`
            (Mirza and Osindero 2014, arXiv:1411.1784).
        averages: By player, names on the table, or `path_lengths`, whose means over batches are averaged in
            the player's carry, move by move: `dict(discriminator=("real_logits", "fake_logits"))`.
        average_decay: Weight of the past in these averages, in [0, 1).

    Returns:
        The Game.

    Raises:
        UsageError: The data has not what the networks are to be told, or there is nothing of a name to
            average.
    """
    generator, discriminator = nets["generator"], nets["discriminator"]
    averages = {"generator": (), "discriminator": (), **(averages or {})}

    def heard(batch):
        for name in told:
            if name not in batch:
                raise unknown("game.told: the data does not have", name, [n for n in batch if n != "images"])
        return tuple(batch[name] for name in told)

    def init(key, batch):
        keys = jax.random.split(key, 3)
        drawn = latents(keys[0], batch["images"].shape[0])
        params, nets_carry = {}, {}
        made = (
            ("generator", generator, drawn, keys[1]),
            ("discriminator", discriminator, batch["images"], keys[2]),
        )
        for player, net, first, net_key in made:
            params[player], nets_carry[player] = net.init(net_key, first, *heard(batch))
        carry = {
            player: {"net": net, "averages": {name: jnp.zeros(()) for name in averages[player]}}
            for player, net in nets_carry.items()
        }
        carry["discriminator"]["augment"] = augment.init()
        return params, carry

    def play(turn):
        hears, owned = heard(turn.batch), turn.carry["discriminator"]
        names = ("latents", "generator", "mix", "real", "fake", "terms")
        keys = dict(zip(names, jax.random.split(turn.key, len(names)), strict=True))

        def generate(drawn):
            params, carry = turn.params["generator"], turn.carry["generator"]["net"]
            return generator.apply(params, carry, drawn, *hears, key=keys["generator"], train=True)

        def discriminate(images, net, key):
            augment_key, key = jax.random.split(key)
            images = augment.apply(owned["augment"], augment_key, images, turn.step)
            params = turn.params["discriminator"]
            return discriminator.apply(params, net, images, *hears, key=key, train=True)

        def heads(images):
            return discriminate(images, owned["net"], keys["real"])[0]

        drawn = latents(keys["latents"], turn.batch["images"].shape[0])
        fake, generator_net = generate(drawn)
        real = augment.mix(owned["augment"], keys["mix"], turn.batch["images"], fake)
        real_heads, net = discriminate(real, owned["net"], keys["real"])
        fake_heads, net = discriminate(fake, net, keys["fake"])
        table = {
            **{name: value for name, value in turn.batch.items() if name != "images"},
            **{f"real_{head}": value for head, value in real_heads.items()},
            **{f"fake_{head}": value for head, value in fake_heads.items()},
            **{f"average_{n}": a for carry in turn.carry.values() for n, a in carry["averages"].items()},
            "real": real,
            "fake": fake,
            "latents": drawn,
            "discriminate": heads,
            "critic": lambda images: heads(images)["logits"],
            "generate": lambda latents: generate(latents)[0],
            "key": keys["terms"],
            "step": turn.step,
        }
        followed = {player: _follow(turn, player, table, average_decay) for player in turn.carry}
        adapted = augment.adapt(owned["augment"], jax.lax.stop_gradient(table["real_logits"]))
        return table, {
            "generator": {"net": generator_net, "averages": followed["generator"]},
            "discriminator": {"net": net, "averages": followed["discriminator"], "augment": adapted},
        }

    def sample(params, carry, key, batch, count):
        owned = carry["generator"]["net"]
        drawn, told_to = latents(key, count), heard(batch)
        return generator.apply(params["generator"], owned, drawn, *told_to, key=key, train=False)[0]

    return Game(init, play, sample, tuple(told))


def _follow(turn, player, table, decay):
    """A player's running means after this move: the mean of all batches, until that forgets too slowly."""
    past = jnp.minimum(decay, turn.step / (turn.step + 1))
    moved = {}
    for name, old in turn.carry[player]["averages"].items():
        if name not in table and name != "path_lengths":
            raise unknown(f"game.averages.{player}", name, [*table, "path_lengths"])
        now = (
            path_lengths(table["generate"], table["latents"], table["key"])
            if name not in table
            else table[name]
        )
        moved[name] = past * old + (1 - past) * jnp.mean(jax.lax.stop_gradient(now))
    return moved
