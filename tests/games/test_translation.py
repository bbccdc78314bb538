"""Translation on few weights: generator x -> w x + v x^2, discriminator y, x -> a y + b x + c y^2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augment, penalties, terms
from gan_jax.errors import UsageError
from gan_jax.features.types import Maps
from gan_jax.games import translation
from gan_jax.types import Augment, Context, Net

RANDOM = np.random.default_rng(3)
SOURCE, REAL = RANDOM.uniform(-1, 1, (2, 4, 2, 4, 1)).astype(np.float32)
BATCH = {"real": jnp.asarray(REAL), "source": jnp.asarray(SOURCE), "label": jnp.arange(4)}
KEY = jax.random.key(0)


def _net(values, outputs, **facts):
    """A Net of a few weights whose carry counts its training forwards."""

    def apply(params, carry, *inputs, key, train):
        return outputs(params, *inputs), carry + train

    params = {name: jnp.float32(value) for name, value in values.items()}
    return Net(lambda key, *inputs: (params, jnp.int32(0)), apply, **facts)


def _logits(p, y, *source):
    x = source[0][..., :1] if source else 0 * y
    value = p["a"] * y + p["b"] * x + p["c"] * y**2
    return {"logits": value[..., 0], "layers": (2 * y, y[:, 1:] + 3)}


GENERATOR = _net({"w": 0.5, "v": 0.2}, lambda p, x: p["w"] * x + p["v"] * x**2, multiple=4, radius=1)
DISCRIMINATOR = _net({"a": 2.0, "b": -1.0, "c": 0.5}, _logits)
NETS = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}
FAKE = 0.5 * SOURCE + 0.2 * SOURCE**2


def _played(game, batch=BATCH):
    params, carry = game.init(KEY, batch)
    return game.play(Context(params, carry, batch, jax.random.key(1), jnp.int32(7)))


def _sampled(game, batch=BATCH):
    return game.sample(*game.init(KEY, batch), None, batch, KEY)


def test_outputs():
    game = translation(NETS, augment.chain())
    outputs, carry = _played(game)
    for name, expected in {"prediction": FAKE, "fake": FAKE, "target": REAL, "real": REAL}.items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-6)
    logits = {"real": 2 * REAL - SOURCE + REAL**2 / 2, "fake": 2 * FAKE - SOURCE + FAKE**2 / 2}
    for side, expected in logits.items():
        np.testing.assert_allclose(outputs[f"{side}_logits"], expected[..., 0], rtol=1e-5, atol=1e-6)
        assert len(outputs[f"{side}_layers"]) == 2
    np.testing.assert_allclose(outputs["critic"](outputs["fake"]), outputs["fake_logits"])
    np.testing.assert_allclose(outputs["generate"](2 * SOURCE), SOURCE + 0.8 * SOURCE**2, rtol=1e-5)
    np.testing.assert_array_equal(outputs["label"], BATCH["label"])
    assert outputs["step"] == 7 and "features" not in outputs and "latents" not in outputs
    assert carry["generator"]["net"] == 1 and carry["discriminator"]["net"] == 2
    assert (game.draw, game.conditions, game.multiple, game.radius) == (None, ("source",), 4, 1)
    np.testing.assert_allclose(_sampled(game), FAKE, rtol=1e-6)


def test_a_discriminator_of_targets_alone():
    outputs, _ = _played(translation(NETS, augment.chain(), conditional=False))
    np.testing.assert_allclose(outputs["real_logits"], (2 * REAL + REAL**2 / 2)[..., 0], rtol=1e-5, atol=1e-6)


def test_the_pixel_stage_has_no_outputs_of_a_discriminator():
    game = translation({"generator": GENERATOR}, augment.chain())
    outputs, carry = _played(game)
    expected = {*BATCH, "target", "fake", "prediction", "generate", "key", "step"}
    assert set(outputs) == expected and set(carry) == {"generator"}
    with pytest.raises(UsageError, match="losses.generator.x needs 'fake_logits', which this game does not"):
        terms.check("generator", {"x": terms.Term(lambda fake_logits: 0)}, outputs)
    with pytest.raises(
        UsageError, match="game.augment: what a discriminator sees is augmented, and nets has"
    ):
        translation({"generator": GENERATOR}, augment.chain(augment.diffaugment()))


def test_known_pixels_are_pasted_before_anybody_sees_the_output():
    mask = np.zeros((4, 2, 4, 1), np.float32)
    mask[:, :, 1:3], mask[:, 0, 3] = 1, 0.25
    game = translation(NETS, augment.chain(), paste=True)
    batch = {**BATCH, "mask": jnp.asarray(mask)}
    outputs, _ = _played(game, batch)
    expected = mask * FAKE + (1 - mask) * SOURCE
    np.testing.assert_allclose(outputs["prediction"], expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(outputs["fake"][mask == 0], SOURCE[mask == 0])
    logits = 2 * expected - SOURCE + expected**2 / 2
    np.testing.assert_allclose(outputs["fake_logits"], logits[..., 0], rtol=1e-5, atol=1e-6)
    assert game.conditions == ("source", "mask")
    with pytest.raises(UsageError, match="unknown name 'mask'"):
        _played(game)


def test_the_generator_sees_the_mask_beside_the_source():
    generator = _net({"w": 3.0}, lambda p, x: p["w"] * x[..., 1:])
    nets = {"generator": generator, "discriminator": DISCRIMINATOR}
    game = translation(nets, augment.chain(), condition_on=("source", "mask"), paste=True)
    batch = {**BATCH, "mask": jnp.ones((4, 2, 4, 1))}
    np.testing.assert_allclose(_played(game, batch)[0]["fake"], np.full((4, 2, 4, 1), 3.0))
    assert game.conditions == ("source", "mask")


def test_a_label_is_an_input_of_its_own():
    generator = _net({"w": 3.0}, lambda p, x, label: p["w"] * x + label[:, None, None, None])
    game = translation({"generator": generator}, augment.chain(), condition_on=("source", "label"))
    np.testing.assert_allclose(_sampled(game), 3 * SOURCE + np.arange(4)[:, None, None, None], rtol=1e-6)


def _keys_cubic(x):
    """Keys 1981 with a = -1/2."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _enlarged_row(row, scale):
    """A row of pixels, whose weights at the edges are those of the pixels that are there."""
    at = (np.arange(scale * len(row)) + 0.5) / scale - 0.5
    weights = _keys_cubic(at[:, None] - np.arange(len(row)))
    return weights / weights.sum(1, keepdims=True) @ row


