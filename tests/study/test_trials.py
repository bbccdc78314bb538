"""Finished trials on disk."""

import json
import os

import numpy as np
import pytest

from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.study import trials
from gan_jax.study.trials import Outcome

EVALUATIONS = [{"step": 5, "values": {"modes": {"value": 3.0, "real_baseline": 8.0}}}]


def _outcome(samples):
    return Outcome(EVALUATIONS, {"seed": 0}, samples, samples is None, 1.5)


def test_there_and_back(tiny, tmp_path):
    output, recipe = str(tmp_path), tiny(seed=3)
    assert trials.read(output, "plain", recipe) is None and trials.samples(output, "plain", 3) is None
    array = np.float32([[[[0.25, -1.0]]]])
    trials.write(output, "plain", recipe, _outcome(array))
    assert trials.read(output, "plain", recipe) == _outcome(array)._replace(samples=None)
    np.testing.assert_array_equal(trials.samples(output, "plain", 3), array)
    assert trials.read(output, "plain", tiny(seed=4)) is None
    assert trials.read(output, "other", recipe) is None


def test_diverged_trials_have_no_samples(tiny, tmp_path):
    trials.write(str(tmp_path), "plain", tiny(), _outcome(np.zeros((1, 1, 1, 2))))
    trials.write(str(tmp_path), "plain", tiny(), _outcome(None))
    assert trials.read(str(tmp_path), "plain", tiny()) == _outcome(None)
    assert trials.samples(str(tmp_path), "plain", 0) is None


def test_a_kill_leaves_no_trial(tiny, tmp_path, monkeypatch):
    def killed(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, "replace", killed)
        trials.write(str(tmp_path), "plain", tiny(), _outcome(np.zeros((1, 1, 1, 2))))
    assert trials.read(str(tmp_path), "plain", tiny()) is None
    assert list((tmp_path / "trials" / "plain").iterdir()) == []  # Neither samples nor a part of them.


def test_trials_of_another_study_are_refused(tiny, tmp_path):
    trials.write(str(tmp_path), "plain", tiny(), _outcome(None))
    assert trials.read(str(tmp_path), "plain", tiny(log_every=1)) is not None
    for other, difference in (
        (tiny(steps=11), "steps: 10 -> 11"),
        (tiny(batch_size=4), "batch_size: 8 -> 4"),
    ):
        with pytest.raises(
            UsageError, match=rf"seed_0.json belongs to another study \({difference}\); give another"
        ):
            trials.read(str(tmp_path), "plain", other)


def test_a_begun_run_of_another_study_is_refused(tiny, tmp_path):
    workdir = tmp_path / "trials" / "plain" / "seed_0"
    workdir.mkdir(parents=True)
    trials.check_begun(str(tmp_path), "plain", tiny())
    checkpoint.write_recipe(str(workdir), tiny(), {})
    trials.check_begun(str(tmp_path), "plain", tiny(log_every=1))
    with pytest.raises(
        UsageError, match=r"seed_0 belongs to another study \(steps: 10 -> 11\); give another --out"
    ):
        trials.check_begun(str(tmp_path), "plain", tiny(steps=11))


def test_trials_written_before_a_field_was_added_have_its_default(tiny, tmp_path):
    trials.write(str(tmp_path), "plain", tiny(), _outcome(None))
    path = tmp_path / "trials" / "plain" / "seed_0.json"
    record = json.loads(path.read_text())
    del record["decides"]["accumulate"]
    path.write_text(json.dumps(record))
    assert trials.read(str(tmp_path), "plain", tiny()) == _outcome(None)
    with pytest.raises(UsageError, match="accumulate: 1 -> 2"):
        trials.read(str(tmp_path), "plain", tiny(accumulate=2))


def test_damaged_samples_are_named(tiny, tmp_path):
    trials.write(str(tmp_path), "plain", tiny(), _outcome(np.zeros((50, 1, 1, 2))))
    path = tmp_path / "trials" / "plain" / "seed_0.npz"
    for damaged in (b"", path.read_bytes()[:100]):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match="seed_0.npz cannot be read: .*; delete it"):
            trials.samples(str(tmp_path), "plain", 0)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"decides": {}}'])
def test_damaged_trials_are_named(tiny, tmp_path, text):
    trials.write(str(tmp_path), "plain", tiny(), _outcome(None))
    (tmp_path / "trials" / "plain" / "seed_0.json").write_text(text)
    with pytest.raises(UsageError, match="seed_0.json cannot be read: .*; delete it"):
        trials.read(str(tmp_path), "plain", tiny())
