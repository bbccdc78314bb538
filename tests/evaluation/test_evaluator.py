"""Metrics read their inputs by name; each value stands beside its real baseline."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import sources

from gan_jax import metrics as metrics_lib
from gan_jax.data import source as source_lib
from gan_jax.errors import UsageError
from gan_jax.evaluation import evaluator as evaluator_lib
from gan_jax.evaluation.evaluator import QUICK, Evaluator, select
from gan_jax.features.extract import extractor
from gan_jax.features.types import Features
from gan_jax.sampling import samples


def _apply(params, images):
    flat = images.reshape(len(images), -1)
    return {"features": flat[:, :3], "class_logits": 10.0 * flat[:, 3:5]}


# Quick metrics of samples that are made of other rows.
OF_SOURCES = ("psnr", "hole_psnr", "ssim", "unchanged_share", "cycle_error")
PIXELS = Features("pixels", (), _apply, {})
INCEPTION = PIXELS._replace(standard=True)


def _features(source, rows):
    images = source.read(rows)["real"]
    return images.reshape(len(images), -1)[:, :3] / 127.5 - 1.0


def _frechet(left, right):
    """Textbook formula, float64."""
    covariances = [np.cov(x, rowvar=False) for x in (left, right)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    means = np.sum(np.square(left.mean(0) - right.mean(0)))
    return means + np.trace(covariances[0] + covariances[1] - 2 * root)


def _values(evaluator, names, fake, features=PIXELS, extras=None):
    return evaluator(select(names, evaluator.inputs(fake, extras), features), fake, extras)


def test_value_and_baseline_of_held_out_images():
    real, heldout, fake = (sources.noise(n, seed=n) for n in (300, 200, 150))
    evaluator = Evaluator(real, heldout, PIXELS)
    values = _values(evaluator, ["frechet_distance"], fake)
    everything = np.arange(300)
    expected = _frechet(_features(real, everything), _features(fake, np.arange(150)))
    assert values["frechet_distance"]["value"] == pytest.approx(expected, rel=1e-4)
    # As many held-out images as generated ones, drawn by the documented rule.
    drawn = np.random.default_rng([0, 200]).permutation(200)[:150]
    expected = _frechet(_features(real, everything), _features(heldout, drawn))
    assert values["frechet_distance"]["real_baseline"] == pytest.approx(expected, rel=1e-4)
    assert evaluator.usual_size(150) == 150 and evaluator.usual_size(900) == 200


@pytest.mark.parametrize(
    "held, reason",
    [
        (0, "no rows of arrays are held out, so there is no honest baseline"),
        (100, "100 images are held out, fewer than the 120 generated ones"),
    ],
)
def test_no_baseline_without_as_many_held_out_images(held, reason):
    """Rows that were trained on, or fewer rows, would make another number look like that of a perfect model."""
    real, fake = sources.noise(300, seed=1), sources.noise(120, seed=2)
    evaluator = Evaluator(real, sources.noise(held, seed=3) if held else None, PIXELS)
    values = _values(evaluator, ["frechet_distance"], fake)
    expected = _frechet(_features(real, np.arange(300)), _features(fake, np.arange(120)))
    assert values == {"frechet_distance": {"value": pytest.approx(expected, rel=1e-4)}}
    assert evaluator.baseline_obstacle(120) == reason
    assert evaluator.usual_size(900) == (held or 300)


def test_the_baseline_has_the_sizes_of_the_comparison():
    """Many metrics depend on both sizes."""
    sizes = []

    def counting(real_features, fake_features):
        sizes.append((len(real_features), len(fake_features)))
        return {"count": 1.0}

    for count in (40, 90):
        Evaluator(sources.noise(300), sources.noise(90), PIXELS)({"counting": counting}, sources.noise(count))
    assert sizes == [(300, 40), (300, 40), (300, 90), (300, 90)]


def test_a_value_stands_though_its_baseline_cannot_be_computed():
    """No held-out image is of the third class."""
    labels = np.arange(60) % 3
    images = sources.noise(60).read(np.arange(60))["real"]
    real, heldout = (
        sources.of_arrays(images, labels),
        sources.of_arrays(images[:50], np.r_[labels[:49] % 2, 2]),
    )
    fake = sources.of_arrays(images[:30], labels[:30])
    names = ["frechet_distance", "intra_class_frechet_distance"]
    values = _values(Evaluator(real, heldout, PIXELS), names, fake)
    assert set(values["frechet_distance"]) == {"value", "real_baseline"}
    for name in ("intra_class_frechet_distance", "worst_class_frechet_distance"):
        assert np.isfinite(values[name]["value"]) and "real_baseline" not in values[name]
        assert values[name]["no_real_baseline"].startswith(
            "fake_features: expected at least 2 samples of each class"
        )


def test_a_set_is_at_distance_zero_from_itself():
    real = sources.noise(200, seed=3)
    values = _values(Evaluator(real, None, PIXELS), ["frechet_distance", "precision_recall"], real)
    assert {name: each["value"] for name, each in values.items()} == {
        "frechet_distance": pytest.approx(0, abs=1e-9),
        "precision": 1.0,
        "recall": 1.0,
    }


def test_real_images_are_read_once_and_the_baseline_is_computed_once():
    real, read, measured = sources.noise(50), [], []
    counted = real._replace(read=lambda rows: read.append(len(rows)) or real.read(rows))

    def counting(real_features, fake_features):
        measured.append(1)
        return {"count": 1.0}

    evaluator = Evaluator(counted, sources.noise(20, seed=9), PIXELS)
    for seed in range(3):
        evaluator({"counting": counting}, sources.noise(20, seed=seed))
    assert sum(read) == 50 and len(measured) == 3 + 1


def test_neighbourhoods_are_of_equally_many():
    real, fake = sources.noise(90, seed=1), sources.noise(40, seed=2)
    evaluator = Evaluator(real, None, PIXELS)
    values = _values(evaluator, ["precision_recall"], fake)
    drawn = np.random.default_rng([0, 90]).permutation(90)[:40]
    expected = metrics_lib.precision_recall(_features(real, drawn), _features(fake, np.arange(40)))
    assert {name: value["value"] for name, value in values.items()} == expected


def test_images_keep_the_order_of_the_features():
    real = sources.noise(70, classes=3)
    images = Evaluator(real, None, PIXELS, seed=2).real
    flat = images.rows["real"].reshape(70, -1)[:, :3] / 127.5 - 1.0
    np.testing.assert_allclose(images.outputs["features"], flat, atol=1e-6)
    order = np.random.default_rng([2, 70]).permutation(70)
    np.testing.assert_array_equal(images.outputs["labels"], real.read(order)["label"])
    np.testing.assert_array_equal(images.rows["label"], real.read(order)["label"])


def test_arrays_of_one_set_are_cut_alike(monkeypatch):
    monkeypatch.setattr(evaluator_lib, "ROWS", 40)
    real, heldout, fake = (sources.noise(n, seed=n, classes=3) for n in (90, 45, 60))
    evaluator, seen = Evaluator(real, heldout, PIXELS), {}

    def watched(
        fake_images, fake_labels, fake_features, heldout_images, heldout_labels, real_labels, real_features
    ):
        seen.update(locals())
        return {}

    evaluator({"watched": watched}, fake)
    counts = {name: len(value) for name, value in seen.items()}
    assert [counts[f"fake_{name}"] for name in ("images", "labels", "features")] == [40] * 3
    assert [counts[f"heldout_{name}"] for name in ("images", "labels")] == [40] * 2
    # No stored rows of the real set are read, so nothing is cut.
    assert [counts[f"real_{name}"] for name in ("labels", "features")] == [90] * 2
    first = np.random.default_rng([0, 60]).permutation(60)[:40]
    np.testing.assert_array_equal(seen["fake_images"], fake.read(first)["real"])
    np.testing.assert_array_equal(seen["fake_labels"], fake.read(first)["label"])
    np.testing.assert_allclose(seen["fake_features"], _features(fake, first), atol=1e-6)


def test_parts_of_a_set_keep_rows_and_labels_together(monkeypatch):
    monkeypatch.setattr(evaluator_lib, "ROWS", 40)
    source = sources.noise(90, seed=90, classes=3)
    offered = Evaluator(source, None, PIXELS).real.offers("fake", lambda array: array[45:])
    rows = source.read(np.random.default_rng([0, 90]).permutation(90)[45:])
    np.testing.assert_array_equal(offered["fake_images"](), rows["real"][:40])
    np.testing.assert_array_equal(offered["fake_labels"](), rows["label"])


def test_similarity_within_classes_of_more_images_than_are_read(monkeypatch):
    monkeypatch.setattr(evaluator_lib, "ROWS", 40)
    fake = sources.noise(60, seed=60, classes=3)
    values = _values(
        Evaluator(sources.noise(90, seed=90, classes=3), None, PIXELS), ["intra_class_multiscale_ssim"], fake
    )
    rows = fake.read(np.random.default_rng([0, 60]).permutation(60)[:40])
    expected = metrics_lib.intra_class_multiscale_ssim(rows["real"], rows["label"], 0)
    assert {name: each["value"] for name, each in values.items()} == pytest.approx(expected)


def test_labels_alone_run_no_features():
    """In the same order as if they had; 128,000 stacked digits would take minutes for nothing."""
    real = sources.noise(600, classes=3, seed=3)

    expected = Evaluator(real, None, PIXELS, seed=2).real.outputs["labels"]
    inputs = Evaluator(real, None, _not_loaded(), seed=2).inputs(sources.noise(50, seed=4))
    np.testing.assert_array_equal(inputs["real_labels"](), expected)


def test_extras_and_held_out_readers_have_no_baseline():
    def own(fake_features, answer, heldout_images):
        return {"own": answer + len(heldout_images)}

    evaluator = Evaluator(sources.noise(30), sources.noise(20), PIXELS)
    assert evaluator({"own": own}, sources.noise(10), {"answer": lambda: 4.0}) == {"own": {"value": 24.0}}


def test_quick_and_all_select_metrics_whose_inputs_are_available():
    evaluator = Evaluator(sources.noise(30, classes=2), sources.noise(20, classes=2), PIXELS)
    inputs = evaluator.inputs(sources.noise(10))
    # Distances to modes are known for toy data alone.
    possible = tuple(name for name in QUICK if name not in ("captured_modes", *OF_SOURCES))
    plain = tuple(name for name in possible if name != "label_agreement")
    assert tuple(select(["quick"], inputs, PIXELS)) == plain
    every = select(["all"], inputs, PIXELS)
    assert set(plain) < set(every) < {*metrics_lib.METRICS, "classifier_score"}
    assert "classifier_score" in every and "fid" in select(["all"], inputs, INCEPTION)
    assert "intra_class_frechet_distance" not in every and "perceptual_path_length" not in every
    conditional = evaluator.inputs(sources.noise(10, classes=2))
    assert "intra_class_frechet_distance" in select(["all"], conditional, PIXELS)
    assert tuple(select(["quick"], conditional, PIXELS)) == possible


def _agrees(images, labels):
    """How often the larger of the two pixels that PIXELS takes for logits is the label's."""
    flat = images.reshape(len(images), -1)
    return np.mean((flat[:, 4] > flat[:, 3]) == labels)


