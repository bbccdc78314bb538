"""BiGAN on one weight a network: z -> 2 z, x -> latents 3 x, and (x, z) -> logits 5 sum(x) + sum(z)."""

import jax
import numpy as np
import pytest
import three_players

from gan_jax import augment, penalties
from gan_jax.errors import UsageError
from gan_jax.games import bigan
from gan_jax.types import Augment

NETS = {
    "generator": three_players.linear("w", 2.0, lambda w, latents: w * latents[:, :, None, None]),
    "encoder": three_players.linear("e", 3.0, lambda e, images: {"latents": e * images[:, :, 0, 0]}),
    "discriminator": three_players.linear(
        "a", 5.0, lambda a, pair: {"logits": a * pair[0].sum((1, 2, 3)) + pair[1].sum(1)}
    ),
}
IMAGES = np.arange(12.0).reshape(4, 3)


@pytest.fixture(scope="module")
def game():
    return bigan(NETS, three_players.latents, augment.chain())


def test_outputs(game):
    outputs, carry = game.play(three_players.context(game))
    np.testing.assert_allclose(outputs["real"][0][:, :, 0, 0], IMAGES)
    np.testing.assert_allclose(outputs["real"][1], 3 * IMAGES)
    np.testing.assert_allclose(outputs["fake"][0][0, :, 0, 0], [2.0, 4.0, 6.0])
    np.testing.assert_allclose(outputs["fake"][1][0], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(outputs["real_logits"], (5 + 3) * IMAGES.sum(1))
    np.testing.assert_allclose(outputs["fake_logits"], [5 * 12 + 6.0] * 4)
    np.testing.assert_allclose(outputs["real_latents"], 3 * IMAGES)
    np.testing.assert_allclose(outputs["latents"][0], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(outputs["reconstruction"][:, :, 0, 0], 6 * IMAGES)
    np.testing.assert_allclose(outputs["prediction"] / 6, outputs["target"])
    np.testing.assert_allclose(outputs["critic"](outputs["fake"]), outputs["fake_logits"])
    np.testing.assert_allclose(outputs["encode"](outputs["target"]), 3 * IMAGES)
    np.testing.assert_allclose(outputs["generate"](outputs["latents"]), outputs["fake"][0])
    np.testing.assert_allclose(outputs["reconstruct"](outputs["target"]), outputs["reconstruction"])
    assert outputs["step"] == 7 and list(outputs["label"]) == [0, 1, 2, 3]
    # The carry follows one pass of generator and encoder, and two of the discriminator.
    assert [carry[player]["net"] for player in ("generator", "encoder", "discriminator")] == [1, 1, 2]


def test_penalties_are_of_pairs(game):
    outputs, _ = game.play(three_players.context(game))
    found = penalties.gradient_penalty(outputs["critic"], outputs["real"], outputs["fake"], outputs["key"])
    # The critic's gradient is 5 in each of three pixels and 1 in each of three latents.
    np.testing.assert_allclose(found, [(np.sqrt(3 * 25 + 3) - 1) ** 2] * 4, rtol=1e-5)


def test_only_the_images_of_a_pair_are_augmented():
    double = Augment(
        lambda: 0.0,
        lambda carry, key, images, step: 2 * images,
        lambda c, logits, count: c + count * logits[1],
    )
    game = bigan(NETS, three_players.latents, augment.chain(double))
    outputs, carry = game.play(three_players.context(game))
    np.testing.assert_allclose(outputs["real_logits"], (2 * 5 + 3) * IMAGES.sum(1))
    np.testing.assert_allclose(outputs["fake"][0][0, :, 0, 0], [2.0, 4.0, 6.0])
    # It adapts to the logits of real pairs.
    assert carry["discriminator"]["augment"] == (4 * 13.0 * 12,)


def test_encode_and_sample_in_evaluation(game):
    context = three_players.context(game)
    key = jax.random.key(0)
    np.testing.assert_allclose(game.encode(context.params, context.carry, context.batch, key), 3 * IMAGES)
    images = game.sample(context.params, context.carry, game.draw(key, 2), {}, key)
    np.testing.assert_allclose(images[:, :, 0, 0], [[2.0, 4.0, 6.0]] * 2)


def test_a_grid_shows_originals_above_their_reconstructions(game):
    context = three_players.context(game)
    images = np.arange(8.0)[:, None, None, None] * np.ones((8, 3, 1, 1))
    shown = game.preview(context.params, context.carry, {"real": images}, jax.random.key(0))
    # Eight images are rows of three: originals, their reconstructions, and two more originals.
    np.testing.assert_allclose(shown[:, 0, 0, 0], [0, 1, 2, 0, 6, 12, 3, 4])


def _recipe(tiny, encoder="encoders.DenseEncoder"):
    swapped = dict(non_saturating_discriminator=dict(wrap=dict(swapped={})))
    optimizer = dict(adam=dict(learning_rate=1e-3))
    return tiny(
        game=dict(name="bigan", latents=dict(name="normal", size=3)),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            encoder=dict(name=encoder, size=3, widths=(16, 16)),
            discriminator=dict(name="discriminators.DensePairDiscriminator", widths=(16, 16)),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0, r1=0.1), generator=swapped, encoder=swapped
        ),
        optimizers=dict(discriminator=optimizer, generator=optimizer, encoder=optimizer),
        updates=dict(discriminator=1, generator=1, encoder=1),
        average=dict(generator=dict(half_life=100.0), encoder=dict(half_life=100.0)),
    )


@pytest.mark.parametrize("encoder", ["encoders.DenseEncoder", "encoders.DenseGaussianEncoder"])
def test_twenty_steps_are_finite(tiny, encoder):
    _, state, seen = three_players.trained(_recipe(tiny, encoder))
    assert np.isfinite([list(scalars.values()) for scalars in seen]).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((state.params, state.carry)))
    assert set(state.average) == {"generator", "encoder"}


def test_in_a_move_only_the_mover_changes(tiny):
    three_players.assert_only_the_mover_changes(_recipe(tiny))


def test_swapped_is_for_losses_of_real_and_fake_logits(tiny):
    recipe = _recipe(tiny)
    recipe.losses["generator"] = dict(non_saturating_generator=dict(wrap=dict(swapped={})))
    with pytest.raises(UsageError, match="swapped: expected a loss of real_logits and fake_logits"):
        three_players.trained(recipe, 1)
