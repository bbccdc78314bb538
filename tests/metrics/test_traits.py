"""The table of metrics and what follows from it."""

import inspect

from gan_jax import metrics


def test_every_metric_is_in_the_table_under_its_own_name():
    for metric in metrics.TRAITS:
        assert getattr(metrics, metric.__name__) is metric
    functions = {name for name, value in vars(metrics).items() if inspect.isfunction(value)}
    assert functions == set(metrics.__all__)
    assert set(metrics.METRICS) == {
        f for f in functions if inspect.signature(getattr(metrics, f)).return_annotation == dict[str, float]
    }


def test_names_of_values_that_are_better_higher():
    assert {
        "precision",
        "recall",
        "density",
        "inception_score",
        "classifier_score",
    } < metrics.HIGHER_IS_BETTER
    assert not {"precision_recall", "frechet_distance", "modes_kl"} & metrics.HIGHER_IS_BETTER


def test_traits_name_the_standard_metrics():
    standard = {t.inception_name: m.__name__ for m, t in metrics.TRAITS.items() if t.inception_name}
    assert standard == {
        "fid": "frechet_distance",
        "fid_infinity": "frechet_distance_infinity",
        "kid": "kernel_distance",
    }