def test_label_agreement_stands_beside_the_classifiers_accuracy():
    real, heldout, fake = (sources.noise(n, seed=n, classes=2) for n in (60, 50, 40))
    values = _values(Evaluator(real, heldout, PIXELS), ["label_agreement"], fake)
    everything = fake.read(np.arange(40))
    assert values["label_agreement"]["value"] == pytest.approx(
        _agrees(everything["real"], everything["label"]), rel=1e-12
    )
    drawn = heldout.read(np.random.default_rng([0, 50]).permutation(50)[:40])
    assert values["label_agreement"]["real_baseline"] == pytest.approx(
        _agrees(drawn["real"], drawn["label"]), rel=1e-12
    )


def _shades(names, order, count):
    """Flat images whose grey is that of their class: `count` of each of the classes in `order`, in turn."""
    grey = {"bird": 30, "cat": 120, "dog": 220}
    labels = np.arange(count * len(order)) % len(order)
    images = np.stack([np.full((8, 8, 1), grey[order[label]], np.uint8) for label in labels])
    numbers = np.asarray([names.index(order[label]) for label in labels])
    return source_lib.of_arrays("/".join(order), images, numbers, names)


def _nearest(params, images):
    """A perfect classifier of the shades, its classes bird, cat and dog."""
    grey = images.reshape(len(images), -1)[:, :1]
    far = jnp.abs(grey - jnp.array([30, 120, 220]) / 127.5 + 1)
    return {"features": images.reshape(len(images), -1)[:, :2], "class_logits": -far}


