"""Every recipe that ships is traced, and its numbers are its paper's."""

import copy
import glob
import json
import math
import os
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sources

from gan_jax import build, degradations, modalities
from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import tiny as tiny_recipes
from gan_jax.data import views
from gan_jax.data.source import of_images
from gan_jax.errors import UsageError
from gan_jax.step import train_step
from gan_jax.training import evaluating, initial, report, setup, train
from gan_jax.types import Game

ROOT = os.path.join(os.path.dirname(__file__), "..", "configs")
CONFIGS = sorted(glob.glob(os.path.join(ROOT, "*.py")))
TRICKS = sorted(glob.glob(os.path.join(ROOT, "tricks", "*.py")))


def _name(path):
    return os.path.relpath(path, ROOT)[:-3]


def _stem(path):
    return os.path.basename(path)[:-3]


DCGAN = {"learning_rate": 2e-4, "b1": 0.5}
# The same rate in the first half of a run, then linearly to nothing.
HALVES = {"init_value": 2e-4, "end_value": 0.0, "transition_steps": 3_000, "transition_begin": 3_000}
FALLING = {
    "learning_rate": {"linear_schedule": {**HALVES, "transition_steps": 2_000, "transition_begin": 2_000}},
    "b1": 0.5,
}
HALF = {"learning_rate": 2e-4, "b1": 0.0, "b2": 0.9}


def _both(numbers):
    return {f"optimizers.{player}.adam": numbers for player in ("generator", "discriminator")}


