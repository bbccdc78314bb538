"""The real loop on a recipe shrunk to milliseconds."""

import contextlib
import dataclasses
import json
import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sources

from gan_jax import build, step
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import Divergence, UsageError
from gan_jax.runtime import parallel
from gan_jax.sampling import samples
from gan_jax.training import report, trackers, train
from gan_jax.training.report import curves
from gan_jax.training.reporters import Reporter

pytestmark = pytest.mark.usefixtures("without_curves")

MODALITY = sources.modality(classes=10)


def _state(recipe, workdir, step):
    everywhere = parallel.replicated(parallel.mesh(recipe.batch_size))
    abstract = parallel.abstract(
        build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size),
        jax.random.key(0),
        everywhere,
    )
    return checkpoint.restore(str(workdir), abstract, step)


def _leaves(recipe, workdir, step):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(_state(recipe, workdir, step))]


UPDATES = {"mlp": dict(discriminator=3, generator=1), "dcgan": dict(discriminator=1, generator=1)}


@pytest.fixture(scope="module", params=UPDATES)
def whole(request, tiny, tmp_path_factory):
    """A recipe, and the workdir of its ten steps."""
    recipe = tiny(request.param, updates=UPDATES[request.param], diagnostics_every=5)
    workdir = tmp_path_factory.mktemp("whole")
    train.run(recipe, str(workdir))
    return recipe, workdir


def _assert_same_states(recipe, workdir, other):
    """At step 5 it is the state at step 5, not what the donated buffers became later."""
    for number in (5, 10):
        leaves, others = (_leaves(recipe, run, number) for run in (workdir, other))
        assert len(leaves) > 10
        for a, b in zip(leaves, others, strict=True):
            np.testing.assert_array_equal(a, b)


def test_ten_steps_are_five_and_five_more(whole, tmp_path):
    recipe, workdir = whole
    train.run(dataclasses.replace(recipe, steps=5), str(tmp_path))
    train.run(recipe, str(tmp_path))
    _assert_same_states(recipe, workdir, tmp_path)


def test_steps_in_one_call_are_those_of_single_calls_bit_for_bit(whole, tmp_path):
    """Calls of 3, 1 and 1 steps to step 5, and so on again, or of 2, 2 and 1 from there on."""
    recipe, workdir = whole
    train.run(dataclasses.replace(recipe, steps=5, steps_per_call=3), str(tmp_path / "in calls"))
    shutil.copytree(tmp_path / "in calls", tmp_path / "changed")
    for name, resumed in (("in calls", 3), ("changed", 2)):
        train.run(dataclasses.replace(recipe, steps_per_call=resumed), str(tmp_path / name))
        _assert_same_states(recipe, workdir, tmp_path / name)
        for file in ("metrics.jsonl", "alerts.jsonl"):
            records = [report.read_metrics(run / file) for run in (workdir, tmp_path / name)]
            for record in [*records[0], *records[1]]:
                record.pop("samples_per_second", None)
            assert records[0] == records[1] and [record["step"] for record in records[0]] == [5, 10]


def test_a_request_to_stop_is_asked_for_at_every_step_and_answered_after_the_call(
    tiny, tmp_path, monkeypatch
):
    """Processes agree on a step at which to stop: each must ask at that one, within a call or not."""
    asked = []

    @contextlib.contextmanager
    def stop_requests():
        yield lambda step: asked.append(step) or step == 6

    monkeypatch.setattr(train.signals, "stop_requests", stop_requests)
    recipe = tiny(log_every=10, checkpoint_every=10, steps_per_call=4)
    assert train.run(recipe, str(tmp_path)) == 8
    assert asked == list(range(1, 9)) and checkpoint.steps(str(tmp_path)) == [8]


def test_one_trace_per_run(tiny, tmp_path, monkeypatch):
    """The check before anything is written and the program share it."""
    traces, train_step = [], step.train_step
    monkeypatch.setattr(step, "train_step", lambda *args: traces.append(1) or train_step(*args))
    train.run(tiny(), str(tmp_path))
    assert traces == [1]


