"""The table of metrics and the names that follow from it."""

import inspect

from gan_jax import metrics
from gan_jax.evaluation import evaluator
from gan_jax.metrics.direction import is_higher_better


def test_every_metric_is_in_the_table_under_its_own_name():
    functions = {
        name: value
        for name, value in vars(metrics).items()
        if inspect.isfunction(value) and value.__module__.startswith("gan_jax.")
    }
    assert set(functions) == set(metrics.__all__)
    # Metrics return named floats; the other functions of the package return one number, an array or Moments.
    returns = {name: inspect.signature(value).return_annotation for name, value in functions.items()}
    assert {name for name in functions if returns[name] == dict[str, float]} == set(metrics.METRICS)
    assert all(functions[name] in metrics.TRAITS for name in metrics.METRICS)


def test_names_of_values_for_which_higher_is_better():
    higher = {"precision", "recall", "density", "inception_score", "classifier_score", "modes"}
    assert all(
        map(is_higher_better, higher | {"psnr_y_border_4", "hole_psnr_grey", "ssim_rgb_of_bicubic"})
    )
    lower = {
        "precision_recall",
        "frechet_distance",
        "modes_kl",
        "unchanged_share",
        "frechet_distance_of_bicubic",
    }
    assert not any(map(is_higher_better, lower))


def test_traits_have_the_names_of_the_literature():
    standard = {t.inception_name: m.__name__ for m, t in metrics.TRAITS.items() if t.inception_name}
    assert standard == {
        "fid": "frechet_distance",
        "fid_infinity": "frechet_distance_infinity",
        "kid": "kernel_distance",
    }


def test_evaluations_treat_metrics_by_their_traits():
    assert evaluator.STANDARD == {
        "fid": "frechet_distance",
        "fid_infinity": "frechet_distance_infinity",
        "kid": "kernel_distance",
    }
    assert evaluator.OTHER == {"classifier_score": "inception_score"}
    assert evaluator.EQUALLY_MANY == (metrics.precision_recall, metrics.density_coverage)
    assert evaluator.QUICK == (
        "frechet_distance",
        "kernel_distance",
        "precision_recall",
        "density_coverage",
        "captured_modes",
        "modes",
        "uniform_modes_kl",
        "label_agreement",
        "memorisation",
        "psnr",
        "hole_psnr",
        "ssim",
        "unchanged_share",
    )