# By recipe: the numbers of its paper, and where each is. What a recipe's docstring calls ours is not here.
PAPER = {
    # Goodfellow et al. 2014, algorithm 1 and its choice of k = 1.
    "gan": {"updates": {"discriminator": 1, "generator": 1}, "game.latents.name": "uniform"},
    # Radford et al. 2016, section 4.
    "dcgan": {**_both(DCGAN), "game.latents": {"name": "uniform", "size": 100}, "updates.discriminator": 1},
    # Mao et al. 2017: labels 0 and 1 (defaults), beta1 0.5, 1024 latents.
    "lsgan": {"optimizers.generator.adam.b1": 0.5, "game.latents.size": 1024},
    # Arjovsky et al. 2017, algorithm 1.
    "wgan": {
        "optimizers.discriminator.rmsprop.learning_rate": 5e-5,
        "optimizers.generator.rmsprop.learning_rate": 5e-5,
        "optimizers.discriminator.clip_weights.max_value": 0.01,
        "updates": {"discriminator": 5, "generator": 1},
        "batch_size": 64,
    },
    # Gulrajani et al. 2017, algorithm 1.
    "wgan_gp": {
        **_both({"learning_rate": 1e-4, "b1": 0.0, "b2": 0.9}),
        "losses.discriminator.gradient_penalty": 10.0,
        "updates": {"discriminator": 5, "generator": 1},
        "batch_size": 64,
    },
    # Kodali et al. 2017, algorithm 1.
    "dragan": {"losses.discriminator.dragan": 10.0, "updates.discriminator": 1},
    # Miyato et al. 2018, table 1 (setting E) and section 4: hinge, batch 64, five steps.
    "sngan": {**_both(HALF), "updates": {"discriminator": 5, "generator": 1}, "batch_size": 64},
    # Zhang et al. 2018, section 5.
    "sagan": {
        "optimizers.discriminator.adam": {"learning_rate": 4e-4, "b1": 0.0, "b2": 0.9},
        "optimizers.generator.adam": {"learning_rate": 1e-4, "b1": 0.0, "b2": 0.9},
        "updates": {"discriminator": 1, "generator": 1},
        "game.latents.size": 128,
    },
    # Miyato and Koyama 2018, section 5.
    "projection": {**_both(HALF), "updates.discriminator": 5, "game.latents.size": 128},
    # Mirza and Osindero 2014, section 4.1: 100 uniform latents; both networks get the label.
    "cgan": {"game.latents": {"name": "uniform", "size": 100}, "game.condition_on": ["label"]},
    # Odena et al. 2017, appendix A.
    "acgan": {
        **_both(DCGAN),
        "nets.discriminator.dropout": 0.5,
        "losses.discriminator.classification_real": 1.0,
        "losses.discriminator.classification_fake": 1.0,
        "losses.generator.classification_fake": 1.0,
    },
    # Chen et al. 2016, appendix C.1.
    "infogan": {
        "game.latents": {"name": "codes", "noise": 62, "discrete": [10], "continuous": 2},
        "optimizers.discriminator.adam.learning_rate": 2e-4,
        "optimizers.generator.adam.learning_rate": 1e-3,
        "losses.generator.code_information_discrete.weight": 1.0,
        "losses.generator.code_information_gaussian.weight": 0.1,
    },
    # Donahue et al. 2017, appendix C.
    "bigan": {
        **_both(DCGAN),
        "optimizers.encoder.adam": DCGAN,
        "game.latents": {"name": "uniform", "size": 50},
    },
    # Larsen et al. 2016, section 4 and algorithm 1.
    "vaegan": {"game.latents": {"name": "normal", "size": 128}, "batch_size": 64},
    # Zhao et al. 2017, sections 2.3, 2.4 and 4: a norm, pull-away 0.1, margin 10 on MNIST.
    "ebgan": {
        "game.energy": "euclidean",
        "losses.discriminator.energy_based_discriminator.margin": 10.0,
        "losses.generator.pull_away": 0.1,
    },
    # Berthelot et al. 2017, section 4.
    "began": {
        "optimizers.generator.adam.learning_rate": 1e-4,
        "game.latents": {"name": "uniform", "size": 64},
        "batch_size": 16,
    },
    # Lin et al. 2018, section 4: two samples, nothing else changed.
    "pacgan": {**_both(DCGAN), "nets.discriminator.wrap.packed.samples": 2},
    # Lin et al. 2018, section 4.1.
    "toy": {
        **_both({"learning_rate": 1e-4, "b1": 0.8}),
        "data": {"name": "ring", "scale": 1.0, "size": 100_000, "seed": 0},
        "game.latents": {"name": "normal", "size": 2},
        "nets.generator.widths": [400] * 4,
        "nets.discriminator": {"name": "points.Discriminator", "widths": [200] * 3, "pieces": 5},
        "batch_size": 100,
        "eval_samples": 2500,
    },
    # Zhu et al. 2017, section 4 and 5.2, and its training code; our losses have a half and the mean of two domains.
    "cyclegan": {
        **_both(FALLING),
        "game.pool": 50,
        "losses.generator": {
            "least_squares_generator": 4.0,
            "cycle_consistency": 10.0,
            "identity_mapping": 5.0,
        },
        "losses.discriminator.least_squares_discriminator": {
            "weight": 2.0,
            "reads": {"fake_logits": "past_logits"},
        },
    },
    # Park et al. 2020, section 3 and appendix C.1, and its training code.
    "cut": {
        **_both(FALLING),
        "game.patches": 256,
        "nets.generator.projection.features": 256,
        "nets.generator.translator.blurred": True,
        "nets.generator.translator.upsample": "smoothed",
        "losses.generator": {
            "least_squares_generator": 2.0,
            "patch_contrastive": 0.5,
            "identity_patch_contrastive": 0.5,
        },
    },
    # Isola et al. 2017, sections 3.3 and 6.2.
    "pix2pix": {
        **_both({"learning_rate": {"linear_schedule": HALVES}, "b1": 0.5}),
        "losses.discriminator": {"non_saturating_discriminator": 0.5},
        "losses.generator": {"non_saturating_generator": 1.0, "l1": 100.0},
    },
    "colourise": {
        **_both({"learning_rate": {"linear_schedule": HALVES}, "b1": 0.5}),
        "losses.discriminator": {"non_saturating_discriminator": 0.5},
        "losses.generator": {"non_saturating_generator": 1.0, "l1": 100.0},
    },
    # Ledig et al. 2017, section 3.2 and table 1, SRGAN-MSE.
    "srresnet": {"losses.generator": {"l2": 1.0}, "batch_size": 16},
    "srgan": {
        "losses.discriminator.non_saturating_discriminator": 1.0,
        "losses.generator.l2": 1.0,
        "losses.generator.non_saturating_generator.weight.linear_schedule.end_value": 1e-3,
        "optimizers.generator.adam.learning_rate.piecewise_constant_schedule": {
            "init_value": 1e-4,
            "boundaries_and_scales": {"1500": 0.1},
        },
        "batch_size": 16,
    },
    # Wang et al. 2018, section 4.1: eta 1e-2 for images in [0, 1], lambda 5e-3 for half of the sum.
    "rrdb": {
        "losses.generator": {"l1": 1.0},
        "optimizers.generator.adam.learning_rate.piecewise_constant_schedule.init_value": 2e-4,
        "batch_size": 16,
    },
    "esrgan": {
        "losses.discriminator": {"relativistic_average_discriminator": 0.5},
        "losses.generator.l1": 1e-2 / 2,
        "losses.generator.relativistic_average_generator.weight.linear_schedule.end_value": 5e-3 / 2,
        "optimizers.generator.adam.learning_rate.piecewise_constant_schedule.init_value": 1e-4,
        "batch_size": 16,
    },
    # Pathak et al. 2016, section 4: lambda 0.999 and 0.001.
    "inpaint": {
        "losses.generator": {"hole_l2": 0.999, "non_saturating_generator": 1e-3},
        "optimizers.generator.adam": {"learning_rate": 1e-3, "b1": 0.5},
        "optimizers.discriminator.adam": {"learning_rate": 1e-4, "b1": 0.5},
    },
    # Zhang et al. 2017, section IV.A.
    "denoise": {
        "data.crop": 40,
        "data.degrade.gaussian_noise.deviation": 25.0,
        "losses.generator": {"l2": 1.0},
        "optimizers.generator.adam.learning_rate.cosine_decay_schedule.alpha": 1e-3,
    },
    # Nah et al. 2017, section 3.3.
    "deblur": {"losses.generator": {"l2": 1.0}, "nets.generator.norm": "no_norm"},
    # Wang et al. 2021, section 4.1.
    "restore_pixels": {"losses.generator": {"l1": 1.0}, "optimizers.generator.adam.learning_rate": 2e-4},
    "restore": {
        "losses.discriminator": {"non_saturating_discriminator": 1.0},
        "losses.generator.l1": {"weight": 1.0 / 2, "reads": {"target": "sharpened"}},
        "data.degrade.sharpened_target": {},
        "optimizers.generator.adam.learning_rate": 1e-4,
        "nets.discriminator.wrap": {"spectral_norm": {}},
    },
    # Karras et al. 2018, section 6.1 and appendix A; 0.999 a step of 32 images.
    "progressive": {
        **_both({"learning_rate": 1e-3, "b1": 0.0, "b2": 0.99}),
        "losses.discriminator": {"wasserstein_discriminator": 1.0, "gradient_penalty": 10.0, "drift": 0.001},
        "updates": {"discriminator": 1, "generator": 1},
        "nets.discriminator.group_size": 4,
        "average.generator.half_life": round(32 * math.log(0.5) / math.log(0.999)),
    },
    # Brock et al. 2019, section 3 and appendix C.
    "biggan": {
        "optimizers.generator.adam.b1": 0.0,
        "optimizers.generator.adam.b2": 0.999,
        "optimizers.discriminator.adam.eps": 1e-6,
        "losses": {"discriminator": {"hinge_discriminator": 1.0}, "generator": {"hinge_generator": 1.0}},
        "nets.generator.wrap.spectral_norm": {"leave": ["shared_embedding"], "epsilon": 1e-6},
        "nets.discriminator.heads": {"projection": {}},
    },
    # Huang et al. 2024, its training code.
    "r3gan": {
        "optimizers.generator.adam.learning_rate.cosine_decay_schedule.init_value": 2e-4,
        "optimizers.generator.adam.learning_rate.cosine_decay_schedule.alpha": 0.25,
        "optimizers.generator.adam.b1": 0.0,
        "losses.discriminator.r1.weight.cosine_decay_schedule.alpha": 0.1,
        "game.latents": {"name": "normal", "size": 64},
    },
}
# By trick: everything in which it is another recipe than dcgan, and the new value.
CHANGED = {
    "instance_noise": {"game.augment": {"instance_noise": {"start": 0.1, "end": 0.0, "steps": 4_000}}},
    "input_noise": {"nets.generator.wrap": {"input_noise": {"deviation": 0.05}}},
    "clipped_gradients": {"optimizers.*": {"clip": {"max_delta": 0.01}, "adam": DCGAN}},
    "clipped_gradient_norm": {"optimizers.*": {"clip_by_global_norm": {"max_norm": 1.0}, "adam": DCGAN}},
    "normalised_gradients": {"optimizers.*": {"normalize_by_root_mean_square": {}, "adam": DCGAN}},
    "deeper_discriminator": {"nets.discriminator.depth": 2},
    "least_squares": {
        "losses.discriminator": {"least_squares_discriminator": 1.0},
        "losses.generator": {"least_squares_generator": 1.0},
    },
    "dropout": {"nets.discriminator.dropout": 0.3},
    "leaky_relu": {"nets.*.slope": 0.01},
    "weight_decay": {"optimizers.*": {"adam": DCGAN, "weight_decay": {"strength": 1e-4}}},
}
# Recipes whose default data are not the digits.
RESTORATION = ("pix2pix", "colourise", "srresnet", "srgan", "rrdb", "esrgan", "inpaint", "denoise", "deblur")
RESTORATION += ("restore", "restore_pixels")
DATA = {"toy": "ring", **{name: "photographs" for name in RESTORATION}}
DATA |= {"cyclegan": "digits_to_printed", "cut": "digits_to_printed"}
# Recipes of conditional networks; without labels they say so.
CONDITIONAL = {"cgan", "acgan", "projection", "biggan"}


