"""Studies from their first trial to their report: vectorized on points, sequential on images."""

import dataclasses
import json
import logging
import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import build
from gan_jax.checkpoints import checkpoint
from gan_jax.data.source import without_labels
from gan_jax.errors import Divergence, UsageError
from gan_jax.study import Study, definition, report, running, sequential, trials, vectorized
from gan_jax.study.trials import Outcome
from gan_jax.training import train


@pytest.fixture
def study(tiny):
    base = tiny(
        data=dict(name="grid", side=3, size=100),
        nets=dict(
            generator=dict(name="points.Generator", widths=(4,), batch_norm=False),
            discriminator=dict(name="mlp.Discriminator", widths=(4,)),
        ),
        average={},
        steps=4,
        eval_every=2,
        eval_metrics=dict(captured_modes={}, uniform_modes_kl={}),
        eval_samples=50,
    )
    hinge = {
        "losses.discriminator": dict(hinge_discriminator=1.0),
        "losses.generator": dict(hinge_generator=1.0),
    }
    return Study(title="which?", base=base, variants={"plain": {}, "hinge": hinge}, seeds=2)


def _outcome(modes):
    """Of a run that was never trained."""
    values = {
        "captured_modes": {"value": modes, "real_baseline": 9.0},
        "captured_modes_kl": {"value": 1.0},
        "high_quality": {"value": 0.5},
        "uniform_modes_kl": {"value": 1.0},
    }
    evaluations = [{"step": step, "values": values} for step in (2, 4)]
    return Outcome(evaluations, {"generated": "nothing"}, np.zeros((4, 1, 1, 2), np.float32), False, 1.0)


def test_resumes_where_it_was_stopped(study, tmp_path, monkeypatch, caplog):
    """First one seed of one variant, then all: finished trials are not trained again."""
    output, asked = str(tmp_path / "made" / "here"), []

    def recorded(recipe, seeds, source, stop):
        asked.append((next(iter(recipe.losses["generator"])), tuple(seeds)))
        return {seed: _outcome(float(seed)) for seed in seeds}

    monkeypatch.setattr(vectorized, "trained", recorded)
    first = Study(title=study.title, base=study.base, variants=study.variants, seeds=1)
    running.run(first, output, only=["plain"])
    assert asked == [("non_saturating_generator", (0,))]
    stored = (tmp_path / "made" / "here" / "trials" / "plain" / "seed_0.json").read_bytes()
    with caplog.at_level(logging.INFO, "gan_jax"):
        running.run(study, output)
    assert asked[1:] == [("non_saturating_generator", (1,)), ("hinge_generator", (0, 1))]
    assert (tmp_path / "made" / "here" / "trials" / "plain" / "seed_0.json").read_bytes() == stored
    with open(os.path.join(output, "results.json")) as file:
        results = json.load(file)
    assert [results["variants"][name]["seeds"] for name in ("plain", "hinge")] == [2, 2]
    assert results["variants"]["hinge"]["curves"]["captured_modes"] == [
        [[2, 0.0], [4, 0.0]],
        [[2, 1.0], [4, 1.0]],
    ]
    assert results["variants"]["plain"]["real_baselines"]["captured_modes"] == 9.0
    for name in ("index.html", "results.md", "results.csv", "high_quality.png", "samples/hinge.png"):
        assert os.path.getsize(os.path.join(output, name)) > 100
    assert any("| hinge | 2 |" in message for message in caplog.messages)
    study.base.batch_size = 4
    with pytest.raises(
        UsageError, match="belongs to another study .batch_size: 8 -> 4.; give another --output"
    ):
        running.run(study, output)


