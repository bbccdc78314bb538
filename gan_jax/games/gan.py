"""The two-player game between a generator of samples and a discriminator of real and fake."""

import jax
import jax.numpy as jnp

from gan_jax.errors import unknown
from gan_jax.types import Game


def gan(nets, latents, augment, *, told=(), averages=(), average_decay=0.99):
    """Goodfellow et al. 2014, arXiv:1406.2661, with whatever both networks are told.

    Its table offers
    `real`, `fake`: images before augmentation; the discriminator sees them augmented;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them;
    `average_<name>`: running mean of the table's <name>, for each name in `averages`;
    `critic`: function from images (augmented inside) to logits, its carry frozen;
    `generate`: function from latents to images, its carry frozen;
    `latents`, `labels` if the data has them, `key`, `step`.

    Args:
        nets: Dict of Nets: `generator` from latents to images, `discriminator` from images to a dict of
            heads with `logits` among them.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator.
        told: Names in the batch of what both networks hear besides their input, such as `labels`
            (Mirza and Osindero 2014, arXiv:1411.1784).
        averages: Names on the table whose means over batches are averaged in the discriminator's carry.
        average_decay: Weight of the past in these averages, in [0, 1).

    Returns:
        The Game.

    Raises:
        UsageError: The data has not what the networks are to be told.
    """
    generator, discriminator = nets["generator"], nets["discriminator"]

    def heard(batch):
        for name in told:
            if name not in batch:
                raise unknown("game.told: the data does not have", name, [n for n in batch if n != "images"])
        return tuple(batch[name] for name in told)

    def init(key, batch):
        keys = jax.random.split(key, 3)
        drawn = latents(keys[0], batch["images"].shape[0])
        of_generator, carry = generator.init(keys[1], drawn, *heard(batch))
        of_discriminator, net = discriminator.init(keys[2], batch["images"], *heard(batch))
        started = {name: jnp.zeros(()) for name in averages}
        return (
            {"generator": of_generator, "discriminator": of_discriminator},
            {
                "generator": carry,
                "discriminator": {"net": net, "augment": augment.init(), "averages": started},
            },
        )

    def play(turn):
        real, hears, carry = turn.batch["images"], heard(turn.batch), turn.carry
        keys = dict(zip(("latents", "generator", "real", "fake", "terms"), jax.random.split(turn.key, 5)))
        owned = carry["discriminator"]

        def generate(drawn):
            params = turn.params["generator"]
            return generator.apply(
                params, carry["generator"], drawn, *hears, key=keys["generator"], train=True
            )

        def discriminate(images, net, key):
            augment_key, key = jax.random.split(key)
            images = augment.apply(owned["augment"], augment_key, images, turn.step)
            params = turn.params["discriminator"]
            return discriminator.apply(params, net, images, *hears, key=key, train=True)

        drawn = latents(keys["latents"], real.shape[0])
        fake, generator_carry = generate(drawn)
        real_heads, net = discriminate(real, owned["net"], keys["real"])
        fake_heads, net = discriminate(fake, net, keys["fake"])
        table = {
            **{name: value for name, value in turn.batch.items() if name != "images"},
            **{f"real_{head}": value for head, value in real_heads.items()},
            **{f"fake_{head}": value for head, value in fake_heads.items()},
            **{f"average_{name}": value for name, value in owned["averages"].items()},
            "real": real,
            "fake": fake,
            "latents": drawn,
            "critic": lambda images: discriminate(images, owned["net"], keys["real"])[0]["logits"],
            "generate": lambda latents: generate(latents)[0],
            "key": keys["terms"],
            "step": turn.step,
        }
        # The plain mean of all batches, until that forgets more slowly than it should.
        decay = jnp.minimum(average_decay, turn.step / (turn.step + 1))
        averaged = {
            name: decay * old + (1 - decay) * jnp.mean(jax.lax.stop_gradient(table[name]))
            for name, old in owned["averages"].items()
        }
        adapted = augment.adapt(owned["augment"], jax.lax.stop_gradient(table["real_logits"]))
        kept = {"net": net, "augment": adapted, "averages": averaged}
        return table, {"generator": generator_carry, "discriminator": kept}

    def sample(params, carry, key, batch, count):
        drawn = latents(key, count)
        images, _ = generator.apply(
            params["generator"], carry["generator"], drawn, *heard(batch), key=key, train=False
        )
        return images

    return Game(init, play, sample, tuple(told))
