"""CycleGAN: its losses against NumPy, its pools over slices and devices, its grid, and a run that is resumed."""

import functools
import math
import os

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gan_jax
from gan_jax import accumulation, augment, build, data, recipe, step
from gan_jax.data.batches import batches
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.games import cyclegan
from gan_jax.runtime import parallel
from gan_jax.sampling import loading
from gan_jax.training import train
from gan_jax.training.compiled import compiled
from gan_jax.training.diagnostics import diagnostics
from gan_jax.types import Context, Net

CONFIG = os.path.join(os.path.dirname(__file__), "..", "..", "configs", "cyclegan.py")
# Slope and offset of translators; weight and offset of discriminators of patches of 2 pixels a side.
WEIGHTS = {"forward": (0.7, 0.2), "backward": (-0.5, 0.1), "target": (0.9, -0.3), "source": (-1.1, 0.4)}


class Translator(nn.Module):
    """Images to images, pixel by pixel."""

    @nn.compact
    def __call__(self, images, *, train):
        return jnp.tanh(nn.Dense(images.shape[-1])(nn.tanh(nn.Dense(3)(images))))


class Critic(nn.Module):
    """Images to logits of patches of 4 pixels a side."""

    @nn.compact
    def __call__(self, images, *, train):
        return {"logits": nn.Conv(1, (4, 4), (4, 4))(images)[..., 0]}


def unpaired(*, resolution: int = 8, size: int = 64):
    """Digits, and the negatives of others as `source`."""
    digits = data.digits(resolution=resolution)

    def read(rows):
        target, source = (digits.read((np.asarray(rows) + shift) % size)["real"] for shift in (0, 7))
        return {"real": target, "source": 255 - source}

    spec = {name: digits.spec["real"] for name in ("real", "source")}
    return Source("unpaired", size, spec, {"modality": "images"}, read)


def _recipe(tiny, **changes):
    fields = dict(
        data=dict(name=f"{__name__}.unpaired"),
        game=dict(name="cyclegan", pool=18),
        nets=dict(
            generator={name: dict(name=f"{__name__}.Translator") for name in ("forward", "backward")},
            discriminator={name: dict(name=f"{__name__}.Critic") for name in ("target", "source")},
        ),
        losses=recipe.load(CONFIG).losses,
        steps=4, checkpoint_every=2, grid_every=4, grid_size=6, diagnostics_every=2,
    )  # fmt: skip
    return tiny(**{**fields, **changes})


def _net(name, outputs, **facts):
    """A Net of two numbers, whose carry counts its passes."""

    def apply(params, carry, images, *, key, train):
        return outputs(params, images), carry + train

    weights = jnp.float32(WEIGHTS[name])
    return Net(lambda key, images: (weights, jnp.int32(0)), apply, **facts)


def _translated(params, images):
    return params[0] * images + params[1]


