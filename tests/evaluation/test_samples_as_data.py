"""Classifiers with generated images and without."""

import json
import logging
import os
import shutil

import numpy as np
import pytest
import sources

from gan_jax import data
from gan_jax.data.source import per_class
from gan_jax.errors import UsageError
from gan_jax.evaluation import samples_as_data
from gan_jax.sampling import samples
from gan_jax.training import train

OPTIONS = dict(seeds=2, num_images=40, classifier_steps=15)


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    """A model conditioned on labels, trained on three images of each class."""
    folder = str(tmp_path_factory.mktemp("run"))
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    train.run(tiny(game=game, data=dict(name="digits", resolution=8, per_class=3), steps=2), folder)
    return folder


@pytest.fixture
def trained_on(monkeypatch):
    """Data that classifiers would be trained and tested on, in order; the n-th has the accuracy n %."""
    seen = []
    monkeypatch.setattr(samples_as_data, "fit", lambda source, seed, steps: (source, seed, steps))
    monkeypatch.setattr(
        samples_as_data, "accuracy", lambda fitted, tested: seen.append((*fitted, tested)) or len(seen) / 100
    )
    return seen


def _changed(workdir, folder, **changes):
    """The run with other data in its recipe."""
    shutil.copytree(workdir, folder / "run")
    path = folder / "run" / "recipe.json"
    stored = json.loads(path.read_text())
    stored["recipe"]["data"].update(changes)
    path.write_text(json.dumps(stored))
    return str(folder / "run")


def _equal(source, images, labels):
    read = source.read(np.arange(source.size))
    np.testing.assert_array_equal(read["real"], images)
    np.testing.assert_array_equal(read["label"], labels)


def test_real_images_are_those_the_model_saw_and_generated_ones_its_samples(workdir, trained_on):
    record = samples_as_data.run(workdir, **OPTIONS)
    few = per_class(data.digits(resolution=8), 3).read(np.arange(30))
    made = [
        np.load(samples.run(workdir, num_images=40, sample_seed=seed, labels=tuple(range(10))))
        for seed in (0, 1)
    ]
    assert (made[0]["images"] != made[1]["images"]).any()
    for seed in (0, 1):
        real, both, generated = (source for source, *_ in trained_on[3 * seed : 3 * seed + 3])
        _equal(real, few["real"], few["label"])
        fresh = {"real": made[seed]["images"], "label": made[seed]["label"]}
        _equal(generated, fresh["real"], fresh["label"])
        parts = [few, {name: value[:10] for name, value in few.items()}, fresh]
        _equal(both, *(np.concatenate([part[name] for part in parts]) for name in ("real", "label")))
    assert [rest[:2] for _, *rest in trained_on] == [[seed, 15] for seed in (0, 0, 0, 1, 1, 1)]
    assert {tested.name for *_, tested in trained_on} == {"digits of scikit-learn, test"}
    expected = {"real": [0.01, 0.04], "real_and_generated": [0.02, 0.05], "generated": [0.03, 0.06]}
    assert record["accuracies"] == expected and record["values"]["real"]["mean"] == pytest.approx(0.025)


def test_as_many_steps_as_the_largest_set_takes_and_ten_generated_for_each_real_one(workdir, trained_on):
    record = samples_as_data.run(workdir, seeds=1)
    assert [(source.size, steps) for source, _, steps, _ in trained_on] == [(30, 600), (600, 600), (300, 600)]
    assert record["protocol"]["generated"].startswith("300 images")
    trained_on.clear()
    samples_as_data.run(workdir, seeds=1, num_images=6000)
    # Eight epochs of 12,000 images in batches of 128.
    assert [steps for *_, steps, _ in trained_on] == [750, 750, 750]


def test_written_with_its_protocol(workdir, trained_on):
    record = samples_as_data.run(workdir, averaged=False, **OPTIONS)
    stem = "augmentation_step_0000002_live_30_real_40_generated_2_seeds_15_steps.json"
    with open(os.path.join(workdir, "evaluations", stem)) as file:
        assert json.load(file) == record
    protocol = record["protocol"]
    name = "30 images: 3 images of each class of digits of scikit-learn, train"
    assert (protocol["gan_trained_on"], protocol["real"]) == (name, f"{name}, the same for every seed")
    assert protocol["tested_on"] == "500 images: digits of scikit-learn, test"
    assert protocol["classifier"].startswith("the small one of gan_jax.features, 15 steps of 128")
    assert (protocol["step"], protocol["parameters"], protocol["warning"]) == (2, "live", "")
    assert protocol["generated"].startswith("40 images") and protocol["seeds"].startswith("0 to 1")


def _warned(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "gan_jax"]


