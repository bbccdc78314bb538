"""A model offers to metrics the outputs of its own networks, latents and codes."""

import dataclasses
import os
import runpy

import command_line
import jax
import numpy as np
import pytest
import sources

from gan_jax import build, data, images, latents
from gan_jax import metrics as metrics_lib
from gan_jax.errors import UsageError
from gan_jax.evaluation import probes, reports
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.features.types import Features
from gan_jax.sampling import loading
from gan_jax.training import train

MODALITY = sources.modality(classes=10)


def _logits(_, shown):
    """A classifier by the brightness of ten pixels."""
    return {
        "features": shown.reshape(len(shown), -1),
        "class_logits": shown.reshape(len(shown), -1)[:, 20:30],
    }


CLASSIFIER = Features("brightness", (), _logits, {})
PIXELS = CLASSIFIER._replace(apply=lambda _, shown: {"features": _logits(_, shown)["features"]})


def _model(recipe, make=lambda start, key: jax.jit(start)(key)):
    """An untrained model."""
    train_spec = build.train_spec(recipe, MODALITY)
    state = make(build.start(train_spec, MODALITY, recipe.batch_size), jax.random.key(0))
    if make is jax.eval_shape:
        return loading.LoadedModel("here", recipe, MODALITY, train_spec, 0, state)
    # Averages start as copies; they shall differ.
    average = jax.tree.map(lambda leaf: 0.9 * leaf, state.average)
    return loading.LoadedModel(
        "here", recipe, MODALITY, train_spec, 0, dataclasses.replace(state, average=average)
    )


def _with_codes(tiny, **options):
    return tiny(game=dict(name="gan", latents=dict(name="codes", noise=2, **options)))


def _with_encoder(tiny):
    swapped = dict(non_saturating_discriminator=dict(wrap=dict(swapped={})))
    optimizer = dict(adam=dict(learning_rate=1e-3))
    players = ("discriminator", "generator", "encoder")
    return tiny(
        game=dict(name="bigan", latents=dict(name="normal", size=3)),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            encoder=dict(name="encoders.DenseEncoder", size=3, widths=(16,)),
            discriminator=dict(name="discriminators.DensePairDiscriminator", widths=(16,)),
        ),
        losses=dict(discriminator=dict(non_saturating_discriminator=1.0), generator=swapped, encoder=swapped),
        optimizers=dict.fromkeys(players, optimizer),
        updates=dict.fromkeys(players, 1),
        average=dict(generator=dict(half_life=100.0), encoder=dict(half_life=100.0)),
    )


@pytest.fixture(scope="module")
def digits():
    source = data.digits(resolution=8)
    return source, source.heldout()


def _chosen(recipe, digits, features=CLASSIFIER):
    """Metrics of codes and encoders among all whose inputs a model of the recipe has."""
    evaluator, model = Evaluator(*digits, features), _model(recipe, jax.eval_shape)
    chosen = select(["all"], evaluator.inputs(digits[1], probes.of(model, evaluator, True, 0)), features)
    return set(chosen) & {"code_agreement", "reconstruction_error", "linear_probe"}


def test_all_selects_metrics_whose_inputs_a_model_has(tiny, digits):
    assert _chosen(tiny(), digits) == set()
    coded = _with_codes(tiny, discrete=(10,))
    assert _chosen(coded, digits) == {"code_agreement"}
    # Features that tell no classes, and latents with continuous codes alone.
    assert _chosen(coded, digits, PIXELS) == _chosen(_with_codes(tiny, discrete=()), digits) == set()
    assert _chosen(_with_encoder(tiny), digits) == {"reconstruction_error", "linear_probe"}


def test_code_agreement_of_a_model(tiny, digits, monkeypatch):
    """Against images drawn, made and classified by hand, all at once."""
    monkeypatch.setattr(probes, "PAIRS", 75)
    model = _model(_with_codes(tiny, discrete=(3, 10), continuous=1))
    evaluator = Evaluator(*digits, CLASSIFIER)
    extras = probes.of(model, evaluator, averaged=True, seed=7)
    metrics = select({"code_agreement": dict(code=1)}, evaluator.inputs(digits[1], extras), CLASSIFIER)
    values = evaluator(metrics, digits[1], extras)
    drawn = latents.codes(jax.random.key(7), 2 * 75, noise=2, discrete=(3, 10), continuous=1)
    state = model.state
    made = model.train_spec.game.sample(state.average, state.carry, drawn, {}, jax.random.key(0))
    logits = np.asarray(made).reshape(len(made), -1)[:, 20:30]
    expected = metrics_lib.code_agreement(
        lambda latents: latents,
        logits,
        np.argmax(drawn[:, 5:15], axis=1)[:, None],
        lambda latents: latents,
        0,
    )
    for name, value in expected.items():
        assert values[name] == {"value": pytest.approx(value, rel=1e-9)}, name