def _enlarged(images, scale):
    along = np.apply_along_axis(_enlarged_row, 1, np.float64(images), scale)
    return np.apply_along_axis(_enlarged_row, 2, along, scale)


@pytest.mark.parametrize("channels", [1, 3])
def test_residual_at_scale_2_adds_the_source_enlarged_bicubically(channels):
    """And a source of one channel becomes a target of three."""

    def outputs(p, x):
        return p["w"] * jnp.repeat(jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), channels, -1)

    real = jnp.zeros((4, 4, 8, channels))
    nets = {"generator": _net({"w": 2.0}, outputs, radius=1), "discriminator": DISCRIMINATOR}
    game = translation(nets, augment.chain(), residual=True)
    batch = {**BATCH, "real": real}
    large = _enlarged(SOURCE, 2)
    expected = np.broadcast_to(2 * SOURCE.repeat(2, 1).repeat(2, 2) + large, real.shape)
    played, _ = _played(game, batch)
    np.testing.assert_allclose(played["prediction"], expected, atol=1e-5)
    # The discriminator sees the source enlarged.
    logits = 2 * expected[..., 0] - large[..., 0] + expected[..., 0] ** 2 / 2
    if channels == 1:
        np.testing.assert_allclose(played["fake_logits"], logits, rtol=1e-4, atol=1e-5)
    assert game.radius == 2  # Of the cubic filter, where the network's is less.


def test_a_source_of_more_channels_cannot_be_added():
    game = translation({"generator": GENERATOR}, augment.chain(), residual=True)
    wide = {**BATCH, "source": jnp.zeros((4, 2, 4, 3))}
    generator = _net({}, lambda p, x: x[..., :1])
    game = translation({"generator": generator}, augment.chain(), residual=True)
    with pytest.raises(UsageError, match="game.residual: 'source' has 3 channels and the output 1: expected"):
        _sampled(game, wide)


@pytest.mark.parametrize("entries", [("source", "real"), ("label",)])
def test_conditions_of_other_sizes_are_one_line(entries):
    batch = {**BATCH, "real": jnp.zeros((4, 8, 8, 1))}
    game = translation({"generator": GENERATOR}, augment.chain(), condition_on=entries)
    with pytest.raises(UsageError, match="expected images of one height and width first, got an array"):
        game.init(KEY, batch)