SHADES = Features("shades", (), _nearest, {})


@pytest.mark.parametrize(
    "names", [("cat", "dog"), ("dog", "cat"), ("dog", "bird", "cat"), ("ant", "cat", "dog")]
)
def test_classes_are_matched_by_name(names):
    """Perfect images of two of three classes, in any alphabet, agree with their labels."""
    reference = _shades(("bird", "cat", "dog"), ("bird", "cat", "dog"), 20)
    heldout = _shades(("dog", "cat", "bird"), ("cat", "bird", "dog"), 20)
    fake = _shades(names, ("cat", "dog"), 10)
    evaluator = Evaluator(reference, heldout, SHADES)
    values = _values(evaluator, ["label_agreement"], fake, SHADES)
    assert values == {"label_agreement": {"value": 1.0, "real_baseline": 1.0}}
    labels = evaluator.inputs(fake)["fake_labels"]()
    assert sorted(labels) == [1] * 10 + [2] * 10


@pytest.mark.parametrize(
    "names, message",
    [
        (("0", "1"), "0/1 and bird/cat have no class in common, .* by name: 0, 1 against bird, cat"),
        (("cat", "dog"), "cat/dog has classes that bird/cat has not: dog; it has bird, cat"),
    ],
)
def test_classes_that_the_reference_does_not_have_are_refused_where_labels_count(names, message):
    real = _shades(("bird", "cat"), ("bird", "cat"), 20)
    plain = sources.noise(10)
    fake = source_lib.of_arrays("/".join(names), plain.read(np.arange(10))["real"], np.arange(10) % 2, names)
    evaluator = Evaluator(real, None, PIXELS)
    for chosen in (["label_agreement"], ["quick"]):
        with pytest.raises(UsageError, match=f"metric label_agreement: {message}"):
            _values(evaluator, chosen, fake)
    assert set(_values(evaluator, ["frechet_distance"], fake)) == {"frechet_distance"}
    with pytest.raises(UsageError, match=message):
        Evaluator(real, fake, PIXELS)