def test_files_of_a_run(tiny, tmp_path, monkeypatch):
    recipe, followed = tiny(), []
    fake = trackers.Tracker(
        lambda: None, lambda *run: ("id", Reporter(scalars=lambda step, *_: followed.append(step)))
    )
    monkeypatch.setattr(report, "curves", curves)
    monkeypatch.setitem(trackers.TRACKERS, "json", fake)  # A name that is installed.
    train.run(recipe, str(tmp_path), trackers=["json"])
    records = report.read_metrics(tmp_path / "metrics.jsonl")
    assert [record["step"] for record in records] == [5, 10]
    terms = {"discriminator/non_saturating_discriminator", "generator/non_saturating_generator"}
    assert terms < set(records[0]) and all(np.isfinite(records[0][term]) for term in terms)
    assert sorted(os.listdir(tmp_path / "grids")) == ["real.png", "step_0000010.png"]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    stored = json.loads((tmp_path / "recipe.json").read_text())
    assert stored == {
        "recipe": recipe_lib.to_dict(recipe),
        "data": {
            "spec": {"real": [[8, 8, 1], "uint8"], "label": [[], "int32"]},
            "facts": {"modality": "images", "class_names": list("0123456789")},
            "rows": {"count": 1297, "identity": ""},
        },
    }
    assert checkpoint.steps(str(tmp_path)) == [5, 10]
    assert followed == [5, 10]


def test_finished_run_is_left_alone(whole, caplog):
    recipe, workdir = whole
    before = (workdir / "metrics.jsonl").read_text()
    with caplog.at_level("INFO", "gan_jax"):
        train.run(recipe, str(workdir))
    assert "finished 10 steps" in caplog.text and "--mode=sample" in caplog.text
    assert (workdir / "metrics.jsonl").read_text() == before


def test_another_recipe_is_refused_with_what_differs(whole):
    recipe, workdir = whole
    with pytest.raises(UsageError, match=r"another recipe \(batch_size: 8 -> 16\)"):
        train.run(dataclasses.replace(recipe, batch_size=16), str(workdir))


def test_a_recipe_that_lacks_fields_is_another_recipe(whole, tmp_path):
    recipe, workdir = whole
    copy = tmp_path / "copy"
    shutil.copytree(workdir, copy)
    stored = json.loads((copy / "recipe.json").read_text())
    del stored["recipe"]["eval_samples"], stored["recipe"]["moves"]
    (copy / "recipe.json").write_text(json.dumps(stored))
    message = r"another recipe \(moves: '\(absent\)' -> \{\}; eval_samples: '\(absent\)' -> 2000\)"
    with pytest.raises(UsageError, match=message):
        train.run(dataclasses.replace(recipe, steps=20), str(copy))
    assert checkpoint.steps(str(copy)) == [5, 10] and json.loads((copy / "recipe.json").read_text()) == stored


def test_divergence_names_step_and_term_and_keeps_the_last_good_checkpoint(tiny, tmp_path):
    rate = dict(piecewise_constant_schedule=dict(init_value=1e-3))
    recipe = tiny(optimizer=dict(sgd=dict(learning_rate=rate)), losses=dict(
        discriminator={_explodes_late: 1.0, "non_saturating_discriminator": 1.0},
        generator=dict(non_saturating_generator=1.0),
    ))  # fmt: skip
    with pytest.raises(Divergence, match="step 8: discriminator/_explodes_late is inf"):
        train.run(recipe, str(tmp_path))
    assert checkpoint.steps(str(tmp_path)) == [5]


def _explodes_late(step):
    return jax.numpy.where(step >= 7, np.inf, 0.0)


def test_a_parameter_that_is_not_finite_is_neither_saved_nor_evaluated(tiny, tmp_path):
    """The losses of the step that breaks it are finite, and so are its samples, as images are kept."""
    recipe = tiny(checkpoint_every=1, max_rollbacks=0, eval_every=1, eval_features="pixels", eval_samples=50)
    recipe.optimizers = {**recipe.optimizers, "generator": {_breaks_third: {}}}
    with pytest.raises(Divergence, match="step 3: a parameter of generator is not finite"):
        train.run(recipe, str(tmp_path))
    assert checkpoint.steps(str(tmp_path))[-1] == 2
    assert [record["step"] for record in report.evaluations(str(tmp_path))] == [1, 2]


def _breaks_third():
    def update(updates, count, params=None):
        return jax.tree.map(lambda leaf: jnp.where(count < 2, -0.01 * leaf, jnp.nan), updates), count + 1

    return optax.GradientTransformation(lambda params: jnp.int32(0), update)


