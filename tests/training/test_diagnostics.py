"""A run's numbers against NumPy in float64, on games whose logits are known."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sources

from gan_jax import build, terms, wrap
from gan_jax.losses import (
    boundary_equilibrium_discriminator,
    cramer_discriminator,
    energy_based_discriminator,
    hinge_discriminator,
    least_squares_discriminator,
    multi_hinge_discriminator,
    non_saturating_discriminator,
    reconstruction_discriminator,
    wasserstein_discriminator,
)
from gan_jax.penalties import drift, r1
from gan_jax.step import TrainSpec, TrainState
from gan_jax.training import alerts, diagnostics
from gan_jax.types import Game, Net, Term

KEY = jax.random.key(0)
MODALITY = sources.modality(classes=10)


def _train_spec(loss, **others):
    fields = dict(
        game=None,
        terms={"discriminator": {"loss": Term(loss)}},
        optimizers={},
        moves={},
        updates={},
        decay={},
    )
    return TrainSpec(**{**fields, **others})


def _state(params=None, opt=None, average=None):
    return TrainState(jnp.int32(3), params or {"discriminator": {}}, {}, opt or {}, average or {})


REAL, FAKE = np.array([3.0, -1.0, 0.5, 2.0]), np.array([-2.0, 0.0, 1.0, -4.0])


def _verdict(loss, real=REAL, fake=FAKE):
    outputs = {"real_logits": jnp.float32(real), "fake_logits": jnp.float32(fake)}
    return diagnostics.verdict(_train_spec(loss), outputs, _state())


def test_accuracy_is_the_share_of_pairs_in_order_and_knows_no_origin():
    # 3 and 2 are above all four fakes, 0.5 above three, -1 above two.
    for offset in (0.0, 100.0):
        found = _verdict(wasserstein_discriminator, REAL + offset, FAKE + offset)
        np.testing.assert_allclose(found["discriminator_accuracy"], 13 / 16)
        np.testing.assert_allclose(found["logit_gap"], 1.125 + 1.25, rtol=1e-6)


def test_accuracy_of_patches_and_of_equal_logits():
    """Of every pair of patches, without a list of all the pairs: 90,000 squared would not fit."""
    random = np.random.default_rng(0)
    real, fake = random.integers(0, 5, (2, 2, 4, 3))
    found = _verdict(hinge_discriminator, real, fake)["discriminator_accuracy"]
    np.testing.assert_allclose(found, np.mean(real.ravel()[:, None] > fake.ravel()), rtol=1e-6)
    shape = jax.ShapeDtypeStruct((1, 300, 300), jnp.float32)
    compiled = jax.jit(functools.partial(_verdict, wasserstein_discriminator)).lower(shape, shape).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 20 * 2**20


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.float64(x)))


@pytest.mark.parametrize(
    "loss, expected",
    [
        (non_saturating_discriminator, np.mean(_sigmoid(-REAL)) + np.mean(_sigmoid(FAKE))),
        (hinge_discriminator, np.mean(REAL < 1) + np.mean(FAKE > -1)),
        (least_squares_discriminator, np.mean(np.abs(REAL - 1)) + np.mean(np.abs(FAKE))),
        (wasserstein_discriminator, 2.0),
    ],
)
def test_gradient_of_the_loss_at_its_logits(loss, expected):
    np.testing.assert_allclose(_verdict(loss)["logit_gradient"], expected, rtol=1e-6)


def test_a_loss_of_energies_is_judged_by_its_energies():
    # The margin 2 leaves the fakes of energy 0.5 and 1.5 a slope of 1/4 each, and all reals have one.
    real, fake = np.array([1.0, 0.2, 0.4, 3.0]), np.array([0.5, 2.5, 1.5, 7.0])
    outputs = {"real_energy": jnp.float32(real), "fake_energy": jnp.float32(fake)}
    outputs |= {f"{side}_logits": -outputs[f"{side}_energy"] for side in ("real", "fake")}
    loss = functools.partial(energy_based_discriminator, margin=2.0)
    found = diagnostics.verdict(_train_spec(loss), outputs, _state())
    np.testing.assert_allclose(found["logit_gradient"], 1.0 + 2 / 4, rtol=1e-6)
    np.testing.assert_allclose(found["discriminator_accuracy"], np.mean(real[:, None] < fake))
    np.testing.assert_allclose(found["logit_gap"], fake.mean() - real.mean(), rtol=1e-6)


def test_energies_on_the_right_sides_are_no_saturated_discriminator():
    outputs = {"real_energy": jnp.array([1.0, 2.0]), "fake_energy": jnp.array([20.0, 30.0])}
    outputs |= {f"{side}_logits": -outputs[f"{side}_energy"] for side in ("real", "fake")}
    found = diagnostics.verdict(_train_spec(energy_based_discriminator), outputs, _state())
    # Beyond the margin of 10 fakes teach nothing, but reals always do.
    assert found["discriminator_accuracy"] == 1.0 and found["logit_gradient"] == 1.0
    assert not alerts.discriminator_saturated(**found)


def test_a_loss_of_past_fakes_is_judged_by_new_ones():
    loss = terms.reading(non_saturating_discriminator, {"fake_logits": "past_logits"}, "reads")
    outputs = {"real_logits": REAL, "fake_logits": FAKE, "past_logits": FAKE + 1}
    found = diagnostics.verdict(_train_spec(loss), jax.tree.map(jnp.float32, outputs), _state())
    expected = _verdict(non_saturating_discriminator)
    assert found["discriminator_accuracy"] == expected["discriminator_accuracy"]
    np.testing.assert_allclose(found["logit_gap"], REAL.mean() - FAKE.mean(), rtol=1e-6)
    past = _verdict(non_saturating_discriminator, fake=FAKE + 1)
    np.testing.assert_allclose(found["logit_gradient"], past["logit_gradient"], rtol=1e-6)


def test_logits_of_reconstructions_count_too():
    outputs = {f"{side}_logits": jnp.float32(REAL) for side in ("real", "fake", "reconstruction")}
    terms = {"a": Term(non_saturating_discriminator), "b": Term(reconstruction_discriminator)}
    found = diagnostics.verdict(_train_spec(None, terms={"discriminator": terms}), outputs, _state())
    expected = np.mean(_sigmoid(-REAL)) + 2 * np.mean(_sigmoid(REAL))
    np.testing.assert_allclose(found["logit_gradient"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "loss", [multi_hinge_discriminator, cramer_discriminator, boundary_equilibrium_discriminator, drift, r1]
)
def test_a_loss_that_does_not_rank_samples_has_no_verdict(loss):
    outputs = {f"{side}_{head}": jnp.zeros(2) for side in ("real", "fake") for head in ("logits", "energy")}
    assert diagnostics.verdict(_train_spec(loss), outputs, _state()) == {}


def test_a_game_without_a_discriminator_has_no_verdict():
    outputs = {"real_logits": jnp.zeros(2), "fake_logits": jnp.zeros(2)}
    without = dataclasses.replace(_train_spec(hinge_discriminator), terms={"critic": {}})
    assert diagnostics.verdict(without, outputs, _state()) == {}


def test_gradient_and_update_of_a_player():
    # Loss mean(w . x)^2 / 2 at w = (1, 2), x = (3, 4): gradient 11 (3, 4); descent at 0.01 moves by 0.55.
    def play(context):
        return {"product": context.batch["x"] @ context.params["generator"]["w"]}, context.carry

    def loss(product):
        return jnp.square(product) / 2

    train_spec = _train_spec(
        None, game=Game(None, play, None), terms={"generator": {"loss": Term(loss, 1.0)}},
        optimizers={"generator": optax.sgd(0.01)},
    )  # fmt: skip
    params = {"generator": {"w": jnp.array([1.0, 2.0])}}
    state = _state(params, {"generator": optax.sgd(0.01).init(params["generator"])}).replace(
        carry={"generator": {}}
    )
    found = diagnostics.movement(train_spec, "generator", state, {"x": jnp.array([[3.0, 4.0]])}, KEY)
    np.testing.assert_allclose(found["gradient_norm"], 55.0, rtol=1e-6)
    np.testing.assert_allclose(found["update_ratio"], 0.55 / np.sqrt(5), rtol=1e-6)


def test_largest_singular_value_of_all_kernels():
    random = np.random.default_rng(0)
    left, _ = np.linalg.qr(random.normal(size=(18, 4)))
    right, _ = np.linalg.qr(random.normal(size=(4, 4)))
    kernel = (left * [7.0, 3.0, 2.0, 1.0]) @ right
    params = {
        "conv": {"kernel": jnp.float32(kernel.reshape(3, 3, 2, 4)), "bias": jnp.full(4, 50.0)},
        "zero": jnp.zeros((3, 5)),
        "dense": jnp.eye(6) * 2,
    }
    np.testing.assert_allclose(diagnostics.largest_singular_value(params, KEY), 7.0, rtol=1e-4)
    np.testing.assert_allclose(diagnostics.largest_singular_value({"zero": params["zero"]}, KEY), 0.0)
    assert diagnostics.largest_singular_value({"bias": jnp.ones(3)}, KEY) == 0


@pytest.mark.parametrize("wrapper", [wrap.spectral_norm, wrap.weight_norm])
def test_kernels_that_are_normalised_have_no_size(wrapper):
    net = Net(lambda key: ({"kernel": 5 * jnp.eye(3)}, {}), None)
    plain = diagnostics.spectrum(*net.init(KEY), KEY)
    np.testing.assert_allclose(plain["largest_singular_value"], 5.0, rtol=1e-5)
    assert diagnostics.spectrum(*wrapper(net).init(KEY), KEY) == {}


def test_distance_from_the_average():
    params = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[2.0]])}
    average = {"a": jnp.array([0.0, 4.0]), "b": jnp.array([[2.0]])}
    np.testing.assert_allclose(diagnostics.relative_distance(params, average), 5 / np.sqrt(20), rtol=1e-6)
    assert diagnostics.relative_distance(params, params) == 0


@pytest.mark.parametrize("spread", [0.0, 0.25, 1.0])
def test_diversity_is_a_ratio_of_distances_between_pairs(spread):
    random = np.random.default_rng(1)
    real, fake = random.normal(size=(2, 6, 4, 4, 1))
    shown = {"real": jnp.float32(real), "label": jnp.arange(6)}

    def sample(params, carry, latents, batch, key):
        assert batch is shown and latents == 6
        return params["generator"] * jnp.float32(fake) + params["discriminator"]

    def distance(images):
        flat = images.reshape(6, -1)
        pairs = [(i, j) for i in range(6) for j in range(i)]
        return np.sqrt(np.mean([np.sum((flat[i] - flat[j]) ** 2) for i, j in pairs]))

    game = Game(None, None, sample, draw=lambda key, count: count)
    state = _state(
        {"generator": jnp.float32(9), "discriminator": 1.0}, average={"generator": jnp.float32(spread)}
    )
    found = diagnostics.diversity(game, state, shown, KEY)["diversity"]
    np.testing.assert_allclose(found, spread * distance(fake) / distance(real), rtol=1e-5)


def test_all_numbers_of_a_tiny_game(tiny):
    recipe = tiny()
    train_spec = build.train_spec(recipe, MODALITY)
    state = jax.jit(build.start(train_spec, MODALITY, 8))(KEY)
    images = jax.random.uniform(KEY, (8, 8, 8, 1), minval=-1.0)
    found = jax.jit(
        lambda state: diagnostics.diagnostics(
            train_spec, state, {"real": images, "label": jnp.arange(8)}, KEY
        )
    )(state)
    movement = {"gradient_norm", "update_ratio", "largest_singular_value"}
    assert {subject: set(values) for subject, values in found.items()} == {
        "game": {"discriminator_accuracy", "logit_gap", "logit_gradient", "diversity"},
        "generator": {*movement, "average_distance"},
        "discriminator": movement,
    }
    assert all(jnp.isfinite(value) and value.shape == () for value in jax.tree.leaves(found))
    assert found["generator"]["average_distance"] == 0 and 0.9 < found["game"]["logit_gradient"] < 1.1