def test_conditions_are_not_drawn_with_the_numbers_that_order_as_many_rows():
    """Else the labels of generated rows would follow the order in which metrics see these."""
    real = sources.of_arrays(np.zeros((900, 8, 8, 1), np.uint8), np.arange(900))
    labels = Evaluator(real, None, _not_loaded(), seed=3).conditions(("label",), 900)(np.arange(900))["label"]
    order = np.random.default_rng([3, 900]).permutation(900)
    shared = order[np.random.default_rng([3, 900]).choice(900, 900)]
    assert np.mean(labels == shared) < 0.05


def test_logits_of_other_classes_do_not_judge_labels():
    """Two logits, but three classes: as with Inception, whose classes are not those of the data."""
    evaluator = Evaluator(sources.noise(30, classes=3), None, PIXELS)
    inputs = evaluator.inputs(sources.noise(10, classes=3))
    assert "fake_class_logits" in inputs and "label_agreement" not in select(["quick"], inputs, PIXELS)
    with pytest.raises(
        UsageError, match="metric label_agreement needs 'fake_label_logits', which is not available here"
    ):
        evaluator.check(select(["label_agreement"], inputs, PIXELS), inputs)


def test_names_of_the_literature_are_only_for_its_features():
    real, fake = sources.noise(60, classes=2), sources.noise(40)
    names = ["fid", "kid", "inception_score"]
    options = {"fid": {}, "kid": dict(subsets=3, subset_size=20), "inception_score": dict(splits=2)}
    standard = _values(Evaluator(real, None, INCEPTION), options, fake, INCEPTION)
    assert list(standard) == ["fid", "kid", "kid_spread", "inception_score", "inception_score_spread"]
    for name, other in zip(names, ["frechet_distance", "kernel_distance", "classifier_score"]):
        with pytest.raises(
            UsageError, match=f"{name} is by definition of Inception features.*ask for {other}"
        ):
            select([name], (), PIXELS)
    options = {"frechet_distance": {}, "classifier_score": dict(splits=2)}
    own = _values(Evaluator(real, None, PIXELS), options, fake)
    assert list(own) == ["frechet_distance", "classifier_score", "classifier_score_spread"]
    assert own["frechet_distance"]["value"] == standard["fid"]["value"]


