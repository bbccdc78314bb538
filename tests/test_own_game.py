"""Games of one's own: without latents, and with players of several networks.

Two domains, images and their negatives, as CycleGAN has them: the generator owns the networks of both
directions, the discriminator one network per domain, and each player has one optimizer.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gan_jax
from gan_jax import build, data
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.games.players import networks
from gan_jax.sampling import interpolate, loading
from gan_jax.training import train
from gan_jax.types import Game

pytestmark = pytest.mark.usefixtures("without_curves")

DOMAINS = ("source", "real")


class Translator(nn.Module):
    """Images to images, pixel by pixel."""

    channels: int

    @nn.compact
    def __call__(self, images, *, train):
        return jnp.tanh(nn.Dense(self.channels)(nn.relu(nn.Dense(4)(images))))


class Critic(nn.Module):
    """Images to logits."""

    @nn.compact
    def __call__(self, images, *, train):
        return nn.Dense(1)(images.reshape(len(images), -1))[:, 0]


def negatives(*, resolution: int = 8, size: int = 64):
    """Digits, their negatives as `source`, and no labels."""
    digits = data.digits(resolution=resolution)

    def read(rows):
        images = digits.read(np.asarray(rows) % size)["real"]
        return {"real": images, "source": 255 - images}

    spec = {name: digits.spec["real"] for name in DOMAINS}
    return Source("negatives", size, spec, {"modality": "images"}, read)


def cycle(nets):
    """A least-squares game of two translators and two critics."""
    generator, critics = nets["generator"], nets["discriminator"]

    def init(key, batch):
        keys = iter(jax.random.split(key, 4))
        params, carry = {}, {}
        for player, inputs in (("generator", ("source", "real")), ("discriminator", DOMAINS)):
            parts = {
                name: net.init(next(keys), batch[entry])
                for (name, net), entry in zip(nets[player].items(), inputs)
            }
            params[player] = {name: part[0] for name, part in parts.items()}
            carry[player] = {name: part[1] for name, part in parts.items()}
        return params, carry

    def play(context):
        def apply(player, name, x):
            net = nets[player][name]
            params, carry = context.params[player][name], context.carry[player][name]
            return net.apply(params, carry, x, key=context.key, train=True)[0]

        there = apply("generator", "forward", context.batch["source"])
        back = apply("generator", "backward", there)
        logits = {name: apply("discriminator", name, context.batch[name]) for name in DOMAINS}
        return {
            "real_logits": jnp.concatenate([logits["source"], logits["real"]]),
            "fake_logits": jnp.concatenate(
                [apply("discriminator", "source", back), apply("discriminator", "real", there)]
            ),
            "prediction": back,
            "target": context.batch["source"],
        }, context.carry

    def sample(params, carry, latents, batch, key):
        assert latents is None
        net = generator["forward"]
        owned = params["generator"]["forward"], carry["generator"]["forward"]
        return net.apply(*owned, batch["source"], key=key, train=False)[0]

    assert list(critics) == list(DOMAINS)
    return Game(init=init, play=play, sample=sample, conditions=("source",))


@pytest.fixture(scope="module")
def recipe(tiny):
    return lambda **changes: tiny(
        **{
            **dict(
                data=dict(name=f"{__name__}.negatives", flip=True),
                game=dict(name=f"{__name__}.cycle"),
                nets=dict(
                    generator=dict(
                        forward=dict(name=f"{__name__}.Translator", wrap=dict(spectral_norm={})),
                        backward=dict(name=f"{__name__}.Translator"),
                    ),
                    discriminator={name: dict(name=f"{__name__}.Critic") for name in DOMAINS},
                ),
                losses=dict(
                    discriminator=dict(least_squares_discriminator=1.0),
                    generator=dict(least_squares_generator=1.0, l1=10.0),
                ),
                steps=4, checkpoint_every=2, grid_every=4, diagnostics_every=2, eval_every=4,
                eval_features="pixels", eval_samples=20,
            ),
            **changes,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def workdir(recipe, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("cycle"))
    train.run(recipe(), folder)
    return folder


def test_one_optimizer_per_player_trains_all_its_networks(recipe, workdir):
    model = loading.load(workdir, trust=True)
    start = build.start(model.train_spec, model.modality, model.recipe.batch_size)(jax.random.key(0))
    for player, parts in (("generator", ("forward", "backward")), ("discriminator", DOMAINS)):
        assert sorted(model.state.params[player]) == sorted(parts)
        for part in parts:
            before, after = (jax.tree.leaves(state.params[player][part]) for state in (start, model.state))
            assert all(np.any(a != b) for a, b in zip(before, after, strict=True))


def test_resumes_bit_for_bit(recipe, workdir, tmp_path):
    for steps in (2, 4):
        train.run(recipe(steps=steps), str(tmp_path))
    whole, parts = (loading.load(folder, trust=True).state for folder in (workdir, str(tmp_path)))
    jax.tree.map(np.testing.assert_array_equal, whole, parts)


def test_samples_are_translations_of_their_source(workdir):
    """The translator works pixel by pixel, so equal sources have equal translations."""
    model = gan_jax.load(workdir, trust=True)
    source = negatives().read(np.arange(5))["source"]
    images = model.sample(5, conditions={"source": source[[0, 1, 0, 2, 1]]})
    assert images.shape == (5, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[0], images[2])
    np.testing.assert_array_equal(images[1], images[4])
    # Without a question, the first real rows are translated, whatever the seed: no latents are drawn.
    np.testing.assert_array_equal(model.sample(2), model.sample(2, seed=7))
    np.testing.assert_array_equal(model.sample(2), model.sample(2, conditions={"source": source[:2]}))
    assert model.latents(3) is None


def test_evaluates(workdir):
    values = gan_jax.load(workdir, trust=True).evaluate(
        ["frechet_distance"], features="pixels", num_samples=20
    )
    assert values["frechet_distance"]["value"] > 0


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            dict(game=dict(name=f"{__name__}.cycle", latents=dict(name="normal", size=4))),
            "game.latents: cycle draws no latents",
        ),
        (dict(game=dict(name="gan")), "game.latents is missing: gan draws latents"),
        (
            dict(game=dict(name="gan", latents=dict(name="normal", size=4))),
            "nets.generator: this game needs one network, got several: forward, backward",
        ),
    ],
)
def test_mistakes(recipe, tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        train.run(recipe(**changes), str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_no_walk_without_latents(workdir):
    with pytest.raises(UsageError, match="samples do not depend on latents and labels alone"):
        interpolate.run(workdir, trust=True)


def test_players_of_one_network():
    with pytest.raises(UsageError, match="this game needs a network for 'encoder', got generator"):
        networks({"generator": None}, ("encoder",))
