"""CUT: its losses against NumPy in float64, its patches, mirrored sources, and a run."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_cyclegan import unpaired

import gan_jax
from gan_jax import augment, build, recipe, terms
from gan_jax.errors import UsageError
from gan_jax.games import cut
from gan_jax.sampling import loading
from gan_jax.training import train
from gan_jax.types import Context, Net

CONFIG = os.path.join(os.path.dirname(__file__), "..", "..", "configs", "cut.py")
SLOPE, OFFSET, WEIGHT, TURN = 0.7, 0.2, 0.9, np.float32([[0.8, -0.6], [0.5, 1.1]])
RANDOM = np.random.default_rng(0)
BATCH = {name: RANDOM.uniform(-1, 1, (3, 4, 4, 2)).astype(np.float32) for name in ("real", "source")}


def _net(params, outputs, **facts):
    """A Net of given parameters, whose carry counts its passes."""

    def apply(params, carry, inputs, *, key, train):
        return outputs(params, inputs), carry + train

    return Net(lambda key, inputs: (params, jnp.int32(0)), apply, **facts)


def _layers(images):
    """Pixels, and every other pixel squared: features of two sizes."""
    return images, images[:, ::2, ::2] ** 2


def _translate(params, images):
    return {"image": params["a"] * images + params["b"], "layers": _layers(images)}


def _project(params, layers):
    vectors = [layer @ params for layer in layers]
    return tuple(x / jnp.sqrt(jnp.sum(x**2, axis=-1, keepdims=True)) for x in vectors)


NETS = {
    "generator": {
        "translator": _net({"a": jnp.float32(SLOPE), "b": jnp.float32(OFFSET)}, _translate, multiple=2),
        "projection": _net(jnp.asarray(TURN), _project),
    },
    "discriminator": _net(
        jnp.float32(WEIGHT), lambda w, images: {"logits": w * images[:, ::2, ::2].mean(-1)}
    ),
}


def _context(game, batch=BATCH, seed=1):
    params, carry = game.init(jax.random.key(0), batch)
    return Context(params, carry, batch, jax.random.key(seed), jnp.int32(0))


def _contrast(queries, keys):
    """The mean over samples, places and layers of minus the log share of the own place, in float64."""
    each = []
    for query, key in zip(_layers(queries), _layers(keys), strict=True):
        q, k = (layer.reshape(3, -1, 2) @ np.float64(TURN) for layer in (query, key))
        q, k = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (q, k))
        weights = np.exp(q @ k.transpose(0, 2, 1) / 0.07)
        shares = np.diagonal(weights, axis1=1, axis2=2) / weights.sum(-1)
        each.append(-np.mean(np.log(shares)))
    return np.mean(each)


def _in_numpy():
    a, b = np.float64(BATCH["source"]), np.float64(BATCH["real"])

    def translate(images):
        return SLOPE * images + OFFSET

    def squares(images, label):
        return np.mean((WEIGHT * images[:, ::2, ::2].mean(-1) - label) ** 2)

    contrast = (_contrast(translate(a), a) + _contrast(translate(b), b)) / 2
    return {
        "generator": squares(translate(a), 1) + contrast,
        "discriminator": (squares(b, 1) + squares(translate(a), 0)) / 2,
    }


def _recipe(tiny, **changes):
    written = recipe.load(CONFIG)
    written.nets["generator"]["translator"].update(width=2, blocks=1, layers=(0, 1, 3))
    written.nets["generator"]["projection"].update(features=4)
    written.nets["discriminator"].update(width=2, halvings=1)
    fields = dict(
        data=dict(name="test_cyclegan.unpaired"), game=dict(name="cut", patches=9), nets=written.nets,
        losses=written.losses, steps=2, checkpoint_every=2, grid_every=2, diagnostics_every=2,
    )  # fmt: skip
    return tiny(**{**fields, **changes})


def test_losses_of_the_recipe_are_those_of_the_paper_s_code(tiny):
    """256 places are all there are, in any order."""
    of_recipe = build.train_spec(_recipe(tiny), unpaired().modality).terms
    game = cut(NETS, augment.chain())
    outputs, _ = game.play(_context(game))
    for player, expected in _in_numpy().items():
        found, _ = terms.total(of_recipe[player], outputs, jnp.int32(0))
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_queries_and_keys_are_of_the_same_random_places():
    game = cut(NETS, augment.chain(), patches=5)
    seen = []
    for seed in range(3):
        outputs, carry = game.play(_context(game, seed=seed))
        assert [layer.shape for layer in outputs["queries"]] == [(3, 5, 2), (3, 4, 2)]
        source = np.asarray(_project(TURN, _layers(BATCH["source"]))[0]).reshape(3, 16, 2)
        made = _project(TURN, _layers(SLOPE * BATCH["source"] + OFFSET))
        made = np.asarray(made[0]).reshape(3, 16, 2)
        keys = np.asarray(outputs["keys"][0])
        places = [int(np.argmin(np.abs(source[0] - key).sum(-1))) for key in keys[0]]
        assert len(set(places)) == 5
        np.testing.assert_allclose(keys, source[:, places], atol=1e-6)
        np.testing.assert_allclose(outputs["queries"][0], made[:, places], atol=1e-6)
        seen.append(places)
    assert seen[0] != seen[1] != seen[2]
    assert jax.tree.leaves(carry["generator"]["net"]) == [1, 1] and carry["discriminator"]["net"] == 2


def test_no_gradient_flows_into_keys():
    game = cut(NETS, augment.chain())
    context = _context(game)

    def keys(params):
        outputs, _ = game.play(context._replace(params={**context.params, "generator": params}))
        return sum(jnp.sum(x) for name in ("keys", "identity_keys") for x in outputs[name])

    assert not any(np.any(leaf) for leaf in jax.tree.leaves(jax.grad(keys)(context.params["generator"])))


def test_mirrored_sources_are_compared_after_they_are_mirrored_back():
    """The translator works pixel by pixel, so that its features are as if nothing had been mirrored."""
    plain = cut(NETS, augment.chain())
    game = cut(NETS, augment.chain(), flip_equivariance=True)
    batch = {name: np.tile(array, (4, 1, 1, 1)) for name, array in BATCH.items()}
    outputs, expected = (each.play(_context(each, batch))[0] for each in (game, plain))
    contrast = [
        gan_jax.losses.patch_contrastive(each["queries"], each["keys"]) for each in (outputs, expected)
    ]
    # The second layer's pixels are the left ones of two, and the right ones in a mirrored image.
    assert not np.allclose(*contrast, rtol=1e-3)
    first = [
        gan_jax.losses.patch_contrastive(each["queries"][0], each["keys"][0]) for each in (outputs, expected)
    ]
    np.testing.assert_allclose(*first, rtol=1e-5)
    same = [np.allclose(a, b) for a, b in zip(outputs["fake"], expected["fake"])]
    mirrored = [np.allclose(a, b[:, ::-1]) for a, b in zip(outputs["fake"], expected["fake"])]
    assert all(a != b for a, b in zip(same, mirrored)) and 2 <= sum(same) <= 10


def test_a_grid_shows_sources_above_translations_and_the_facts_are_the_translator_s():
    game = cut(NETS, augment.chain())
    context = _context(game)
    images = {name: np.full((4, 4, 4, 2), 1.0) for name in BATCH}
    shown = game.preview(context.params, context.carry, images, None)
    np.testing.assert_allclose(shown[:, 0, 0, 0], [1.0, 1.0, SLOPE + OFFSET, SLOPE + OFFSET], rtol=1e-6)
    assert (game.multiple, game.radius, game.conditions) == (2, None, ("source",))


def test_mistakes():
    without = _net(jnp.float32(1.0), lambda w, images: w * images)
    generator = {**NETS["generator"], "translator": without}
    game = cut({**NETS, "generator": generator}, augment.chain())
    with pytest.raises(UsageError, match="nets.generator.translator: expected a dict of heads with 'layers'"):
        _context(game)
    with pytest.raises(
        UsageError, match="this game translates `source` to `real`, and the data has real: expected"
    ):
        _context(cut(NETS, augment.chain()), {"real": BATCH["real"]})
    with pytest.raises(UsageError, match="the networks translator, projection, got one network"):
        cut({**NETS, "generator": without}, augment.chain())


def test_trains_and_translates(tiny, tmp_path):
    train.run(_recipe(tiny), str(tmp_path))
    model = gan_jax.load(str(tmp_path), trust=True)
    source = unpaired().read(np.arange(3))["source"]
    images = model.sample(3, conditions={"source": source})
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.uint8
    inner = loading.load(str(tmp_path), trust=True)
    start = build.start(inner.train_spec, inner.modality, inner.recipe.batch_size)
    before = jax.device_get(jax.jit(start)(jax.random.key(0)).params["generator"])
    moved = jax.tree.map(lambda a, b: bool(np.any(a != b)), before, inner.state.params["generator"])
    # What stands before an instance norm may have a gradient of zero; both networks move.
    assert all(any(jax.tree.leaves(moved[part])) for part in ("translator", "projection"))