@pytest.mark.parametrize(
    "names, message",
    [
        (["frechet_distanc"], "metrics: unknown name 'frechet_distanc'; did you mean frechet_distance"),
        (
            {"kernel_distance": dict(subset=3)},
            "metrics.kernel_distance: unknown name 'subset'; did you mean subsets",
        ),
        (
            ["intra_class_frechet_distance"],
            "metric intra_class_frechet_distance needs 'real_labels', which is not available here",
        ),
    ],
)
def test_mistakes(names, message):
    with pytest.raises(UsageError, match=message):
        _values(Evaluator(sources.noise(20), None, PIXELS), names, sources.noise(20))


def test_sets_of_other_sizes_are_not_compared():
    evaluator = Evaluator(sources.noise(20), None, PIXELS)
    message = (
        "photos has images of 8x8x3, arrays of 8x8x1; give one --resolution, and images of the same channels"
    )
    with pytest.raises(UsageError, match=message):
        evaluator({}, sources.noise(20, channels=3, name="photos"))


def test_labels_have_the_shares_of_the_real_ones():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    real = sources.of_arrays(np.zeros((1000, 8, 8, 1), np.uint8), labels)
    # Held-out rows have other shares.
    heldout = sources.of_arrays(np.zeros((90, 8, 8, 1), np.uint8), np.repeat([0, 1, 2], 30))
    evaluator = Evaluator(real, heldout, _not_loaded())
    conditions = evaluator.conditions(("label",), 5000)
    drawn = conditions(np.arange(5000))
    assert set(drawn) == {"label"} and drawn["label"].dtype == np.int32
    np.testing.assert_allclose(np.bincount(drawn["label"]) / 5000, [0.7, 0.2, 0.1], atol=0.03)
    again = evaluator.conditions(("label",), 5000)
    np.testing.assert_array_equal(again(np.array([7, 4999, 7]))["label"], drawn["label"][[7, 4999, 7]])
    assert evaluator.conditions((), 5000)(np.arange(3)) == {}


def _translation(size, *, seed):
    """Labelled rows whose `source` holds the number of the row and of the seed."""
    plain = sources.noise(size, seed=seed, classes=3)

    def read(rows):
        image = np.zeros((len(rows), 4, 4, 1), np.uint8)
        image[:, 0, 0, 0], image[:, 0, 1, 0] = rows, seed
        return {**plain.read(rows), "source": image}

    spec = {**plain.spec, "source": jax.ShapeDtypeStruct((4, 4, 1), np.uint8)}
    return plain._replace(name=f"translation {seed}", spec=spec, read=read)