def _recipe(path, *data):
    return runpy.run_path(path)["get_config"](*data)


def _at(tree, path):
    for part in path.split("."):
        tree = tree[part]
    return tree


# A trick is traced with more than digits if it changes networks.
MODALITIES = {
    "digits": sources.modality(28, classes=10),
    "cifar10": sources.modality(32, channels=3, classes=10),
    "64": sources.modality(64, channels=3),
}
TRACED = [
    (path, data)
    for path in CONFIGS
    for data in (("photographs",) if _name(path) in RESTORATION else MODALITIES)
] + [
    (path, data)
    for path in TRICKS
    for data in MODALITIES
    if data == "digits" or any(where.startswith("nets.") for where in CHANGED[_stem(path)])
]


@pytest.mark.parametrize(
    "path, data", TRACED, ids=lambda value: _name(value) if value.endswith(".py") else value
)
def test_traced(path, data):
    recipe = _recipe(path)
    recipe_lib.validate(recipe)
    modality = build.source(recipe).modality if data == "photographs" else MODALITIES[data]
    if recipe.game["name"] in ("cut", "cyclegan"):
        modality = modalities.bound({**modality.spec, "source": modality.spec["real"]}, modality.facts)
    if not modality.facts["classes"] and _name(path) in CONDITIONAL:
        with pytest.raises(UsageError, match="game.condition_on: the data does not have"):
            setup.check(recipe, build.train_spec(recipe, modality), modality)
        return
    setup.check(recipe, build.train_spec(recipe, modality), modality)


