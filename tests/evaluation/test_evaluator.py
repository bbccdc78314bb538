"""Metrics read what they need from a table; each value stands beside its floor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import sources

from gan_jax import metrics as metrics_lib
from gan_jax.errors import UsageError
from gan_jax.evaluation.evaluator import QUICK, Evaluator, select
from gan_jax.features.extract import extractor
from gan_jax.features.types import Features


def _apply(params, images):
    flat = images.reshape(len(images), -1)
    return {"features": flat[:, :3], "class_logits": 10.0 * flat[:, 3:5]}


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


def _judged(evaluator, names, fake, features=PIXELS, extras=None):
    return evaluator(select(names, evaluator.table(fake, extras), features), fake, extras)


def test_value_and_floor_of_held_out_images():
    real, heldout, fake = (sources.noise(n, seed=n) for n in (300, 200, 150))
    evaluator = Evaluator(real, heldout, PIXELS)
    judged = _judged(evaluator, ["frechet_distance"], fake)
    everything = np.arange(300)
    expected = _frechet(_features(real, everything), _features(fake, np.arange(150)))
    assert judged["frechet_distance"]["value"] == pytest.approx(expected, rel=1e-4)
    # As many held-out images as generated ones, drawn by the documented rule.
    drawn = np.random.default_rng([0, 200]).permutation(200)[:150]
    expected = _frechet(_features(real, everything), _features(heldout, drawn))
    assert judged["frechet_distance"]["real_baseline"] == pytest.approx(expected, rel=1e-4)
    assert evaluator.real_baseline_size(150) == 150 and evaluator.real_baseline_size(900) == 200


def test_floor_without_held_out_images_is_one_half_against_the_other():
    real = sources.noise(300, seed=1)
    evaluator = Evaluator(real, None, PIXELS, seed=5)
    judged = _judged(evaluator, ["frechet_distance"], sources.noise(120, seed=2))
    order = np.random.default_rng([5, 300]).permutation(300)
    expected = _frechet(_features(real, order[150:]), _features(real, order[:120]))
    assert judged["frechet_distance"]["real_baseline"] == pytest.approx(expected, rel=1e-4)
    assert evaluator.real_baseline_size(120) == 120 and evaluator.real_baseline_size(900) == 150


def test_a_set_is_at_distance_zero_from_itself():
    real = sources.noise(200, seed=3)
    judged = _judged(Evaluator(real, None, PIXELS), ["frechet_distance", "precision_recall"], real)
    values = {name: value["value"] for name, value in judged.items()}
    assert values == {"frechet_distance": pytest.approx(0, abs=1e-9), "precision": 1.0, "recall": 1.0}


def test_real_images_are_read_once_and_the_floor_is_computed_once():
    real, read, measured = sources.noise(50), [], []
    counted = real._replace(read=lambda rows: read.append(len(rows)) or real.read(rows))

    def counting(real_features, fake_features):
        measured.append(1)
        return {"count": 1.0}

    evaluator = Evaluator(counted, None, PIXELS)
    for seed in range(3):
        evaluator({"counting": counting}, sources.noise(20, seed=seed))
    assert sum(read) == 50 and len(measured) == 3 + 1


def test_neighbourhoods_are_of_equally_many():
    real, fake = sources.noise(90, seed=1), sources.noise(40, seed=2)
    evaluator = Evaluator(real, None, PIXELS)
    judged = _judged(evaluator, ["precision_recall"], fake)
    drawn = np.random.default_rng([0, 90]).permutation(90)[:40]
    expected = metrics_lib.precision_recall(_features(real, drawn), _features(fake, np.arange(40)))
    assert {name: value["value"] for name, value in judged.items()} == expected


def test_images_keep_the_order_of_the_features():
    real = sources.noise(70, classes=3)
    side = Evaluator(real, None, PIXELS, seed=2).real
    flat = side.images.reshape(70, -1)[:, :3] / 127.5 - 1.0
    np.testing.assert_allclose(side.outputs["features"], flat, atol=1e-6)
    order = np.random.default_rng([2, 70]).permutation(70)
    np.testing.assert_array_equal(side.outputs["labels"], real.read(order)["label"])


def test_labels_alone_run_no_features():
    """In the same order as if they had; 128,000 stacked digits would take minutes for nothing."""
    real = sources.noise(600, classes=3, seed=3)

    def refuse(source):
        pytest.fail("features of the real images are not needed")

    evaluator = Evaluator(real, None, PIXELS, seed=2)
    expected = evaluator.side(real).outputs["labels"]
    evaluator.real.extract = refuse
    np.testing.assert_array_equal(evaluator.table(sources.noise(50, seed=4))["real_labels"](), expected)


def test_extras_and_held_out_readers_have_no_floor():
    def own(fake_features, answer, heldout_images):
        return {"own": answer + len(heldout_images)}

    evaluator = Evaluator(sources.noise(30), sources.noise(20), PIXELS)
    assert evaluator({"own": own}, sources.noise(10), {"answer": lambda: 4.0}) == {"own": {"value": 24.0}}


def test_quick_and_all_are_what_the_sets_have_everything_for():
    evaluator = Evaluator(sources.noise(30, classes=2), sources.noise(20, classes=2), PIXELS)
    table = evaluator.table(sources.noise(10))
    # Distances to modes are known of worlds alone.
    possible = tuple(name for name in QUICK if name != "captured_modes")
    plain = tuple(name for name in possible if name != "label_agreement")
    assert tuple(select(["quick"], table, PIXELS)) == plain
    every = select(["all"], table, PIXELS)
    assert set(plain) < set(every) < {*metrics_lib.METRICS, "classifier_score"}
    assert "classifier_score" in every and "fid" in select(["all"], table, INCEPTION)
    assert "intra_class_frechet_distance" not in every and "perceptual_path_length" not in every
    conditional = evaluator.table(sources.noise(10, classes=2))
    assert "intra_class_frechet_distance" in select(["all"], conditional, PIXELS)
    assert tuple(select(["quick"], conditional, PIXELS)) == possible


def _agrees(images, labels):
    """How often the larger of the two pixels that PIXELS takes for logits is the label's."""
    flat = images.reshape(len(images), -1)
    return np.mean((flat[:, 4] > flat[:, 3]) == labels)