@pytest.mark.parametrize("names", [("source",), ("source", "label")])
def test_conditions_that_are_data_are_those_of_held_out_rows(names):
    real, heldout = _translation(90, seed=1), _translation(40, seed=2)
    conditions = Evaluator(real, heldout, _not_loaded()).conditions(names, 30)(np.arange(30))
    assert set(conditions) == {"source", "label", "target"} and conditions["source"].shape == (30, 4, 4, 1)
    rows, seeds = (conditions["source"][:, 0, place, 0].astype(int) for place in (0, 1))
    assert set(seeds) == {2} and len(set(rows)) > 10
    # Of the same row: the game's condition, or the class that its samples should have.
    np.testing.assert_array_equal(conditions["label"], heldout.read(rows)["label"])
    # Without held-out rows they are those of the reference set.
    own = Evaluator(real, None, _not_loaded()).conditions(names, 30)(np.arange(30))
    assert set(own["source"][:, 0, 1, 0]) == {1}


def test_conditions_pair_with_the_generated_rows():
    """A generator that copies its condition makes samples whose `source` is the one they were made of."""
    real, heldout = _translation(90, seed=1), _translation(40, seed=2)
    conditions = Evaluator(real, heldout, _not_loaded()).conditions(("source", "label"), 30)

    def sample(state, key, rows, conditions, averaged):
        number = conditions(rows)["source"][:, :1, :1]
        return np.broadcast_to(number, (len(rows), 8, 8, 1))

    fake = samples.source("copies", sample, None, heldout.modality, size=30, seed=0, conditions=conditions)
    read = fake.read(np.arange(30)[::-1])
    np.testing.assert_array_equal(read["real"][:, 0, 0, 0], read["source"][:, 0, 0, 0])
    expected = heldout.read(read["real"][:, 0, 0, 0].astype(int))
    np.testing.assert_array_equal(read["source"], expected["source"])
    np.testing.assert_array_equal(read["label"], expected["label"])
    # The evaluator puts samples in another order, and their labels with them.
    own = Evaluator(real, heldout, PIXELS).sample_set(fake)
    np.testing.assert_array_equal(own.labels, heldout.read(own.rows["real"][:, 0, 0, 0].astype(int))["label"])


def _not_loaded(load=lambda: pytest.fail("the features are not needed")):
    """PIXELS as they are described before they are loaded."""
    return PIXELS._replace(params={"gain": jax.ShapeDtypeStruct((), np.float32)}, load=load)


def test_nothing_is_loaded_before_a_metric_needs_it():
    real, heldout, fake = (sources.noise(n, seed=n, classes=2) for n in (60, 50, 40))
    evaluator = Evaluator(real, heldout, _not_loaded())
    inputs = evaluator.inputs(fake)
    expected = {
        f"{name}_{kind}"
        for name in ("real", "heldout", "fake")
        for kind in ("features", "class_logits", "label_logits", "labels", "images")
    }
    assert set(inputs) == {"seed"} | expected
    assert set(evaluator.baseline_inputs(40)) == {name for name in inputs if not name.startswith("heldout_")}
    evaluator.check(select(["quick", "all"], inputs, evaluator.network), inputs)
    # A metric of images alone needs no features.
    values = _values(evaluator, ["power_spectrum_distance"], fake)
    assert set(values) == {"power_spectrum_distance", "power_spectrum_distance_high"}