def test_second_stages_alone_ask_for_a_first_one():
    """Those whose discriminator's weight grows from 0; the others begin with random parameters."""
    random = initial.Initial({}, None)
    asking = set()
    for path in CONFIGS:
        terms = build.train_spec(_recipe(path), MODALITIES["cifar10"]).terms
        asking |= {_name(path)} if initial.advice(terms, random) else set()
    assert asking == {"srgan", "esrgan", "restore"}


@pytest.mark.parametrize("path", [*CONFIGS, *TRICKS], ids=_name)
def test_any_data_name(path):
    assert _recipe(path).data["name"] == DATA.get(_name(path), "digits")
    assert _recipe(path, "mnist").data["name"] == "mnist"


@pytest.mark.parametrize("path", CONFIGS, ids=_name)
def test_numbers_are_the_papers(path):
    recipe = recipe_lib.to_dict(_recipe(path))
    for where, expected in PAPER[_name(path)].items():
        assert _at(recipe, where) == expected


def _change(tree, changes):
    """Puts new values in a recipe's dict; a `*` stands for every player."""
    for where, value in changes.items():
        *parents, last = where.split(".")
        for player in ("generator", "discriminator") if "*" in where else ("",):
            parent = _at(tree, ".".join(part.replace("*", player) for part in parents))
            parent[last.replace("*", player)] = copy.deepcopy(value)