def test_label_agreement_stands_beside_the_classifiers_accuracy():
    real, heldout, fake = (sources.noise(n, seed=n, classes=2) for n in (60, 50, 40))
    judged = _judged(Evaluator(real, heldout, PIXELS), ["label_agreement"], fake)
    everything = fake.read(np.arange(40))
    assert judged["label_agreement"]["value"] == pytest.approx(_agrees(**everything), rel=1e-12)
    drawn = heldout.read(np.random.default_rng([0, 50]).permutation(50)[:40])
    assert judged["label_agreement"]["real_baseline"] == pytest.approx(_agrees(**drawn), rel=1e-12)


def test_logits_of_other_classes_say_nothing_of_labels():
    """Two logits, but three classes: as with Inception, whose classes are not those of the data."""
    evaluator = Evaluator(sources.noise(30, classes=3), None, PIXELS)
    table = evaluator.table(sources.noise(10, classes=3))
    assert "fake_class_logits" in table and "label_agreement" not in select(["quick"], table, PIXELS)
    with pytest.raises(UsageError, match="label_agreement reads what there is not.*'fake_label_logits'"):
        evaluator.check(select(["label_agreement"], table, PIXELS), table)


def test_names_of_the_literature_are_only_for_its_features():
    real, fake = sources.noise(60, classes=2), sources.noise(40)
    names = ["fid", "kid", "inception_score"]
    given = {"fid": {}, "kid": dict(subsets=3, subset_size=20), "inception_score": dict(splits=2)}
    standard = _judged(Evaluator(real, None, INCEPTION), given, fake, INCEPTION)
    assert list(standard) == ["fid", "kid", "kid_spread", "inception_score", "inception_score_spread"]
    for name, other in zip(names, ["frechet_distance", "kernel_distance", "classifier_score"]):
        with pytest.raises(
            UsageError, match=f"{name} is by definition of Inception features.*ask for {other}"
        ):
            select([name], (), PIXELS)
    given = {"frechet_distance": {}, "classifier_score": dict(splits=2)}
    own = _judged(Evaluator(real, None, PIXELS), given, fake)
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
        (["intra_class_frechet_distance"], "reads what there is not: unknown name 'real_labels'"),
    ],
)
def test_mistakes(names, message):
    with pytest.raises(UsageError, match=message):
        _judged(Evaluator(sources.noise(20), None, PIXELS), names, sources.noise(20))


def test_sets_of_other_sizes_are_not_compared():
    evaluator = Evaluator(sources.noise(20), None, PIXELS)
    message = (
        "photos has images of 8x8x3, arrays of 8x8x1; give one --resolution, and images of the same channels"
    )
    with pytest.raises(UsageError, match=message):
        evaluator({}, sources.noise(20, channels=3, name="photos"))


def test_labels_have_the_shares_of_the_real_ones():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    evaluator = Evaluator(sources.of_arrays(np.zeros((1000, 8, 8, 1), np.uint8), labels), None, PIXELS)
    drawn = evaluator.labels(5000)
    np.testing.assert_allclose(np.bincount(drawn) / 5000, [0.7, 0.2, 0.1], atol=0.03)
    np.testing.assert_array_equal(drawn, evaluator.labels(5000))


def test_one_device_equals_eight():
    """The features are computed on all devices; the values are those of one."""
    real, fake = sources.noise(300, seed=1), sources.noise(300, seed=2)
    assert len(jax.devices()) == 8
    names = ["frechet_distance", "precision_recall", "density_coverage"]
    eight = _judged(Evaluator(real, None, PIXELS), names, fake)
    on_one = extractor(PIXELS, jax.devices()[:1])
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
    values = {name: value["value"] for name, value in _judged(evaluator, names, fake).items()}
    assert all(np.isfinite(list(values.values())))
    same = fake_grey == 200
    distance = 0.0 if same else 3 * (200 / 127.5) ** 2
    assert values["frechet_distance"] == pytest.approx(distance, rel=1e-5, abs=1e-9)
    assert (values["precision"], values["recall"], values["multiscale_ssim"]) == (same, same, 1.0)


def test_features_of_nan_images_are_one_line():
    bad = PIXELS._replace(apply=lambda _, x: {"features": jnp.log(x.mean((1, 2)) - 1)})
    with pytest.raises(UsageError, match="features of 20 of 20 images of arrays are not finite"):
        _judged(Evaluator(sources.noise(20), None, bad), ["frechet_distance"], sources.noise(20), bad)