def test_features_are_loaded_once_for_all_metrics():
    loads = []

    def load():
        loads.append(1)
        return {"gain": np.float32(1)}, {"weights": "abc"}

    real, fake = sources.noise(60, seed=1), sources.noise(40, seed=2)
    evaluator = Evaluator(real, None, _not_loaded(load))
    names = ["frechet_distance", "precision_recall"]
    values = [_values(evaluator, names, fake) for _ in range(2)]
    assert loads == [1] and values[0] == values[1] == _values(Evaluator(real, None, PIXELS), names, fake)
    assert evaluator.features.facts == {"weights": "abc"} and evaluator.features.load is None


def test_one_device_equals_eight():
    """The features are computed on all devices; the values are those of one."""
    real, fake = sources.noise(300, seed=1), sources.noise(300, seed=2)
    assert len(jax.devices()) == 8
    names = ["frechet_distance", "precision_recall", "density_coverage"]
    eight = _values(Evaluator(real, None, PIXELS), names, fake)
    on_one = extractor(PIXELS, real.modality, jax.devices()[:1])
    features = [on_one(source)["features"] for source in (real, fake)]
    expected = metrics_lib.frechet_distance(*features) | metrics_lib.precision_recall(*features)
    expected |= metrics_lib.density_coverage(*features)
    for name, value in expected.items():
        assert eight[name]["value"] == pytest.approx(value, rel=1e-5), name


@pytest.mark.parametrize("fake_grey", [0, 200])
def test_constant_images_have_defined_values(fake_grey):
    real = sources.of_arrays(np.full((60, 16, 16, 1), 200, np.uint8), np.arange(60) % 2)
    fake = sources.of_arrays(np.full((50, 16, 16, 1), fake_grey, np.uint8), np.arange(50) % 2)
    evaluator = Evaluator(real, None, PIXELS)
    names = dict.fromkeys(["quick", "sliced_wasserstein", "multiscale_ssim", "power_spectrum_distance"], {})
    values = {name: each["value"] for name, each in _values(evaluator, names, fake).items()}
    assert all(np.isfinite(list(values.values())))
    same = fake_grey == 200
    distance = 0.0 if same else 3 * (200 / 127.5) ** 2
    assert values["frechet_distance"] == pytest.approx(distance, rel=1e-5, abs=1e-9)
    assert (values["precision"], values["recall"], values["multiscale_ssim"]) == (same, same, 1.0)


def test_features_of_nan_images_are_one_line():
    bad = PIXELS._replace(apply=lambda _, x: {"features": jnp.log(x.mean((1, 2)) - 1)})
    with pytest.raises(UsageError, match="features of 20 of 20 images of arrays are not finite"):
        _values(Evaluator(sources.noise(20), None, bad), ["frechet_distance"], sources.noise(20), bad)


def _pairs(count, paired="all"):
    """Rows whose source is the negative of their real image."""

    def read(rows):
        images = np.uint8(np.arange(1, count + 1)[rows, None, None, None] + np.arange(4).reshape(2, 2, 1))
        return {"real": images, "source": 255 - images}

    entry = source_lib.row((2, 2, 1), np.uint8)
    facts = {"modality": "images", "paired": paired}
    return source_lib.Source("pairs", count, {"real": entry, "source": entry}, facts, read)


def _labelled_pairs(count, **facts):
    """The same, of the classes 0, 1, 2, 0, 1, ..."""
    pairs = _pairs(count)

    def read(rows):
        return {**pairs.read(rows), "label": np.int32(rows % 3)}

    spec = {**pairs.spec, "label": source_lib.row((), np.int32)}
    return pairs._replace(
        spec=spec, facts={**pairs.facts, "class_names": ("a", "b", "c"), **facts}, read=read
    )


def _apply_right_of_odd(params, images):
    """Logits of three classes: right of the real images of odd rows, and class 0 of the others."""
    level = jnp.round((images.reshape(len(images), -1)[:, 0] + 1) * 127.5).astype(int) - 1
    return {"features": images.reshape(len(images), -1), "class_logits": jnp.eye(3)[level % 2 * (level % 3)]}