def test_a_model_that_knows_more_images_is_a_leak(workdir, trained_on, caplog):
    with caplog.at_level(logging.WARNING, "gan_jax"):
        record = samples_as_data.run(workdir, images_per_class=2, **OPTIONS)
    warning = (
        "unfair comparison: the GAN was trained on 30 images, the classifier on 20; "
        "train a GAN with --config.data.per_class=2"
    )
    assert _warned(caplog) == [warning] and record["protocol"]["warning"] == warning
    assert samples_as_data.shown(record).splitlines()[-1] == f"warning: {warning}"
    assert record["protocol"]["real"].startswith("20 images: 2 images of each class of digits")
    caplog.clear()
    # More real images than the model saw are none.
    assert samples_as_data.run(workdir, images_per_class=4, **OPTIONS)["protocol"]["warning"] == ""
    assert not _warned(caplog)


def test_good_generated_images_help():
    """Real images in the place of generated ones, to a classifier that has one of each class."""
    full = data.digits(resolution=8)
    given = full.read(np.arange(400))
    made = sources.of_arrays(given["real"], given["label"])
    found = samples_as_data.compare(per_class(full, 1), lambda _: made, full.heldout(), seeds=1, steps=40)
    assert found["real"][0] < 0.8 < found["real_and_generated"][0]


@pytest.mark.parametrize("many, expected", [(5, [0, 1, 0, 1, 0]), (1, [0, 1])])
def test_mixed_repeats_the_real_images_until_they_are_as_many(many, expected):
    real, made = sources.noise(2, classes=2), sources.noise(many, classes=2, seed=1)
    both = samples_as_data.mixed(real, made)
    read, there, here = (
        both.read(np.arange(both.size)),
        real.read(np.array(expected)),
        made.read(np.arange(many)),
    )
    assert both.size == len(expected) + many and both.classes == real.classes
    for name in ("real", "label"):
        np.testing.assert_array_equal(read[name], np.concatenate([there[name], here[name]]))


ACCURACIES = {
    "real": [0.5, 0.6, 0.7],
    "real_and_generated": [0.6, 0.8, 0.7],
    "generated": [0.4, 0.4, 0.1],
}


def test_summary_is_mean_spread_and_paired_difference():
    values = samples_as_data.summary(ACCURACIES)
    assert values["real"] == pytest.approx({"mean": 0.6, "standard_deviation": 0.1})
    assert values["real_and_generated"] == pytest.approx({"mean": 0.7, "standard_deviation": 0.1})
    # Squared deviations 0.01, 0.01, 0.04, over two.
    assert values["generated"] == pytest.approx({"mean": 0.3, "standard_deviation": 0.03**0.5})
    # Differences 0.1, 0.2, 0 have the standard deviation 0.1.
    assert values["difference"] == pytest.approx({"mean": 0.1, "standard_error": 0.1 / 3**0.5})


def test_one_seed_has_no_spread():
    one = {name: each[:1] for name, each in ACCURACIES.items()}
    values = samples_as_data.summary(one)
    assert values["real"] == {"mean": 0.5} and values["difference"] == pytest.approx({"mean": 0.1})
    shown = samples_as_data.shown({"protocol": {"warning": ""}, "values": values, "accuracies": one})
    rows = [line.split() for line in shown.splitlines()]
    assert ["real", "0.5000", "-", "1"] in rows and shown.endswith("paired by seed: +0.1000")


def test_table():
    values = samples_as_data.summary(ACCURACIES)
    record = {"protocol": {"step": 10, "warning": ""}, "values": values, "accuracies": ACCURACIES}
    rows = [line.split() for line in samples_as_data.shown(record).splitlines()]
    assert rows[0] == ["step", "10"]
    assert rows[-4:-1] == [
        ["real", "0.6000", "0.1000", "3"],
        ["real", "and", "generated", "0.7000", "0.1000", "3"],
        ["generated", "0.3000", "0.1732", "3"],
    ]
    assert samples_as_data.shown(record).endswith("paired by seed: +0.1000 ± 0.0577 (standard error)")


def test_numbers_out_of_range(workdir):
    for name in ("images_per_class", "seeds", "classifier_steps"):
        with pytest.raises(UsageError, match=f"{name}=0: expected at least 1"):
            samples_as_data.run(workdir, **{name: 0})
    with pytest.raises(UsageError, match="num_images=9: expected at least 10, one of each class"):
        samples_as_data.run(workdir, num_images=9)
    with pytest.raises(UsageError, match="500 images of each class of digits .*: there are only"):
        samples_as_data.run(workdir, images_per_class=500)


def test_a_model_of_all_images_does_not_say_how_many(workdir, tmp_path):
    whole = _changed(workdir, tmp_path, per_class=0)
    with pytest.raises(
        UsageError,
        match="images_per_class is missing: the number of real images of each class; .* was trained on all",
    ):
        samples_as_data.run(whole, **OPTIONS)


def test_nothing_held_out(workdir, tmp_path):
    everything = _changed(workdir, tmp_path, split="all")
    with pytest.raises(UsageError, match="scikit-learn, all: no labelled images are held out to test"):
        samples_as_data.run(everything, **OPTIONS)