@pytest.mark.parametrize("path", TRICKS, ids=_name)
def test_a_trick_is_dcgan_and_one_change(path):
    expected = recipe_lib.to_dict(_recipe(os.path.join(ROOT, "dcgan.py")))
    changes = CHANGED[_stem(path)]
    _change(expected, changes)
    # As text, since the order of a chain counts.
    assert json.dumps(recipe_lib.to_dict(_recipe(path))) == json.dumps(expected)
    with open(path) as file:
        text = file.read()
    for where in changes:
        assert f"`{where.partition('.')[0]}" in text.partition("Changes")[2]


@pytest.mark.parametrize(
    "trick, updates",
    [
        # Adam's step is its learning rate while gradients are the same: clipped or normalised ones are.
        ("clipped_gradients", [-2e-4, -2e-4]),
        ("clipped_gradient_norm", [-2e-4, -2e-4]),
        ("normalised_gradients", [-2e-4, -2e-4]),
        # Where nothing stands before it, 1 after 1000 is nothing to Adam's second moment:
        # (0.5 * 1000 + 1) / 1.5 over the root of (0.999 * 1000^2 + 1) / 1.999; and the parameter is 2.
        ("weight_decay", [-4e-4, -2e-4 * (501 / 1.5) / math.sqrt(999_001 / 1.999) - 2e-4]),
    ],
)
@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_gradients_are_clipped_before_adam_and_weights_decay_behind_it(trick, updates, player):
    recipe = _recipe(os.path.join(ROOT, "tricks", f"{trick}.py"))
    chain = build.train_spec(recipe, sources.modality()).optimizers[player]
    params = {"kernel": jnp.full((1, 1), 2.0)}
    state = chain.init(params)
    for gradient, expected in zip((1000.0, 1.0), updates):
        update, state = chain.update({"kernel": jnp.full((1, 1), gradient)}, state, params)
        np.testing.assert_allclose(update["kernel"], [[expected]], rtol=1e-4)


@pytest.mark.parametrize("path", [*CONFIGS, *TRICKS], ids=_name)
def test_short_and_with_its_source(path):
    with open(path) as file:
        text = file.read()
    assert len(text.splitlines()) <= 60 and "arXiv:" in text and "python -m gan_jax.main" in text


def test_a_gap_between_images_of_other_channels_is_closed_or_said():
    """Grey photographs have no colour to be learned, and are restored as well."""
    recipe = _recipe(os.path.join(ROOT, "colourise.py"))
    source = of_images("grey", 4, (96, 96, 1), (), lambda rows: {})
    degrade = degradations.chain(degradations.grayscale())
    modality = views.fixed(source, recipe.data["crop"], degrade).modality
    setup.check(recipe, build.train_spec(recipe, modality), modality)


def test_adversaries_of_restoration_are_judged_by_their_distribution_too():
    for name in ("pix2pix", "colourise", "srgan", "esrgan", "inpaint", "restore"):
        recipe = _recipe(os.path.join(ROOT, f"{name}.py"))
        assert "frechet_distance" in recipe.eval_metrics and recipe.eval_features == "cifar10"
        first = next(iter(recipe.eval_metrics))
        assert first == ("hole_psnr" if name == "inpaint" else "frechet_distance")


