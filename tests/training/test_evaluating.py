"""Evaluations while a model trains, and the checkpoint that they call best."""

import logging
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build
from gan_jax.checkpoints import checkpoint
from gan_jax.data.source import of_arrays, subset, without_labels
from gan_jax.errors import UsageError
from gan_jax.evaluation.evaluator import Evaluator
from gan_jax.runtime import signals
from gan_jax.sampling import loading
from gan_jax.sampling.samples import sampler
from gan_jax.training import evaluating, report, train

pytestmark = pytest.mark.usefixtures("without_curves")

MINE = f"{__name__}.brightness"


def brightness(images):
    """A user's features: mean and deviation of the pixels."""
    flat = images.reshape(len(images), -1)
    return jnp.stack([flat.mean(1), flat.std(1)], axis=1)


def _watched(tiny, **changes):
    return tiny(**{**dict(eval_every=2, eval_features=MINE, eval_samples=50, checkpoint_every=5), **changes})


def _values(workdir, name="frechet_distance"):
    return {record["step"]: record["values"][name]["value"] for record in report.evaluations(workdir)}


def test_best_checkpoint_is_kept_and_the_end_says_so(tiny, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "gan_jax"):
        train.run(_watched(tiny, keep_checkpoints=1, steps=21), str(tmp_path))
    values = _values(str(tmp_path))
    assert list(values) == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 21]
    best = min(values, key=values.get)
    assert checkpoint.best_step(str(tmp_path)) == best == loading.load(str(tmp_path), "best").step
    assert checkpoint.steps(str(tmp_path)) == sorted({best, 21})
    record = report.evaluations(str(tmp_path))[0]
    assert record["protocol"]["features"]["name"] == MINE and record["protocol"]["seed"] == 0
    real_baseline = record["values"]["frechet_distance"]["real_baseline"]
    line = f"best {values[best]:.4g} at step {best}, final {values[21]:.4g} at step 21"
    assert f"frechet_distance: {line}, real baseline {real_baseline:.4g}" in caplog.messages


def test_a_request_to_stop_interrupts_an_evaluation(caplog):
    """It may take minutes, and the next step saves."""

    def evaluate(state):
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("the evaluation goes on")

    with signals.stop_requests() as stop, caplog.at_level(logging.INFO, "gan_jax"):
        assert evaluating._reported(evaluate)(3, None, None) is None
        assert stop(3)
    assert "step 3: no evaluation: interrupted" in caplog.messages


def test_due_after_every_few_steps_and_the_last(tiny):
    assert [step for step in range(1, 8) if evaluating.due(tiny(eval_every=3, steps=7), step)] == [3, 6, 7]
    assert not any(evaluating.due(tiny(eval_every=0), step) for step in range(1, 11))


def test_resumed_run_evaluates_as_the_unbroken_one(tiny, tmp_path):
    whole, broken = str(tmp_path / "whole"), str(tmp_path / "broken")
    train.run(_watched(tiny), whole)
    train.run(_watched(tiny, steps=5), broken)
    train.run(_watched(tiny), broken)
    # The first start of the broken one also evaluates at its end.
    assert {step: v for step, v in _values(broken).items() if step != 5} == _values(whole)
    assert checkpoint.best_step(broken) in _values(broken)


def test_evaluation_does_not_change_training(tiny, tmp_path):
    for name, changes in (("with", {}), ("without", dict(eval_every=0))):
        train.run(_watched(tiny, **changes), str(tmp_path / name))
    states = [loading.load(str(tmp_path / name), 10).state for name in ("with", "without")]
    jax.tree.map(np.testing.assert_array_equal, *states)


def test_more_is_better_for_some(tiny, tmp_path, monkeypatch):
    shares = iter([0.5, 0.75, 0.25])
    monkeypatch.setattr(
        evaluating.Evaluator, "__call__", lambda *args: {"precision": {"value": next(shares)}}
    )
    train.run(_watched(tiny, steps=6, checkpoint_every=6), str(tmp_path))
    assert checkpoint.best_step(str(tmp_path)) == 4
    records = report.evaluations(str(tmp_path))
    assert evaluating.conclusion(records) == "precision: best 0.75 at step 4, final 0.25 at step 6"