def _patches(xp, params, images):
    count, height, width, _ = images.shape
    means = xp.mean(images.reshape(count, height // 2, 2, width // 2, 2, -1), axis=(2, 4, 5))
    return params[0] * means + params[1]


def _heads(params, images):
    return {"logits": _patches(jnp, params, images)}


NETS = {
    "generator": {
        "forward": _net("forward", _translated, multiple=4, radius=3),
        "backward": _net("backward", _translated, multiple=6, radius=5),
    },
    "discriminator": {name: _net(name, _heads) for name in ("target", "source")},
}
RANDOM = np.random.default_rng(0)
BATCH = {name: RANDOM.uniform(-1, 1, (3, 4, 4, 2)).astype(np.float32) for name in ("real", "source")}


def _context(game):
    params, carry = game.init(jax.random.key(0), BATCH)
    return Context(params, carry, BATCH, jax.random.key(1), jnp.int32(0))


def _in_numpy():
    """The losses of both players and each part, as the code of the paper computes them, in float64."""
    a, b = (np.float64(BATCH[name]) for name in ("source", "real"))
    forward, backward = (functools.partial(_translated, WEIGHTS[name]) for name in ("forward", "backward"))
    judge = {name: functools.partial(_patches, np, WEIGHTS[name]) for name in ("target", "source")}

    def squares(logits, label):
        return np.mean((logits - label) ** 2)

    def absolute(left, right):
        return np.mean(np.abs(left - right))

    generator = (
        squares(judge["target"](forward(a)), 1)
        + squares(judge["source"](backward(b)), 1)
        + 10 * absolute(backward(forward(a)), a)
        + 10 * absolute(forward(backward(b)), b)
        + 5 * absolute(backward(a), a)
        + 5 * absolute(forward(b), b)
    )
    discriminator = (squares(judge["target"](b), 1) + squares(judge["target"](forward(a)), 0)) / 2
    discriminator += (squares(judge["source"](a), 1) + squares(judge["source"](backward(b)), 0)) / 2
    return {"generator": generator, "discriminator": discriminator}


def test_losses_of_the_recipe_are_those_of_the_paper_s_code(tiny):
    """The pools are not full yet, so that the discriminators see the new fakes."""
    terms = build.train_spec(_recipe(tiny), unpaired().modality).terms
    game = cyclegan(NETS, augment.chain())
    outputs, _ = game.play(_context(game))
    for player, expected in _in_numpy().items():
        found, _ = gan_jax.terms.total(terms[player], outputs, jnp.int32(0))
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_outputs():
    game = cyclegan(NETS, augment.chain())
    outputs, carry = game.play(_context(game))
    assert outputs["real_logits"].shape == outputs["fake_logits"].shape == (6, 2, 2)
    a, b = BATCH["source"], BATCH["real"]
    np.testing.assert_allclose(outputs["identity_source"], _translated(WEIGHTS["backward"], a), rtol=1e-6)
    np.testing.assert_allclose(
        outputs["cycled_target"],
        _translated(WEIGHTS["forward"], _translated(WEIGHTS["backward"], b)),
        rtol=1e-5,
    )
    np.testing.assert_allclose(outputs["real_logits"][3:], _patches(np, WEIGHTS["source"], a), rtol=1e-5)
    critic, logits = outputs["critic"](outputs["real"]), outputs["real_logits"]
    np.testing.assert_allclose(critic, np.stack([logits[:3], logits[3:]], axis=1), rtol=1e-6)
    # Each of a patch's 8 numbers has the slope w / 8, and an image has 32 numbers.
    expected = sum(32 * (WEIGHTS[name][0] / 8) ** 2 for name in ("target", "source")) / 2
    np.testing.assert_allclose(
        gan_jax.penalties.r1(outputs["critic"], outputs["real"]), [expected] * 3, rtol=1e-5
    )
    # One pass of each translator counts, and one of each discriminator over real and one over past fakes.
    assert jax.tree.leaves(carry["generator"]["net"]) == [1, 1]
    assert jax.tree.leaves(carry["discriminator"]["net"]) == [2, 2]
    assert (game.multiple, game.radius, game.conditions) == (12, 5, ("source",))


def test_discriminators_see_past_fakes_and_translators_new_ones():
    game, new = cyclegan(NETS, augment.chain(), pool=3), []
    context = _context(game)
    for k in range(20):
        outputs, carry = game.play(context._replace(key=jax.random.key(k)))
        new.append(outputs["fake"])
        context = context._replace(
            carry=carry, batch=jax.tree.map(lambda leaf: jnp.roll(leaf, k + 1, axis=1) * 0.9, BATCH)
        )
    for domain in ("target", "source"):
        np.testing.assert_array_equal(outputs["fake"][domain], outputs[f"fake_{domain}"])
        known = np.concatenate([each[domain] for each in new])
        place = [
            np.flatnonzero((known == image).all((1, 2, 3)))[-1]
            for image in np.asarray(outputs["past"][domain])
        ]
        assert min(place) < 57 and max(place) >= 0
    heads = _patches(np, WEIGHTS["target"], np.asarray(outputs["past"]["target"]))
    np.testing.assert_allclose(outputs["past_logits"][:3], heads, rtol=1e-5)


def test_without_a_pool_past_fakes_are_the_new_ones():
    game = cyclegan(NETS, augment.chain(), pool=0)
    outputs, carry = game.play(_context(game))
    np.testing.assert_array_equal(outputs["past_logits"], outputs["fake_logits"])
    assert carry["discriminator"]["pool"] == {}


def test_a_grid_shows_both_ways_and_both_ways_back():
    game = cyclegan(NETS, augment.chain())
    context = _context(game)
    images = {name: np.full((12, 4, 4, 1), value) for name, value in (("source", 1.0), ("real", -1.0))}
    shown = game.preview(context.params, context.carry, images, None)
    there, back = (functools.partial(_translated, WEIGHTS[name]) for name in ("forward", "backward"))
    # Twelve images are rows of four.
    stages = [1.0, there(1.0), back(there(1.0))]
    np.testing.assert_allclose(shown[:, 0, 0, 0], np.repeat(stages, 4), rtol=1e-5)
    one = game.preview(context.params, context.carry, {name: each[:6] for name, each in images.items()}, None)
    np.testing.assert_allclose(one[:, 0, 0, 0], [1.0] * 3 + [there(1.0)] * 3, rtol=1e-5)


def test_domains_of_other_channels_have_no_identity():
    grey = dict(BATCH, source=BATCH["source"][..., :1])
    nets = {
        "generator": {
            "forward": _net("forward", lambda params, images: jnp.repeat(images, 2, axis=-1)),
            "backward": _net("backward", lambda params, images: images[..., :1]),
        },
        "discriminator": NETS["discriminator"],
    }
    game = cyclegan(nets, augment.chain())
    params, carry = game.init(jax.random.key(0), grey)
    outputs, _ = game.play(Context(params, carry, grey, jax.random.key(1), 0))
    assert "identity_source" not in outputs and outputs["fake_source"].shape[-1] == 1
    np.testing.assert_allclose(outputs["cycled_source"], grey["source"])
    assert game.preview(params, carry, grey, None).shape == BATCH["real"].shape


@pytest.mark.parametrize(
    "nets, message",
    [
        ({"generator": NETS["generator"]}, "nets.discriminator: .* the networks target, source, got nothing"),
        (
            {**NETS, "generator": NETS["generator"]["forward"]},
            "nets.generator: .* the networks forward, backward, got one network",
        ),
        ({**NETS, "generator": {"there": None}}, "the networks forward, backward, got there"),
    ],
)
def test_players_of_other_networks(nets, message):
    with pytest.raises(UsageError, match=message):
        cyclegan(nets, augment.chain())


def test_translators_to_another_size_and_data_of_one_domain():
    nets = {**NETS, "generator": {**NETS["generator"], "forward": _net("forward", lambda p, x: x[:, ::2])}}
    game = cyclegan(nets, augment.chain())
    with pytest.raises(UsageError, match=r"nets.generator.forward: expected images \[3, 4, 4, 2\], got"):
        game.play(_context(game))
    with pytest.raises(
        UsageError, match="this game translates `source` to `real`, and the data has real: expected"
    ):
        game.init(jax.random.key(0), {"real": BATCH["real"]})


@functools.cache
def _trained(tiny, devices, slices):
    """State after three steps of two moves of the discriminator, over devices."""
    changed = _recipe(
        tiny, batch_size=16, accumulate=slices, updates=dict(discriminator=2, generator=1),
        optimizers={player: dict(sgd=dict(learning_rate=0.01)) for player in ("discriminator", "generator")},
    )  # fmt: skip
    mesh = parallel.mesh(changed.batch_size, jax.devices()[:devices], slices=slices)
    source = build.source(changed)
    train_spec = build.train_spec(changed, source.modality, parallel.spread(mesh))
    fed = batches(source, 16, 2, 0, mesh, build.decoder(changed, source.modality))
    diagnose, key = functools.partial(diagnostics, train_spec), jax.random.key(0)
    programs = compiled(train_spec, diagnose, source.modality, 16, fed.decode, mesh, key, slices=slices)
    state = programs.init(key)
    for part in fed.feed(0, 3):
        state, _ = programs.step(state, fed.resident, part, key)
    return jax.device_get(state)


@pytest.mark.parametrize("slices", [1, 2])
def test_one_device_equals_eight(tiny, slices):
    one, eight = _trained(tiny, 1, slices), _trained(tiny, 8, slices)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(eight), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
    assert one.carry["discriminator"]["pool"]["target"].filled == 18


def test_slices_go_through_the_pool_one_after_the_other():
    game, slices = cyclegan(NETS, augment.chain(), pool=6), 3
    params, carry = game.init(jax.random.key(0), BATCH)
    state, key = step.TrainState(jnp.int32(0), params, carry, {}, {}), jax.random.key(5)
    terms = {"discriminator": {"past": gan_jax.types.Term(lambda past_logits: past_logits)}}
    expected, values = carry["discriminator"], []
    for _ in range(3):
        state = state.replace(carry={**carry, "discriminator": expected})
        gradient = accumulation.accumulated(slices)
        grads, found, values = gradient("discriminator", game, terms, state, BATCH, key)
        pool = expected["pool"]
        for number in range(slices):
            part = jax.tree.map(lambda leaf: leaf[number::slices], BATCH)
            current = {**carry, "discriminator": {**expected, "pool": pool}}
            context = Context(params, current, part, jax.random.fold_in(key, number), 0)
            pool = game.play(context)[1]["discriminator"]["pool"]
        jax.tree.map(np.testing.assert_array_equal, found["pool"], pool)
        expected = found
        key = jax.random.fold_in(key, 7)
    assert pool["target"].filled == 6
    assert math.isfinite(values["past"])


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("cycle"))
    train.run(_recipe(tiny), folder)
    return folder


def test_resumes_bit_for_bit_with_full_pools(tiny, workdir, tmp_path):
    for steps in (2, 4):
        train.run(_recipe(tiny, steps=steps), str(tmp_path))
    whole, parts = (loading.load(folder, trust=True).state for folder in (workdir, str(tmp_path)))
    jax.tree.map(np.testing.assert_array_equal, whole, parts)
    pool = whole.carry["discriminator"]["pool"]["source"]
    assert pool.filled == 18 and np.all(np.any(pool.samples, axis=(1, 2, 3)))


def test_a_model_translates_both_ways(workdir):
    model = gan_jax.load(workdir, trust=True)
    source = unpaired().read(np.arange(3))["source"]
    images = model.sample(3, conditions={"source": source})
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.uint8
    inner = loading.load(workdir, trust=True)
    batch = inner.modality.decode({"real": source, "source": 255 - source})
    back = inner.game.backward(inner.state.sampling_params(), inner.state.carry, None, batch, None)
    assert back.shape == (3, 8, 8, 1) and np.isfinite(back).all()
    values = model.evaluate(["cycle_error"], features="pixels", num_samples=20)
    # Almost untrained, the way back is far off, and noise changes little.
    plain, rounded = (values[name]["value"] for name in ("cycle_error", "cycle_error_after_rounding"))
    assert plain > 0.1 and abs(rounded - plain) < 0.05