@pytest.mark.parametrize("averaged", [True, False])
def test_codes_and_reconstructions_of_a_model(tiny, digits, averaged):
    model = _model(_with_encoder(tiny))
    extras = probes.of(model, Evaluator(*digits, CLASSIFIER), averaged, seed=0)
    # More than a call, and not a multiple of it.
    shown = digits[1].read(np.arange(300))["real"]
    params = model.state.average if averaged else model.state.params
    made = jax.tree.map(np.float64, params["encoder"])
    hidden, last = made["_Layers_0"]["Dense_0"], made["Dense_0"]
    x = (shown / 127.5 - 1).reshape(300, -1) @ hidden["kernel"] + hidden["bias"]
    codes = np.where(x > 0, x, 0.2 * x) @ last["kernel"] + last["bias"]
    np.testing.assert_allclose(extras["encode"]()(shown), codes, atol=1e-4)
    given = {**model.state.params, **params}
    made = model.train_spec.game.sample(given, model.state.carry, np.float32(codes), {}, jax.random.key(0))
    found = extras["reconstruct"]()(shown)
    assert found.shape == shown.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, made, atol=1e-4)


def test_reconstructions_are_compared_with_the_held_out_images(tiny):
    """Images of one grey each, which come back darker."""
    grey = np.uint8(np.arange(40) * 5)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    real, heldout = sources.of_arrays(grey), sources.of_arrays(grey[:20])
    evaluator = Evaluator(real, heldout, PIXELS)
    darker = {"reconstruct": lambda: lambda shown: images.to_float(shown) - 0.5}
    values = evaluator({"own": metrics_lib.reconstruction_error}, sources.noise(10), darker)
    assert values["reconstruction_error"]["value"] == pytest.approx(0.25, rel=1e-5)
    levels = np.arange(20) * 5 / 127.5
    expected = np.mean((levels - np.mean(np.arange(40) * 5 / 127.5)) ** 2)
    assert values["reconstruction_error_of_mean_image"]["value"] == pytest.approx(expected, rel=1e-9)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A BiGAN of little width after twenty steps."""
    config = os.path.join(command_line.ROOT, "configs", "bigan.py")
    recipe = runpy.run_path(config)["get_config"]()
    for net in recipe.nets.values():
        net["width"] = 8
    recipe.data["resolution"] = 16
    recipe = dataclasses.replace(recipe, steps=20, batch_size=16, eval_every=0, grid_size=4)
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(recipe, folder)
    return folder


def test_command_line(workdir):
    flags = ["--features=pixels", "--num_images=50", "--metrics=reconstruction_error,linear_probe"]
    process = command_line.start("--mode=evaluate", f"--workdir={workdir}", *flags)
    code, out, err = command_line.finish(process)
    assert code == 0, err
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[-4:]}
    assert list(rows) == [
        "reconstruction_error",
        "reconstruction_error_of_mean_image",
        "linear_probe",
        "linear_probe_of_pca",
    ]
    # One checkpoint, and no real baseline: real images have no encoder of their own.
    assert all(len(row) == 1 for row in rows.values())
    source = data.digits(resolution=16)
    pixels = [x.read(np.arange(x.size))["real"] / 127.5 - 1 for x in (source, source.heldout())]
    expected = np.mean((pixels[1] - pixels[0].mean(axis=0)) ** 2)
    assert float(rows["reconstruction_error_of_mean_image"][0]) == pytest.approx(expected, rel=1e-4)
    # Fifty numbers of a digit, from an encoder that has hardly been trained, are far from chance.
    assert float(rows["linear_probe"][0]) > 0.5 and float(rows["linear_probe_of_pca"][0]) > 0.9


def test_a_model_without_codes_says_so(workdir):
    with pytest.raises(UsageError, match="metric code_agreement needs 'codes', which is not available here"):
        reports.of_workdir(workdir, metrics=["code_agreement"], features_name="pixels", num_images=50)