def test_no_more_images_than_are_held_out(tiny, tmp_path, monkeypatch):
    sizes = []
    evaluator = evaluating.Evaluator.__call__
    monkeypatch.setattr(
        evaluating.Evaluator,
        "__call__",
        lambda self, m, fake: sizes.append(fake.size) or evaluator(self, m, fake),
    )
    train.run(_watched(tiny, eval_every=10, eval_samples=9_000), str(tmp_path))
    assert sizes == [500]


def test_data_without_labels_has_no_classifier_and_trains_all_the_same(tiny, tmp_path, monkeypatch, caplog):
    plain = without_labels(build.source(tiny()))
    monkeypatch.setattr(build, "source", lambda recipe, data_dir: plain)
    with caplog.at_level(logging.WARNING, "gan_jax"):
        train.run(_watched(tiny, eval_features="classifier"), str(tmp_path))
    assert caplog.messages[0].startswith(
        "no evaluation in training: digits of scikit-learn, train has no labels"
    )
    assert checkpoint.steps(str(tmp_path))[-1] == 10 and not report.evaluations(str(tmp_path))


def test_an_evaluation_that_fails_is_a_warning_and_training_goes_on(tiny, tmp_path, caplog, monkeypatch):
    """One of two evaluations fails: both checkpoints are kept, and the best one is that of the other."""
    calls = []

    def failing(metrics, fake, extras=None):
        calls.append(fake)
        if len(calls) == 1:
            raise UsageError("too few samples of the class 'cat'")
        return {"frechet_distance": {"value": 1.0}}

    monkeypatch.setattr(Evaluator, "__call__", lambda self, *given: failing(*given))
    recipe = _watched(tiny, steps=6, eval_every=3, checkpoint_every=3)
    with caplog.at_level(logging.WARNING, "gan_jax"):
        train.run(recipe, str(tmp_path))
    assert "step 3: no evaluation: too few samples of the class 'cat'" in caplog.messages
    assert [record["step"] for record in report.evaluations(str(tmp_path))] == [6]
    assert checkpoint.steps(str(tmp_path)) == [3, 6] and checkpoint.best_step(str(tmp_path)) == 6


def _killing(monkeypatch, at):
    """A run that is killed in its evaluation number `at`."""
    evaluate, calls = Evaluator.__call__, []

    def killing(self, *given):
        calls.append(given)
        if len(calls) == at:
            raise SystemExit("killed")
        return evaluate(self, *given)

    monkeypatch.setattr(Evaluator, "__call__", killing)


def test_the_checkpoint_comes_before_its_evaluation_and_the_next_start_makes_up_for_it(
    tiny, tmp_path, monkeypatch
):
    recipe, whole, broken = (
        _watched(tiny, steps=4, checkpoint_every=2),
        str(tmp_path / "a"),
        str(tmp_path / "b"),
    )
    train.run(recipe, whole)
    # Killed in the evaluation of step 2, then in that of the last step.
    for at, kept in ((1, [2]), (2, [2, 4])):
        with monkeypatch.context() as patched, pytest.raises(SystemExit, match="killed"):
            _killing(patched, at)
            train.run(recipe, broken)
        assert checkpoint.steps(broken) == kept and checkpoint.is_without_cost(broken, kept[-1])
    train.run(recipe, broken)
    assert _values(broken) == _values(whole) and list(_values(whole)) == [2, 4]
    assert checkpoint.best_step(broken) == checkpoint.best_step(whole)
    assert not checkpoint.is_without_cost(broken, 4)


def _watch(recipe, source):
    train_spec = build.train_spec(recipe, source.modality)
    return evaluating.watch(recipe, train_spec.game, source, sampler(train_spec.game, source.modality))


def test_the_log_tells_what_is_wrong_with_the_values(tiny, caplog):
    """Before any step: no baseline, and fewer images than the 64 pixels that are their features."""
    source = build.source(tiny())
    with caplog.at_level(logging.INFO, "gan_jax"):
        _watch(_watched(tiny, eval_features="pixels"), source._replace(heldout=lambda: None)).announce()
    reason = f"no rows of {source.name} are held out, so there is no honest baseline"
    few = "50 images are fewer than 64 features: the covariance is singular, distances are too large"
    assert caplog.messages == [
        f"evaluations in training: no real baseline: {reason}",
        f"evaluations in training: {few}",
    ]
    caplog.clear()
    with caplog.at_level(logging.INFO, "gan_jax"):
        _watch(_watched(tiny, eval_features="pixels", eval_samples=700), source).announce()
    assert caplog.messages == ["evaluate  500 samples, not eval_samples=700: there are no more real ones"]