def test_target_and_source_are_augmented_alike_and_penalties_are_of_targets_before():
    def apply(carry, key, images, step):
        return images + jax.random.normal(key, (len(images), 1, 1, 1))

    shift = Augment(lambda: (), apply, lambda carry, logits, count: carry)
    game = translation(NETS, augment.chain(shift))
    outputs, _ = _played(game)
    np.testing.assert_allclose(outputs["real"], REAL)
    # The two layers hold 2 y and y + 3: the shift of y is that of x.
    moved = np.float64(outputs["real_layers"][0]) / 2 - REAL
    assert np.ptp(moved) > 0.5 and np.ptp(moved, axis=(1, 2, 3)).max() < 1e-5
    logits = 2 * (REAL + moved) - (SOURCE + moved) + (REAL + moved) ** 2 / 2
    np.testing.assert_allclose(outputs["real_logits"], logits[..., 0], rtol=1e-4, atol=1e-5)
    # Half the squared norm of 2 + y over all pixels of an image.
    slope = 2 + REAL + moved
    np.testing.assert_allclose(
        penalties.r1(outputs["critic"], outputs["real"]), (slope**2).sum((1, 2, 3)) / 2, rtol=1e-4
    )
    between = penalties.gradient_penalty(outputs["critic"], outputs["real"], outputs["fake"], outputs["key"])
    assert between.shape == (4,)


def test_a_mixed_real_is_not_the_target():
    half = augment.chain(augment.pseudo(start=1.0))
    outputs, _ = _played(translation(NETS, half))
    np.testing.assert_allclose(outputs["real"], FAKE, rtol=1e-6)
    np.testing.assert_allclose(outputs["target"], REAL)


def test_adaptive_augmentation_counts_images_and_not_patches():
    adaptive = augment.adaptive(target=0.0, images=100, every=1)
    nets = {**NETS, "discriminator": _net({}, lambda p, y, x: {"logits": jnp.ones_like(y[..., 0])})}
    _, carry = _played(translation(nets, augment.chain(adaptive)))
    np.testing.assert_allclose(carry["discriminator"]["augment"][0]["p"], 4 / 100)


def test_averages_follow_logits_of_patches():
    averages = dict(discriminator=("real_logits", "fake_logits"))
    game = translation(NETS, augment.chain(), averages=averages)
    outputs, carry = _played(game)
    assert outputs["average_real_logits"] == 0
    for side in ("real", "fake"):
        mean = np.mean(outputs[f"{side}_logits"])
        np.testing.assert_allclose(carry["discriminator"]["averages"][f"{side}_logits"], mean, rtol=1e-5)
    assert penalties.lecam(
        outputs["real_logits"],
        outputs["fake_logits"],
        outputs["average_real_logits"],
        outputs["average_fake_logits"],
    ).shape == (4, 2, 4)
    with pytest.raises(UsageError, match="game.averages.generator: unknown name 'path_lengths'"):
        _played(translation(NETS, augment.chain(), averages=dict(generator=("path_lengths",))))


def test_features_are_functions_of_arrays_in_the_generators_carry():
    maps = Maps("double", {"k": np.float32([3.0])}, lambda p, x: {"conv1": p["k"] * x}, {})
    game = translation(NETS, augment.chain(), maps)
    params, carry = game.init(KEY, BATCH)
    np.testing.assert_allclose(carry["generator"]["features"]["k"], [3.0])
    carry["generator"]["features"] = {"k": jnp.float32([5.0])}
    outputs, after = game.play(Context(params, carry, BATCH, KEY, 0))
    np.testing.assert_allclose(outputs["features"](REAL)["conv1"], 5 * REAL)
    np.testing.assert_allclose(after["generator"]["features"]["k"], [5.0])
    unknown = maps._replace(params=jax.eval_shape(lambda: maps.params))
    _, carry = translation(NETS, augment.chain(), unknown).init(KEY, BATCH)
    np.testing.assert_allclose(carry["generator"]["features"]["k"], [0.0])


def test_the_grid_shows_inputs_outputs_and_targets():
    def outputs(p, x):
        return jnp.repeat(jnp.repeat(x[..., :1], 2, 1), 2, 2) + 10

    game = translation({"generator": _net({}, outputs)}, augment.chain())
    source = np.arange(9.0)[:, None, None, None] + np.array([0, 1, 2]) * np.ones((9, 1, 2, 3))
    batch = {"source": jnp.asarray(source), "real": jnp.full((9, 2, 4, 1), 20.0)}
    params, carry = game.init(KEY, batch)
    grid = game.preview(params, carry, batch, KEY)
    assert grid.shape == (9, 2, 4, 1)
    # A colour becomes its mean, here the first channel and 1.
    expected = np.stack([np.arange(3) + 1, np.arange(3) + 10, np.full(3, 20)])
    np.testing.assert_allclose(grid[:, 1, 3, 0].reshape(3, 3), expected)