def test_colours_that_are_grey_are_as_far_from_their_targets_as_the_grey_source():
    """The evaluation of colourise, of an output without colours."""
    recipe = _recipe(os.path.join(ROOT, "colourise.py"))
    rows = sources.noise(6, side=16, channels=3, heldout=sources.noise(5, seed=1, side=16, channels=3))
    source = views.fixed(rows, 0, degradations.chain(degradations.grayscale()))
    game = Game(init=None, play=None, sample=None, conditions=("source",))

    def grey(state, key, rows, conditions, averaged):
        return np.repeat(conditions(rows)["source"], 3, axis=-1)

    values, protocol = evaluating.state_evaluator(recipe, game, source, grey).evaluate(None)
    found = {name: each["value"] for name, each in values.items()}
    assert list(found) == ["frechet_distance", "psnr_cbcr", "psnr_cbcr_of_bicubic"]
    targets = np.float64(source.heldout().read(np.arange(5))["real"])
    weights = np.array([[-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]).T / 255
    expected = 10 * np.log10(255**2 / np.square(targets @ weights).mean((1, 2, 3))).mean()
    assert found["psnr_cbcr"] == pytest.approx(expected, abs=1e-6)
    assert found["psnr_cbcr_of_bicubic"] == pytest.approx(expected, abs=1e-6)
    assert found["frechet_distance"] > values["frechet_distance"]["real_baseline"] > 0


# With a discriminator, a mask and pasted pixels; and without. The losses of the others: tests/games/.
@pytest.mark.parametrize("name", ["inpaint", "denoise"])
def test_two_steps_of_restoration_are_finite(name):
    recipe = tiny_recipes.of_few_pixels(_recipe(os.path.join(ROOT, f"{name}.py")))
    source = build.source(recipe)
    train_spec, decode = build.train_spec(recipe, source.modality), build.decoder(recipe, source.modality)
    rows = source.parts[0].read(np.arange(recipe.batch_size))
    state = jax.jit(build.start(train_spec, source.modality, recipe.batch_size))(jax.random.key(0))

    @jax.jit
    def step(state, rows):
        batch = jax.tree.map(lambda row: row[None], decode(jax.random.key(2), rows))
        return train_step(train_spec, state, batch, jax.random.key(1))

    before = state.params
    for _ in range(2):
        state, scalars = step(state, rows)
        assert np.isfinite(list(scalars.values())).all()
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, jax.device_get(state.params))
    assert any(jax.tree.leaves(moved["generator"]))


@pytest.mark.parametrize("path", [path for path in CONFIGS if _name(path) not in RESTORATION], ids=_name)
def test_twenty_steps_are_finite(path, tmp_path):
    recipe = tiny_recipes.of_few_pixels(_recipe(path))
    recipe.grid_size = 100
    recipe.steps, recipe.log_every, recipe.grid_every, recipe.eval_every = 20, 20, 20, 0
    train.run(recipe, str(tmp_path))
    (record,) = report.read_metrics(os.path.join(tmp_path, "metrics.jsonl"))
    assert record["step"] == 20 and len([name for name in record if "/" in name]) >= len(recipe.updates)
    assert os.path.exists(os.path.join(tmp_path, "grids", "step_0000020.png"))


def test_twenty_steps_of_all_tricks_at_once_are_finite():
    plain = recipe_lib.to_dict(_recipe(os.path.join(ROOT, "dcgan.py")))
    chain = {}
    for changes in CHANGED.values():
        _change(plain, changes)
        chain.update(changes.get("optimizers.*", {}))
    for last in ("adam", "weight_decay"):
        chain[last] = chain.pop(last)
    _change(plain, {"optimizers.*": chain})
    recipe, modality = tiny_recipes.shrunk(plain), sources.modality()
    train_spec = build.train_spec(recipe, modality)
    images = jax.random.uniform(jax.random.key(1), (1, recipe.batch_size, 8, 8, 1), minval=-1.0)
    state = jax.jit(build.start(train_spec, modality, recipe.batch_size))(jax.random.key(0))
    before = jax.device_get(state.params)
    played = jax.jit(lambda state: train_step(train_spec, state, {"real": images}, jax.random.key(2)))
    for _ in range(20):
        state, scalars = played(state)
        assert np.isfinite(list(scalars.values())).all()
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, jax.device_get(state.params))
    assert all(jax.tree.leaves(moved))
