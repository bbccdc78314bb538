"""The game of a variational autoencoder whose generator a discriminator judges."""

from gan_jax.games import encoded


def vaegan(nets, latents, augment):
    """Larsen et al. 2015, arXiv:1512.09300.

    The encoder gives a normal distribution of latents for each image, the generator makes images of draws
    from it (reconstructions) and of latents from the prior (fakes), and the discriminator tells both from
    real images. In the paper the encoder descends `kl_to_standard_normal` and `learned_similarity`, the
    discriminator `non_saturating_discriminator` and `reconstruction_discriminator`, and the generator their
    opposites and `learned_similarity`, weighted by gamma. The paper moves all three at once; here they move
    one after the other.

    Its outputs are
    `real`, `fake`, `reconstruction`: images before augmentation; the discriminator sees them augmented;
    `real_<head>`, `fake_<head>`, `reconstruction_<head>`: every head of the discriminator, `logits` and the
    `features` of an inner layer among them;
    `mean`, `log_variance`: of the encoder's distribution; `real_latents`: drawn from it;
    `prediction` and `target`: the reconstruction and the real images, for `l1` and `l2`;
    `discriminate`: function from images (augmented inside) to the dict of heads, its carry frozen;
    `critic`: the same to `logits` only;
    `generate`: function from latents to images, its carry frozen; `encode`: from images to latents;
    `reconstruct`: from images to what the generator makes of their latents;
    `latents`, `labels` if the data has them, `key`, `step`.

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


def _play(views, outputs, made, net, keys):
    shown = {"real": outputs["target"], "reconstruction": outputs["reconstruction"], "fake": made}
    entries = {**shown}
    # One key for the first two: the same augmentation, the same dropout.
    for name, key in (("real", "real"), ("reconstruction", "real"), ("fake", "fake")):
        heads, net = views.discriminate(shown[name], net, keys[key])
        entries |= {f"{name}_{head}": value for head, value in heads.items()}
    return entries, net
