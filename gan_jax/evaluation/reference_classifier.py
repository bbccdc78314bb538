"""Builds the classifiers that ship with the package: `python -m gan_jax.evaluation.build_reference`."""

import time
from typing import Any

import numpy as np
from jax.typing import ArrayLike

from gan_jax import features
from gan_jax.data import classes
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.evaluation import reports
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.features import reference
from gan_jax.features.classifier import facts_of, fit, usual_steps

# Metrics whose values of held-out images are kept.
BASELINES = ("frechet_distance", "kernel_distance", "precision_recall", "density_coverage")
SEED = 0
_BINS = 15


def calibration_error(class_logits: ArrayLike, labels: ArrayLike) -> float:
    """Expected calibration error: how far stated probabilities are from the shares that are right.

    Guo et al. 2017, arXiv:1706.04599, eq. 3, with 15 bins of equal width.

    Args:
        class_logits: float [N, K], N at least 1.
        labels: Classes, int [N].

    Returns:
        float in [0, 1].
    """
    logits = np.asarray(class_logits, np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    stated, right = 1 / powers.sum(axis=1), logits.argmax(axis=1) == np.asarray(labels)
    bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=stated - right, minlength=_BINS)
    return float(np.sum(np.abs(gaps)) / len(right))


def build(source: Source, name: str, folder: str) -> dict[str, Any]:
    """Trains the classifier of a data set, measures it, and writes its files.

    Args:
        source: A Source of images with classes and held-out images.
        name: Its name on a command line, that of the files.
        folder: The folder to write; it exists.

    Returns:
        What is known about it, `reference.Reference.about`.

    Raises:
        UsageError: The data has no classes, or no held-out images.
    """
    heldout = classes.heldout(source)
    if heldout is None or not source.classes:
        raise UsageError(f"{source.name}: expected data with classes and held-out images")
    arrays, trained = _trained(source, name)
    variables = reference.unpacked(arrays)
    facts = facts_of(variables, heldout)
    network = features.classifier(source, heldout)._replace(params=variables, facts=facts, load=None)
    evaluator = Evaluator(source, heldout, network)
    values = evaluator(select(BASELINES, {}, network), heldout)
    unseen = evaluator.sample_set(heldout).outputs
    about = {
        "data": source.name,
        "splits": [reference.description(each) for each in (source, heldout)],
        "facts": facts,
        "calibration_error": round(calibration_error(unseen["class_logits"], unseen["labels"]), 4),
        "baselines_of": f"{heldout.size} images of {heldout.name}, against {source.size} of {source.name}",
        "baselines": {name: float(f"{value['value']:.6g}") for name, value in values.items()},
        "trained": trained,
    }
    reference.write(folder, name, arrays, reference.moments_of(evaluator.real.outputs["features"]), about)
    return about


def _trained(source: Source, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A new classifier's arrays as a file holds them, and how it was trained."""
    begun = time.process_time()
    arrays = reference.packed(fit(source, SEED))
    return arrays, {
        "command": f"python -m gan_jax.evaluation.build_reference --data={name}",
        "seed": SEED,
        "steps": usual_steps(source.size),
        "processor_seconds": round(time.process_time() - begun),
        "date": time.strftime("%Y-%m-%d"),
        "versions": reports.versions(),
    }
