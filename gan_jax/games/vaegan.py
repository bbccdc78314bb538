"""The game of a variational autoencoder whose samples and reconstructions a discriminator sees."""

from collections.abc import Callable, Mapping
from typing import Any

from gan_jax.games import encoded
from gan_jax.types import Augment, Game, Net


def vaegan(nets: Mapping[str, Net], latents: Callable[..., Any], augment: Augment) -> Game:
    """A variational autoencoder whose samples and reconstructions a discriminator sees.

    Larsen et al. 2015, arXiv:1512.09300. The encoder gives a normal distribution of latents for each image,
    the generator makes images of draws from it (reconstructions) and of latents from the prior (fakes), and
    the discriminator separates both from real images. In the paper the encoder descends
    `kl_to_standard_normal` and `learned_similarity`, the discriminator `non_saturating_discriminator` and
    `reconstruction_discriminator`, and the generator their opposites and `learned_similarity`, weighted by
    gamma. The paper moves all three at once; here they move one after the other.

    Its outputs are
    `real`, `fake`, `reconstruction`: images before augmentation; the discriminator sees them augmented;
    `real_<head>`, `fake_<head>`, `reconstruction_<head>`: every head of the discriminator, `logits` and the
    `features` of an inner layer among them;
    `mean`, `log_variance`: of the encoder's distribution; `real_latents`: drawn from it;
    `prediction` and `target`: the reconstruction and the real images, for `l1` and `l2`;
    `discriminate`: function from images (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    `generate`: function from latents to images, its carry frozen; `encode`: from images to latents;
    `reconstruct`: from images to the generator's images of their latents;
    every other entry of the batch, such as `label`; `latents`, `key`, `step`.

    Real images and their reconstructions are augmented alike, so that their features can be compared.

    Args:
        nets: Dict of Nets: `generator` from latents to images, `encoder` from images to a dict of `latents`,
            `mean` and `log_variance`, `discriminator` from images to a dict of heads with `logits` among
            them.
        latents: Function `(key, count) -> [count, size]`; the prior, standard normal in the paper.
        augment: The Augment in front of the discriminator.

    Returns:
        The Game. Its grid shows originals above reconstructions.
    """
    return encoded.game(
        nets, latents, augment, _play, lambda images, codes: images, lambda function, images: function(images)
    )


def _play(views, outputs, generated, net, keys):
    samples = {"real": outputs["target"], "reconstruction": outputs["reconstruction"], "fake": generated}
    entries = {**samples}
    # One key for the first two: the same augmentation, the same dropout.
    for name, key in (("real", "real"), ("reconstruction", "real"), ("fake", "fake")):
        heads, net = views.discriminate(samples[name], net, keys[key])
        entries |= {f"{name}_{head}": value for head, value in heads.items()}
    return entries, net
