"""The game on networks with one weight each: generator z -> w z, discriminator x -> {logits: a sum(x)}."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augment
from gan_jax.errors import UsageError
from gan_jax.games import gan
from gan_jax.types import Augment, Context, Net


def _linear(name, outputs):
    """A Net of one weight whose carry counts its training forwards."""

    def apply(params, carry, x, *conditions, key, train):
        return outputs(params[name], x, *conditions), carry + train

    return Net(lambda key, *inputs: ({name: jnp.float32(2.0)}, jnp.int32(0)), apply)


def _generator(w, latents, *labels):
    images = w * latents[:, :, None, None]
    return images + (labels[0][:, None, None, None] if labels else 0)


NETS = {
    "generator": _linear("w", _generator),
    "discriminator": _linear(
        "a", lambda a, x, *conditions: {"logits": a * x.sum((1, 2, 3)), "size": x.mean((1, 2, 3))}
    ),
}
BATCH = {"real": jnp.arange(12.0).reshape(4, 3, 1, 1), "label": jnp.array([0, 1, 2, 3])}


def _latents(key, count):
    return jnp.tile(jnp.array([1.0, 2.0, 3.0]), (count, 1))


def _context(game, batch=BATCH):
    params, carry = game.init(jax.random.key(0), batch)
    return Context(params, carry, batch, jax.random.key(1), jnp.int32(7))


def test_outputs():
    game = gan(NETS, _latents, augment.chain())
    outputs, carry = game.play(_context(game))
    np.testing.assert_allclose(outputs["fake"][0, :, 0, 0], [2.0, 4.0, 6.0])
    np.testing.assert_allclose(outputs["fake_logits"], [24.0] * 4)
    np.testing.assert_allclose(outputs["real_logits"], 2.0 * np.arange(12).reshape(4, 3).sum(1))
    np.testing.assert_allclose(outputs["real_size"], np.arange(12).reshape(4, 3).mean(1))
    np.testing.assert_allclose(outputs["critic"](outputs["real"]), outputs["real_logits"])
    np.testing.assert_allclose(outputs["generate"](outputs["latents"]), outputs["fake"])
    np.testing.assert_array_equal(outputs["label"], BATCH["label"])
    assert outputs["step"] == 7
    # The discriminator looked at real and at fake images, the generator made one batch.
    assert carry["discriminator"]["net"] == 2 and carry["generator"]["net"] == 1
    assert set(outputs["discriminate"](outputs["real"])) == {"logits", "size"}


def test_both_networks_are_conditioned_on_labels():
    game = gan(NETS, _latents, augment.chain(), condition_on=("label",))
    outputs, _ = game.play(_context(game))
    np.testing.assert_allclose(outputs["fake"][:, 0, 0, 0], 2.0 + np.arange(4))
    assert game.conditions == ("label",)
    params, carry = game.init(jax.random.key(0), BATCH)
    key = jax.random.key(0)
    images = game.sample(params, carry, game.draw(key, 2), {"label": jnp.array([5, 6])}, key)
    np.testing.assert_allclose(images[:, 0, 0, 0], [7.0, 8.0])


def test_conditions_come_in_the_order_of_their_names():
    def outputs(weight, samples, first, second):
        return {"logits": first + 10 * second}

    nets = {
        "generator": _linear("w", lambda w, latents, *conditions: _generator(w, latents)),
        "discriminator": _linear("a", outputs),
    }
    batch = {**BATCH, "time": jnp.array([4.0, 5.0, 6.0, 7.0])}
    for names, expected in [(("label", "time"), [40, 51, 62, 73]), (("time", "label"), [4, 15, 26, 37])]:
        game = gan(nets, _latents, augment.chain(), condition_on=names)
        logits = game.play(_context(game, batch))[0]["real_logits"]
        np.testing.assert_allclose(logits, expected)
        assert game.conditions == names


def test_a_condition_that_the_data_does_not_have():
    game = gan(NETS, _latents, augment.chain(), condition_on=("label",))
    with pytest.raises(UsageError, match="game.condition_on: the data does not have: unknown name 'label'"):
        game.init(jax.random.key(0), {"real": BATCH["real"]})


def test_discriminator_sees_augmented_images_and_penalties_the_pixels_before():
    double = Augment(
        lambda: (), lambda carry, key, images, step: 2.0 * images, lambda carry, logits, count: carry
    )
    game = gan(NETS, _latents, augment.chain(double))
    outputs, _ = game.play(_context(game))
    np.testing.assert_allclose(outputs["fake_logits"], [48.0] * 4)
    np.testing.assert_allclose(outputs["fake"][0, :, 0, 0], [2.0, 4.0, 6.0])
    slope = jax.grad(lambda x: outputs["critic"](x).sum())(outputs["real"])
    np.testing.assert_allclose(slope, np.full((4, 3, 1, 1), 4.0))


def test_averages_follow_their_entries_in_their_players_carry():
    averages = dict(discriminator=("fake_logits",), generator=("path_lengths",))
    game = gan(NETS, _latents, augment.chain(), averages=averages, average_decay=0.75)
    outputs, carry = game.play(_context(game))
    assert outputs["average_fake_logits"] == 0.0 and outputs["average_path_lengths"] == 0.0
    # In the first move the past weighs nothing; after seven it weighs 0.75, not 7/8.
    assert carry["discriminator"]["averages"] == {"fake_logits": 24.0}
    seven = {player: {**own, "moves": jnp.int32(7)} for player, own in _context(game).carry.items()}
    _, later = game.play(_context(game)._replace(carry=seven))
    assert later["discriminator"]["averages"] == {"fake_logits": 0.25 * 24.0}
    # z -> 2 z and directions normal over the root of 3 pixels: lengths 2 |n| / sqrt(3), about 1.84.
    assert 1.0 < carry["generator"]["averages"]["path_lengths"] < 3.0


def test_averages_are_of_all_moves_of_their_player():
    averages = dict(discriminator=("real_logits",), generator=("fake_logits",))
    game = gan(NETS, _latents, augment.chain(), averages=averages, average_decay=0.75)
    context, expected, decays = _context(game), 0.0, [0, 1 / 2, 2 / 3, 3 / 4, 3 / 4, 3 / 4]
    for move, past in enumerate(decays):
        real = BATCH["real"] + move**2
        # Five moves of the first step, and one of the second; the generator does not move.
        _, carry = game.play(context._replace(batch={"real": real}, step=jnp.int32(move // 5)))
        context = context._replace(carry={**context.carry, "discriminator": carry["discriminator"]})
        expected = past * expected + (1 - past) * 2.0 * float(real.sum()) / 4
        np.testing.assert_allclose(carry["discriminator"]["averages"]["real_logits"], expected, rtol=1e-6)
    # For the generator it was the first move each time.
    assert carry["generator"]["averages"]["fake_logits"] == 24.0


def test_nothing_of_that_name_to_average():
    game = gan(NETS, _latents, augment.chain(), averages=dict(generator=("fake_logit",)))
    with pytest.raises(
        UsageError, match="game.averages.generator: unknown name 'fake_logit'; did you mean fake_logits"
    ):
        game.play(_context(game))


def test_what_is_shown_as_real_may_be_mixed():
    swap = augment.chain()._replace(mix=lambda carry, key, real, fake: jnp.where(real > 5, fake, real))
    outputs, _ = gan(NETS, _latents, swap).play(_context(gan(NETS, _latents, swap)))
    np.testing.assert_allclose(outputs["real"][1:, :, 0, 0], [[3, 4, 5], [2, 4, 6], [2, 4, 6]])
    np.testing.assert_allclose(outputs["real_logits"][2], 24.0)


def test_adapts_to_the_real_logits():
    count = Augment(
        lambda: 0.0, lambda c, key, images, step: images, lambda c, logits, count: c + count * logits.sum()
    )
    game = gan(NETS, _latents, augment.chain(count))
    _, carry = game.play(_context(game))
    assert carry["discriminator"]["augment"] == (4 * 2.0 * 66,)