def test_nothing_is_written_before_the_recipe_is_checked(tiny, tmp_path):
    recipe = tiny(losses=dict(discriminator={_wants_more: 1.0}, generator=dict(non_saturating_generator=1.0)))
    with pytest.raises(
        UsageError,
        match="losses.discriminator._wants_more needs 'perceptual_distance', which this game does not offer",
    ):
        train.run(recipe, str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def _wants_more(perceptual_distance):
    return perceptual_distance


def test_resumed_metrics_have_every_step_once(tiny, tmp_path):
    train.run(tiny(steps=5, log_every=1), str(tmp_path))
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 6, "of": "a run that was killed"}\n{"step": 7, "cut')
    train.run(tiny(log_every=1), str(tmp_path))
    assert [record["step"] for record in report.read_metrics(tmp_path / "metrics.jsonl")] == list(
        range(1, 11)
    )


def test_streamed_data_trains_the_same(tiny, tmp_path, monkeypatch):
    train.run(tiny(), str(tmp_path / "resident"))
    monkeypatch.setattr(train, "batches", lambda *args, **options: _streamed(*args, **options))
    train.run(tiny(steps_per_call=2), str(tmp_path / "streamed"))
    pairs = zip(*(_leaves(tiny(), tmp_path / name, 10) for name in ("resident", "streamed")), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, atol=1e-6)


def _streamed(*args, **options):
    from gan_jax.data.batches import batches

    return batches(*args, **options, resident_bytes=0)


def test_conditional_run_and_its_samples(tiny, tmp_path):
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    train.run(tiny(game=game, steps=5), str(tmp_path))
    made = np.load(samples.run(str(tmp_path), num_images=5, labels=(3, 7)))
    np.testing.assert_array_equal(made["label"], [3, 7, 3, 7, 3])
    with pytest.raises(UsageError, match="labels=3,10: expected 0 to 9"):
        samples.run(str(tmp_path), labels=(3, 10))
    rows = np.load(samples.run(str(tmp_path), num_images=100))
    np.testing.assert_array_equal(rows["label"], np.repeat(np.arange(10), 10))


def test_terms_sum_transforms_chain_networks_wrap_all_at_once(tiny, tmp_path):
    ramp = dict(linear_schedule=dict(init_value=0.0, end_value=0.3, transition_steps=10))
    recipe = tiny(
        game=dict(
            name="gan",
            latents=dict(name="normal", size=4),
            augment=dict(diffaugment={}, pseudo=dict(start=0.1)),
            averages=dict(discriminator=("real_logits", "fake_logits"), generator=("path_lengths",)),
        ),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(16,), wrap=dict(input_noise={})),
            discriminator=dict(
                name="mlp.Discriminator", widths=(16,), wrap=dict(spectral_norm={}, mixed_precision={})
            ),
        ),
        losses=dict(
            discriminator=dict(
                hinge_discriminator=1.0, lecam=dict(weight=ramp), r1=dict(weight=0.5, every=4)
            ),
            generator=dict(hinge_generator=dict(wrap=dict(top_k=dict(k=4))), path_length=2.0),
        ),
        optimizers=dict(
            discriminator=dict(
                clip_by_layer_norm={}, adam=dict(learning_rate=1e-3), lookahead=dict(period=2)
            ),
            generator=dict(lazy_adam=dict(learning_rate=1e-3), freeze=dict(pattern="Dense_0")),
        ),
        moves=dict(generator=dict(name="extragradient")),
        updates=dict(discriminator=2, generator=1),
    )
    train.run(recipe, str(tmp_path))
    start = build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size)
    before = jax.jit(start)(jax.random.key(recipe.seed))
    after = _state(recipe, tmp_path, 10)
    frozen, moved = (state.params["generator"] for state in (before, after))
    np.testing.assert_array_equal(frozen["Dense_0"]["kernel"], moved["Dense_0"]["kernel"])
    assert not np.array_equal(frozen["Dense_1"]["kernel"], moved["Dense_1"]["kernel"])
    averages = {**after.carry["discriminator"]["averages"], **after.carry["generator"]["averages"]}
    assert all(np.isfinite(mean) and mean != 0 for mean in averages.values()) and len(averages) == 3
    assert samples.run(str(tmp_path), num_images=2)