def test_stopped_studies_log_it_and_keep_finished_trials(study, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(vectorized, "trained", lambda recipe, seeds, source, stop: {})
    monkeypatch.setattr(report, "write", lambda *given: pytest.fail("reported"))
    with caplog.at_level(logging.INFO, "gan_jax"):
        running.run(study, str(tmp_path))
    assert caplog.messages == [
        "variant 1 of 2, plain: 2 seeds",
        "stopped; the same command resumes from there",
    ]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"losses.generator": dict(hinged_generator=1.0)}, "variant bad: losses.generator: unknown name"),
        (
            {"losses.discriminator.lecam": 1.0},
            "variant bad: losses.discriminator.lecam needs '.*', which this game does not offer",
        ),
        ({"nets.generator.name": "dcgan.Generator"}, "variant bad: .*resolution"),
        ({"eval_metrics": dict(captured={})}, "variant bad: metrics: unknown name 'captured'"),
        (
            {"eval_features": "pixels"},
            "variant bad: metric captured_modes needs 'fake_mode_distances', which is not available",
        ),
    ],
)
def test_every_variant_is_checked_before_the_first_is_trained(study, tmp_path, monkeypatch, changes, message):
    monkeypatch.setattr(vectorized, "trained", lambda *given: pytest.fail("trained"))
    study.variants["bad"] = changes
    with pytest.raises(UsageError, match=message):
        running.run(study, str(tmp_path / "output"))
    assert not os.path.exists(tmp_path / "output")


def test_measures_are_checked_with_the_first_variant(study, tmp_path, monkeypatch):
    trained = []

    def recorded(recipe, seeds, source, stop):
        trained.append(next(iter(recipe.losses["generator"])))
        return {seed: _outcome(1.0) for seed in seeds}

    monkeypatch.setattr(vectorized, "trained", recorded)
    study.measures = ("captured",)
    with pytest.raises(UsageError, match="measures: unknown name 'captured'; did you mean captured_modes"):
        running.run(study, str(tmp_path))
    assert trained == ["non_saturating_generator"]
    study.measures = ("captured_modes",)
    running.run(study, str(tmp_path))
    assert trained == ["non_saturating_generator", "hinge_generator"]


def test_images_without_labels_are_refused_where_evaluation_needs_them(tiny, tmp_path, monkeypatch):
    plain = without_labels(build.source(tiny()))
    monkeypatch.setattr(build, "source", lambda recipe, data_dir: plain)
    study = Study(title="t", base=tiny(eval_every=5), variants={"plain": {}}, measures=("modes",), seeds=1)
    with pytest.raises(UsageError, match="variant plain: its evaluation is not possible: .* has no labels"):
        running.run(study, str(tmp_path / "output"))
    assert not os.path.exists(tmp_path / "output")


@pytest.fixture
def images(tiny):
    """Two runs of four steps."""
    base = tiny(
        steps=4, eval_every=2, checkpoint_every=4, eval_metrics=dict(frechet_distance={}),
        eval_features="pixels", eval_samples=50, average={}, diagnostics_every=0,
    )  # fmt: skip
    return Study(title="t", base=base, variants={"plain": {}}, measures=("frechet_distance",), seeds=2)


def test_a_signal_between_runs_is_a_plain_interrupt(images, tmp_path, monkeypatch):
    """Only a run, which saves its state, turns Ctrl-C into a request to stop."""
    asked = []
    # A shell that starts the tests in the background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted(recipe, workdir, data_dir):
        asked.append(recipe.seed)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        running.run(images, str(tmp_path))
    signal.signal(signal.SIGINT, before)
    assert asked == [0]


def test_a_signal_in_a_run_stops_the_study(images, tmp_path, monkeypatch, caplog):
    loop, asked = train.loop, []

    def interrupted(run, *arguments):
        asked.append(run.recipe.seed)
        signal.raise_signal(signal.SIGTERM)
        return loop(run, *arguments)

    with monkeypatch.context() as patched, caplog.at_level(logging.INFO, "gan_jax"):
        patched.setattr(train, "loop", interrupted)
        running.run(images, str(tmp_path))
    assert asked == [0] and caplog.messages[-1] == "stopped; the same command resumes from there"
    running.run(images, str(tmp_path))
    first, second = (
        trials.read(str(tmp_path), "plain", definition.trial(images, "plain", n)) for n in (0, 1)
    )
    assert [record["step"] for record in first.evaluations] == [2, 4]
    assert first.seconds is None and second.seconds > 0