@pytest.mark.parametrize(
    ("facts", "of_fakes", "of_real"),
    [
        (dict(), True, True),
        (dict(paired=""), False, True),
        (dict(paired="", label_of="both"), True, True),
        (dict(paired="", label_of="source"), True, False),
    ],
)
def test_translations_should_keep_the_class_of_their_source(facts, of_fakes, of_real):
    """Where the label is the source's; the baseline is the accuracy on real images, if it is theirs."""
    features = Features("odd", (), _apply_right_of_odd, {})
    evaluator = Evaluator(_labelled_pairs(40, **facts), _labelled_pairs(30, **facts), features)
    conditions = evaluator.conditions(["source"], 30)

    def sample(state, key, rows, conditions, averaged):
        return np.uint8(255 - conditions(rows)["source"]) % 16  # Level 16 n + k + 1 as level k + 1.

    fake = samples.source("made", sample, None, evaluator.modality, size=30, seed=0, conditions=conditions)
    inputs = evaluator.inputs(fake)
    offered = [name for name in ("real_labels", "heldout_labels", "fake_labels") if name in inputs]
    assert offered == [*(["real_labels", "heldout_labels"] if of_real else []), *(["fake_labels"] * of_fakes)]
    quick = select(["quick"], inputs, features)
    assert ("label_agreement" in quick) == of_fakes
    if of_fakes:
        rows = np.arange(30)

        def right(levels):
            level = np.int64(levels) - 1
            return float(np.mean(level % 2 * (level % 3) == rows % 3))

        found = _values(evaluator, ["label_agreement"], fake, features)["label_agreement"]
        expected = {
            "value": right((rows + 1) % 16),
            **({"real_baseline": right(rows + 1)} if of_real else {}),
        }
        assert found == pytest.approx(expected)


def _made_of(evaluator, size):
    """Samples that are the negatives of their sources, but for one level."""

    def sample(state, key, rows, conditions, averaged):
        return 254 - conditions(rows)["source"]

    conditions = evaluator.conditions(["source"], size)
    return samples.source("made", sample, None, evaluator.modality, size=size, seed=0, conditions=conditions)


def test_samples_of_sources_stand_beside_their_own_targets():
    evaluator = Evaluator(_pairs(40), _pairs(30), PIXELS)
    fake = _made_of(evaluator, 30)
    inputs = {
        name: evaluator.inputs(fake)[name]() for name in ("fake_images", "target_images", "source_images")
    }
    np.testing.assert_array_equal(inputs["target_images"], 255 - inputs["source_images"])
    np.testing.assert_array_equal(inputs["fake_images"], inputs["target_images"] - 1)
    # Every held-out row once, and in the order of the samples again beyond these.
    assert sorted(inputs["target_images"][:, 0, 0, 0]) == list(range(1, 31))
    again = evaluator.conditions(["source"], 50)
    np.testing.assert_array_equal(again(np.arange(30, 50))["target"], again(np.arange(20))["target"])
    values = _values(evaluator, {"psnr": dict(baselines={})}, fake)
    assert values == {"psnr_grey": {"value": pytest.approx(20 * np.log10(255), abs=1e-6)}}


@pytest.mark.parametrize(
    ("paired", "held", "has"), [("", 9, False), ("heldout", 9, True), ("heldout", 0, False)]
)
def test_data_without_pairs_has_no_targets(paired, held, has):
    evaluator = Evaluator(_pairs(20, paired), _pairs(held, paired) if held else None, PIXELS)
    fake = _made_of(evaluator, 9)
    assert ("target" in fake.spec) == has
    if not has:
        with pytest.raises(
            UsageError, match="needs 'target_images', .*: pairs has no pairs of a source and its target"
        ):
            _values(evaluator, ["psnr"], fake)
    quick = select(["quick"], evaluator.inputs(fake), PIXELS)
    assert ("psnr" in quick, "hole_psnr" in quick, "unchanged_share" in quick) == (has, False, True)
    assert _values(evaluator, ["unchanged_share"], fake)["unchanged_share"]["value"] < 1
