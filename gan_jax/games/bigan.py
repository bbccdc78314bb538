"""The game of a generator and an encoder against a discriminator of pairs of an image and its latents."""

from collections.abc import Callable, Mapping
from typing import Any

from gan_jax.games import encoded
from gan_jax.types import Augment, Game, Net


def bigan(nets: Mapping[str, Net], latents: Callable[..., Any], augment: Augment) -> Game:
    """A generator and an encoder against a discriminator of pairs of a sample and its latents.

    Donahue et al. 2016, arXiv:1605.09782 (BiGAN), and Dumoulin et al. 2016, arXiv:1606.00704 (ALI). A real
    pair is an image and its latents by the encoder, a fake pair latents and their image by the generator.
    Generator and encoder descend the same loss, `swapped` around the discriminator's: both try to make the
    pairs alike. The papers move these two at once; here they move one after the other. The encoder may be a
    function (BiGAN) or draw from a distribution (ALI).

    Its outputs are
    `real`, `fake`: pairs `(images, latents)`, the images before augmentation;
    `real_<head>`, `fake_<head>`: every head of the discriminator, `logits` among them;
    `discriminate`: function from pairs (images augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    `generate`: function from latents to images, its carry frozen; `encode`: from images to latents;
    `reconstruct`: from images to the generator's images of their latents;
    `reconstruction`: of the real images; `prediction` and `target`: it and the real images, for `l1`, `l2`;
    `real_latents`: the encoder's, and its other heads (`mean`, `log_variance`) under their own names;
    every other entry of the batch, such as `label`; `latents`, `key`, `step`.

    Args:
        nets: Dict of Nets: `generator` from latents to images, `encoder` from images to a dict of heads with
            `latents` among them, `discriminator` from a pair to a dict of heads with `logits` among them.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator's images.

    Returns:
        The Game. Its grid shows originals above reconstructions.
    """

    def over_images(function, pair):
        images, codes = pair
        return function(images), codes

    return encoded.game(nets, latents, augment, _play, lambda images, codes: (images, codes), over_images)


def _play(views, outputs, generated, net, keys):
    real, fake = (outputs["target"], outputs["real_latents"]), (generated, outputs["latents"])
    real_heads, net = views.discriminate(real, net, keys["real"])
    fake_heads, net = views.discriminate(fake, net, keys["fake"])
    return {
        **{f"real_{head}": value for head, value in real_heads.items()},
        **{f"fake_{head}": value for head, value in fake_heads.items()},
        "real": real,
        "fake": fake,
    }, net
