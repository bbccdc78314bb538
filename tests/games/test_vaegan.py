"""VAE-GAN on one weight a network: z -> 2 z, x -> latents 3 x, x -> logits 5 sum(x) and features 7 x."""

import jax
import numpy as np
import three_players

from gan_jax import augment, losses
from gan_jax.games import vaegan
from gan_jax.types import Augment


def _encoder(e, images):
    mean = e * images[:, :, 0, 0]
    return {"latents": mean, "mean": mean, "log_variance": 0.0 * mean}


NETS = {
    "generator": three_players.linear("w", 2.0, lambda w, latents: w * latents[:, :, None, None]),
    "encoder": three_players.linear("e", 3.0, _encoder),
    "discriminator": three_players.linear(
        "a", 5.0, lambda a, images: {"logits": a * images.sum((1, 2, 3)), "features": 7 * images}
    ),
}
IMAGES = np.arange(12.0).reshape(4, 3)


def test_outputs():
    game = vaegan(NETS, three_players.latents, augment.chain())
    outputs, carry = game.play(three_players.context(game))
    np.testing.assert_allclose(outputs["real"][:, :, 0, 0], IMAGES)
    np.testing.assert_allclose(outputs["reconstruction"][:, :, 0, 0], 6 * IMAGES)
    np.testing.assert_allclose(outputs["fake"][0, :, 0, 0], [2.0, 4.0, 6.0])
    np.testing.assert_allclose(outputs["real_logits"], 5 * IMAGES.sum(1))
    np.testing.assert_allclose(outputs["reconstruction_logits"], 30 * IMAGES.sum(1))
    np.testing.assert_allclose(outputs["fake_logits"], [60.0] * 4)
    np.testing.assert_allclose(outputs["reconstruction_features"][:, :, 0, 0], 42 * IMAGES)
    similarity = losses.learned_similarity(outputs["reconstruction_features"], outputs["real_features"])
    np.testing.assert_allclose(similarity, 0.5 * ((42 - 7) ** 2 * IMAGES**2).sum(1))
    # Of normal distributions with means 3 x and unit variances.
    divergence = losses.kl_to_standard_normal(outputs["mean"], outputs["log_variance"])
    np.testing.assert_allclose(divergence, 0.5 * (9 * IMAGES**2).sum(1))
    np.testing.assert_allclose(outputs["critic"](outputs["fake"]), outputs["fake_logits"])
    assert [carry[player]["net"] for player in ("generator", "encoder", "discriminator")] == [1, 1, 3]
    assert game.conditions == ()


def test_an_image_and_its_reconstruction_are_augmented_alike():
    def shift(carry, key, images, step):
        return images + jax.random.uniform(key)

    game = vaegan(
        NETS, three_players.latents, augment.chain(Augment(lambda: (), shift, lambda c, logits, count: c))
    )
    outputs, _ = game.play(three_players.context(game))
    offset = outputs["real_features"][0, 0, 0, 0] / 7
    assert 0 < offset < 1
    np.testing.assert_allclose(
        outputs["reconstruction_features"][:, :, 0, 0], 7 * (6 * IMAGES + offset), rtol=1e-5
    )
    np.testing.assert_allclose(outputs["reconstruction"][:, :, 0, 0], 6 * IMAGES)
    assert not np.allclose(outputs["fake_features"][0, 0, 0, 0], 7 * (2 + offset))


def test_the_mean_is_the_code():
    game = vaegan(NETS, three_players.latents, augment.chain())
    context = three_players.context(game)
    code = game.encode(context.params, context.carry, context.batch, jax.random.key(0))
    np.testing.assert_allclose(code, 3 * IMAGES)


def _recipe(tiny):
    optimizer = dict(rmsprop=dict(learning_rate=1e-3))
    return tiny(
        game=dict(name="vaegan", latents=dict(name="normal", size=3)),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            encoder=dict(name="encoders.DenseGaussianEncoder", size=3, widths=(16,)),
            discriminator=dict(name="discriminators.DenseFeatureDiscriminator", widths=(16, 8)),
        ),
        losses=dict(
            encoder=dict(kl_to_standard_normal=1.0, learned_similarity=1.0),
            generator=dict(
                non_saturating_generator=1.0, reconstruction_generator=1.0, learned_similarity=1e-2
            ),
            discriminator=dict(non_saturating_discriminator=1.0, reconstruction_discriminator=1.0),
        ),
        optimizers=dict(encoder=optimizer, generator=optimizer, discriminator=optimizer),
        updates=dict(encoder=1, generator=1, discriminator=1),
    )


def test_twenty_steps_are_finite(tiny):
    _, state, seen = three_players.trained(_recipe(tiny))
    assert np.isfinite([list(scalars.values()) for scalars in seen]).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((state.params, state.carry)))


def test_reconstructs_what_it_is_told_to(tiny):
    """With pixels in the place of features it is a plain autoencoder, and learns eight images by heart."""
    recipe = _recipe(tiny)
    adam = dict(adam=dict(learning_rate=1e-2))
    recipe.losses.update(encoder=dict(l2=1.0, kl_to_standard_normal=1e-4), generator=dict(l2=1.0))
    recipe.optimizers.update(encoder=adam, generator=adam)
    _, _, seen = three_players.trained(recipe, 150)
    assert seen[-1]["generator/l2"] < 0.5 * seen[0]["generator/l2"]


def test_in_a_move_only_the_mover_changes(tiny):
    three_players.assert_only_the_mover_changes(_recipe(tiny))
