"""Autoencoders of one weight: x -> reconstruction a x, so that the error is |a - 1| |x|."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import three_players

from gan_jax import augment, penalties
from gan_jax import losses as library
from gan_jax.errors import UsageError
from gan_jax.games import autoencoding
from gan_jax.types import Context

NETS = {
    "generator": three_players.linear("w", 2.0, lambda w, latents: w * latents[:, :, None, None]),
    "discriminator": three_players.linear(
        "a", 3.0, lambda a, images: {"reconstruction": a * images, "features": images[:, :, 0, 0]}
    ),
}
IMAGES = np.arange(12.0).reshape(4, 3)
# Errors 2 x of real images and 2 * [2, 4, 6] of fakes.
ENERGIES = {
    "euclidean": (2 * np.sqrt((IMAGES**2).sum(1)), 2 * np.sqrt(4 + 16 + 36)),
    "l1": (2 * IMAGES.mean(1), 8.0),
    "l2": (4 * (IMAGES**2).mean(1), 4 * (4 + 16 + 36) / 3),
}


def _game(**options):
    return autoencoding(NETS, three_players.latents, augment.chain(), **options)


@pytest.mark.parametrize("energy", ENERGIES)
def test_energies(energy):
    outputs, carry = _game(energy=getattr(library, energy)).play(three_players.context(_game()))
    real, fake = ENERGIES[energy]
    np.testing.assert_allclose(outputs["real_energy"], real, rtol=1e-5)
    np.testing.assert_allclose(outputs["fake_energy"], [fake] * 4, rtol=1e-5)
    np.testing.assert_allclose(outputs["real_logits"], -real, rtol=1e-5)
    np.testing.assert_allclose(outputs["critic"](outputs["fake"]), [-fake] * 4, rtol=1e-5)
    np.testing.assert_allclose(outputs["real_reconstruction"], 3 * outputs["real"])
    np.testing.assert_allclose(outputs["fake_features"], [[2.0, 4.0, 6.0]] * 4)
    assert carry["discriminator"]["net"] == 2 and carry["generator"]["net"] == 1


@pytest.mark.parametrize("pixels, expected", [(28 * 28, 14.0), (8 * 8, 4.0 + 6.0)])
def test_a_margin_is_in_units_of_the_default_energy(pixels, expected):
    """Everything is reconstructed 0.5 off in each pixel, a norm of 0.5 times the root of their number."""
    evaluator = three_players.linear(
        "a", 1.5, lambda a, images: {"reconstruction": a * images, "features": images}
    )
    game = autoencoding(
        {"generator": NETS["generator"], "discriminator": evaluator},
        lambda key, count: jnp.full((count, pixels), 0.5),
        augment.chain(),
    )
    batch = {"real": jnp.ones((4, pixels, 1, 1))}
    params, carry = game.init(jax.random.key(0), batch)
    outputs, _ = game.play(Context(params, carry, batch, jax.random.key(1), jnp.int32(0)))
    found = library.energy_based_discriminator(outputs["real_energy"], outputs["fake_energy"], margin=10.0)
    np.testing.assert_allclose(found, [expected] * 4, rtol=1e-5)


def test_balance_follows_the_energies_in_the_discriminators_carry():
    game = _game(energy=library.l1, diversity_ratio=0.9, gain=0.1)
    context = three_players.context(game)
    outputs, carry = game.play(context)
    # Mean energies: 2 * 5.5 of real, 8 of fake; k = 0 + 0.1 (0.9 * 11 - 8).
    assert outputs["balance"] == 0.0
    np.testing.assert_allclose(carry["discriminator"]["balance"], 0.19, rtol=1e-5)
    outputs, carry = game.play(context._replace(carry=carry))
    np.testing.assert_allclose(outputs["balance"], 0.19, rtol=1e-5)
    np.testing.assert_allclose(carry["discriminator"]["balance"], 0.38, rtol=1e-5)


def test_gradient_of_the_energy():
    game = _game()
    outputs, _ = game.play(three_players.context(game))
    # The energy's gradient is 2 x / |x|, of length 2.
    found = penalties.gradient_penalty(outputs["critic"], outputs["real"], outputs["fake"], jax.random.key(0))
    np.testing.assert_allclose(found, [1.0] * 4, rtol=1e-4)


def _recipe(tiny, losses, energy, nets=None, optimizer=None):
    optimizer = optimizer or dict(adam=dict(learning_rate=1e-3))
    return tiny(
        game=dict(
            name="autoencoding",
            latents=dict(name="uniform", size=4),
            energy=energy,
            averages={"generator": ()},
        ),
        nets=nets
        or dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            discriminator=dict(name="autoencoders.DenseDiscriminator", widths=(16, 4)),
        ),
        losses=losses,
        optimizers=dict(discriminator=optimizer, generator=optimizer),
    )


EBGAN = dict(
    discriminator=dict(energy_based_discriminator=dict(weight=1.0, margin=10.0)),
    generator=dict(energy_based_generator=1.0, pull_away=0.1),
)
BEGAN = dict(
    discriminator=dict(boundary_equilibrium_discriminator=1.0, boundary_equilibrium_convergence=0.0),
    generator=dict(boundary_equilibrium_generator=1.0),
)
CONVOLUTIONS = dict(
    generator=dict(name="autoencoders.EmbeddingGenerator", width=2),
    discriminator=dict(name="autoencoders.EmbeddingDiscriminator", width=2, size=4),
)


@pytest.mark.parametrize(
    "losses, energy, nets",
    [(EBGAN, "euclidean", None), (BEGAN, "l1", None), (BEGAN, "l1", CONVOLUTIONS)],
    ids=["ebgan", "began", "began-convolutions"],
)
def test_twenty_steps_are_finite(tiny, losses, energy, nets):
    _, state, seen = three_players.trained(_recipe(tiny, losses, energy, nets))
    assert np.isfinite([list(scalars.values()) for scalars in seen]).all()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((state.params, state.carry)))
    assert state.carry["discriminator"]["balance"].shape == ()


def test_began_keeps_its_balance_in_the_discriminators_moves_only(tiny):
    recipe = _recipe(tiny, BEGAN, "l1")
    _, state, seen = three_players.trained(recipe, 1)
    # Both moves begin with a balance of 0, and energies on noise are not in the wanted ratio.
    assert 0.0 <= state.carry["discriminator"]["balance"] < 1e-2
    three_players.assert_only_the_mover_changes(recipe)


def test_unknown_energy(tiny):
    with pytest.raises(UsageError, match="game.energy: unknown name 'l3'; did you mean l"):
        three_players.trained(_recipe(tiny, BEGAN, "l3"), 1)