def test_too_few_held_out_rows_for_a_metric_cost_the_baseline_and_not_the_value(tiny):
    source = build.source(tiny())
    one = source._replace(heldout=lambda: subset(source.heldout(), np.arange(1)))
    train_spec = build.train_spec(tiny(), source.modality)
    sample = sampler(train_spec.game, source.modality)
    evaluator = evaluating.state_evaluator(_watched(tiny), train_spec.game, one, sample)
    assert evaluator.size == 50
    assert evaluator.warnings == (
        "no real baseline: 1 images are held out, fewer than the 50 generated ones",
    )


def test_what_can_never_be_evaluated_is_refused_at_the_start(tiny):
    """The seventh class has one image; samples of the same shares cannot do."""
    source = build.source(tiny())
    few = subset(source, np.flatnonzero(source.read(np.arange(source.size))["label"] != 6)[:300])
    labels = few.read(np.arange(300))["label"]
    rare = of_arrays(
        "rare", few.read(np.arange(300))["real"], np.where(np.arange(300) == 5, 6, labels), source.classes
    )
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    recipe = _watched(tiny, game=game, eval_samples=100, eval_metrics=dict(intra_class_frechet_distance={}))
    with pytest.raises(
        UsageError, match="metric intra_class_frechet_distance cannot be computed of 100 generated"
    ):
        _watch(recipe, rare)
    with pytest.raises(
        UsageError, match="of 1 generated images .*: fake_features: expected at least 2 samples, got 1"
    ):
        _watch(_watched(tiny, eval_samples=1), source)


def test_mistakes_come_before_anything_is_written(tiny, tmp_path):
    for changes, message in [
        (
            dict(eval_metrics=dict(frechet={})),
            "metrics: unknown name 'frechet'; did you mean frechet_distance",
        ),
        (dict(eval_metrics={}), "eval_metrics is empty: expected a metric for eval_every=2"),
        (
            dict(eval_metrics=dict(modes={})),
            "metric modes needs 'fake_label_logits', which is not available here",
        ),
    ]:
        with pytest.raises(UsageError, match=message):
            train.run(_watched(tiny, **changes), str(tmp_path / "unborn"))
    assert not (tmp_path / "unborn").exists()


def pale(images):
    """A user's classifier that takes grey images for one class, and finds all ten among others."""
    flat = images.reshape(len(images), -1)
    order = jnp.argsort(jnp.argsort(flat.mean(1))) % 10
    logits = jax.nn.one_hot(jnp.where(flat.std(1) > 0.1, order, 0), 10)
    return {"features": jnp.stack([flat.mean(1), flat.std(1)], axis=1), "class_logits": logits}


def test_missing_classes_are_reported_where_a_classifier_is_at_hand(tiny, tmp_path, caplog):
    recipe = _watched(tiny, eval_every=500, eval_features=f"{__name__}.pale", steps=2000)
    source = build.source(recipe)
    train_spec = build.train_spec(recipe, source.modality)
    state = jax.jit(build.start(train_spec, source.modality, recipe.batch_size))(jax.random.key(0))
    state = state.replace(average=jax.tree.map(jnp.zeros_like, state.average))  # Its samples are grey.
    sample = sampler(train_spec.game, source.modality)
    watch = evaluating.watch(recipe, train_spec.game, source, sample)
    watch.announce()
    with report.opened(report.Report(str(tmp_path), recipe, "images", 0)) as reporter:
        for step in (500, 1000, 1500):
            watch.evaluate(step, state, reporter)
    records = report.read_metrics(tmp_path / "alerts.jsonl")
    assert [(record["step"], record["samples"]) for record in records] == [
        (step, {"classes": 1.0, "real_classes": 10.0}) for step in (500, 1000, 1500)
    ]
    assert [len(record["lines"]) for record in records] == [0, 0, 1]
    line = "some classes are missing from the samples, for 1000 steps now (classes 1, real classes 10)"
    assert f"step 1500/2000  alert: {line}" in caplog.text