def test_a_stopped_run_is_resumed_by_the_same_study_only(images, tmp_path, monkeypatch):
    def one_step(recipe, workdir, data_dir):
        train_run(dataclasses.replace(recipe, steps=1), workdir, data_dir)
        checkpoint.write_recipe(workdir, recipe, checkpoint.read_recipe(workdir)[1])

    train_run = train.run
    with monkeypatch.context() as patched:
        patched.setattr(train, "run", one_step)
        running.run(images, str(tmp_path))
    images.base.eval_every = 1
    with pytest.raises(UsageError, match=r"seed_0 belongs to another study \(eval_every: 2 -> 1\)"):
        running.run(images, str(tmp_path))


def test_a_run_that_diverges_at_its_end_has_diverged(images, tmp_path):
    """Its parameters are not finite, and its samples do not show it, since images are stored as uint8."""
    images.base.optimizers["generator"] = {f"{__name__}.breaking": {}}
    running.run(images, str(tmp_path))
    outcome = trials.read(str(tmp_path), "plain", definition.trial(images, "plain", 0))
    assert outcome.diverged and [record["step"] for record in outcome.evaluations] == [2]
    with open(tmp_path / "results.json") as file:
        plain = json.load(file)["variants"]["plain"]
    assert plain["diverged"] == 2 and plain["final"]["frechet_distance"]["mean"] is None


def breaking():
    """An optimizer whose updates are finite for three steps."""

    def update(updates, count, params=None):
        broken = jax.tree.map(lambda leaf: jnp.where(count < 3, 0.0 * leaf, jnp.nan), updates)
        return broken, count + 1

    return optax.GradientTransformation(lambda params: jnp.int32(0), update)


def test_images_train_sequentially(images, tmp_path, monkeypatch):
    """The second seed diverges after its first evaluation."""
    study, run = images, train.run

    def diverging(recipe, workdir, data_dir):
        recipe.steps = 2 if recipe.seed else 4
        run(recipe, workdir, data_dir)
        if recipe.seed:
            recipe.steps = 4
            raise Divergence("step 3: a loss is not finite")

    monkeypatch.setattr(train, "run", diverging)
    running.run(study, str(tmp_path))
    whole, broken = (trials.read(str(tmp_path), "plain", definition.trial(study, "plain", n)) for n in (0, 1))
    assert [record["step"] for record in whole.evaluations] == [2, 4]
    assert [record["step"] for record in broken.evaluations] == [2]
    assert whole.protocol["generated"].startswith("50 images")
    assert trials.samples(str(tmp_path), "plain", 0).shape == (4, 8, 8, 1)
    assert trials.samples(str(tmp_path), "plain", 1) is None
    with open(tmp_path / "results.json") as file:
        plain = json.load(file)["variants"]["plain"]
    assert plain["diverged"] == 1 and plain["final"]["frechet_distance"]["seeds"] == 1


def test_a_run_that_is_asked_to_stop_is_no_outcome(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "run", lambda *given: None)
    assert sequential.trained(tiny(eval_every=5), str(tmp_path)) is None


def test_a_run_whose_last_evaluation_failed_is_no_stop(tiny, tmp_path, monkeypatch):
    recipe = tiny(steps=4, eval_every=4)
    monkeypatch.setattr(train, "run", lambda recipe, workdir, data_dir: recipe.steps)
    with pytest.raises(UsageError, match="the last evaluation failed, so there is nothing to compare"):
        sequential.trained(recipe, str(tmp_path))
    monkeypatch.setattr(train, "run", lambda recipe, workdir, data_dir: 3)
    assert sequential.trained(recipe, str(tmp_path)) is None


def test_a_folder_in_the_place_of_a_table_is_found_before_the_work(study, tmp_path, monkeypatch):
    (tmp_path / "results.md").mkdir()
    monkeypatch.setattr(running, "_check", lambda *given: None)
    monkeypatch.setattr(running, "_train", lambda *given: pytest.fail("nothing is trained"))
    with pytest.raises(UsageError, match="results.md cannot be written: it is the name of a folder"):
        running.run(study, str(tmp_path))
