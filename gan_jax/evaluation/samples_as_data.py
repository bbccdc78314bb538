"""Data augmentation by a GAN: how much generated images add to few real ones that train a classifier."""

import functools
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_jax.data import classes
from gan_jax.data.source import Source, of_arrays
from gan_jax.errors import UsageError
from gan_jax.evaluation import reports
from gan_jax.features.classifier import BATCH, accuracy, fit, usual_steps
from gan_jax.runtime import folders, memory
from gan_jax.sampling import loading, real_rows, samples

log = logging.getLogger("gan_jax")

# Generated images per real one.
RATIO = 10


class Sets(NamedTuple):
    """Sources of real images.

    Attributes:
        gan: The training set of the GAN.
        classifier: The training set of classifiers, in memory.
        heldout: Their test set.
    """

    gan: Source
    classifier: Source
    heldout: Source


def run(
    workdir: str,
    *,
    images_per_class: int | None = None,
    seeds: int = 5,
    num_images: int | None = None,
    step: int | str | None = None,
    averaged: bool = True,
    trust: bool = False,
    data_dir: str | None = None,
    classifier_steps: int | None = None,
) -> dict[str, Any]:
    """Trains classifiers on few real images, on real and generated ones, and on generated ones alone.

    Each is the small classifier of `gan_jax.features`, tested on held-out real images. Within a seed they
    start from the same weights, see the same generated images and take equally many steps; another seed
    has other classifiers and other generated images. The real images are the same for all: those that
    `data.per_class` of a recipe keeps.

    Args:
        workdir: Folder of a run whose networks are conditioned on labels.
        images_per_class: Real images of each class; None for as many as the run was trained on.
        seeds: Number of repetitions.
        num_images: Generated images, as nearly as possible equally many of every class; None for ten times
            as many as there are real ones.
        step: Steps taken, `best`, or None for the newest checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        classifier_steps: Optimizer steps of each classifier; None for the usual ones on the largest set.

    Returns:
        Dict of `protocol`, `values`, and `accuracies` by seed; also in `evaluations/` in the workdir.

    Raises:
        UsageError: The model is not conditioned on labels alone, a class has too few images, none are held
            out, or a number is out of range.
    """
    _check_positive(images_per_class=images_per_class, seeds=seeds, classifier_steps=classifier_steps)
    model = _conditional(loading.load(workdir, step, trust=trust))
    folders.make_writable(os.path.join(workdir, "evaluations"))
    sets = _sets(model, images_per_class, data_dir)
    real = sets.classifier
    size = _size(num_images, real)
    steps = classifier_steps or usual_steps(size + max(size, real.size))
    protocol = _protocol(model, averaged, sets, size, seeds, steps)
    if protocol["warning"]:
        log.warning("%s", protocol["warning"])
    accuracies = compare(real, _generator(model, size, averaged), sets.heldout, seeds=seeds, steps=steps)
    record = {"protocol": protocol, "values": summary(accuracies), "accuracies": accuracies}
    many = f"{real.size}_real_{size}_generated_{seeds}_seeds_{steps}_steps"
    stem = f"augmentation_step_{model.step:07d}_{protocol['parameters']}_{many}"
    reports.write_or_show(os.path.join(workdir, "evaluations", f"{stem}.json"), record, shown(record))
    return record


def compare(
    real: Source, generate: Callable[[int], Source], heldout: Source, *, seeds: int, steps: int
) -> dict[str, list[float]]:
    """Accuracies of classifiers with and without generated images; classes are matched by name.

    Args:
        real: Labelled Source of the real images.
        generate: Function of a seed to the Source of generated ones.
        heldout: Labelled Source to test on.
        seeds: Number of seeds: 0, 1, and so on.
        steps: Optimizer steps of each classifier.

    Returns:
        By training set, `real`, `real_and_generated` and `generated`, one accuracy per seed, in [0, 1].
    """
    accuracies: dict[str, list[float]] = {"real": [], "real_and_generated": [], "generated": []}
    heldout = classes.aligned(heldout, real.classes, real.name)
    for seed in range(seeds):
        fake = classes.aligned(generate(seed), real.classes, real.name)
        for name, source in zip(accuracies, (real, mixed(real, fake), fake)):
            accuracies[name].append(accuracy(fit(source, seed, steps=steps), heldout))
        log.info(
            "seed %d: %s", seed, ", ".join(f"{name} {each[-1]:.4f}" for name, each in accuracies.items())
        )
    return accuracies


def mixed(real: Source, fake: Source) -> Source:
    """Real and generated images in one set, the real ones repeated until they are as many.

    So at least half of the images that a classifier sees are real.

    Args:
        real: Labelled Source.
        fake: Labelled Source of the same shape and classes.

    Returns:
        A Source.
    """
    repeated = real.read(np.arange(max(real.size, fake.size)) % real.size)
    fresh = fake.read(np.arange(fake.size))
    both = {name: np.concatenate([repeated[name], fresh[name]]) for name in ("real", "label")}
    return of_arrays(f"{real.name}, and {fake.name}", both["real"], both["label"], real.classes)


def summary(accuracies: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    """Means over seeds with their spread.

    Args:
        accuracies: From `compare`.

    Returns:
        By training set, `mean` and, of at least two seeds, `standard_deviation`; and `difference`,
        of real images with generated ones and without, seed by seed: `mean` and `standard_error`.
    """
    gains = np.subtract(accuracies["real_and_generated"], accuracies["real"])
    values = {name: _spread(each, "standard_deviation") for name, each in accuracies.items()}
    return values | {"difference": _spread(gains, "standard_error", np.sqrt(len(gains)))}


def shown(record: Mapping[str, Any]) -> str:
    """A record as a table: a row per training set, the difference last.

    Args:
        record: From `run`.

    Returns:
        str of several lines.
    """
    facts = {name: value for name, value in record["protocol"].items() if name not in ("versions", "warning")}
    lines = [f"{name:<16}{value}" for name, value in facts.items()]
    lines += ["", f"{'trained on':<26}{'accuracy':>10}{'std dev':>10}{'seeds':>8}"]
    for name, each in record["accuracies"].items():
        value = record["values"][name]
        spread = f"{value['standard_deviation']:.4f}" if "standard_deviation" in value else "-"
        lines.append(f"{name.replace('_', ' '):<26}{value['mean']:>10.4f}{spread:>10}{len(each):>8}")
    gain = record["values"]["difference"]
    error = f" ± {gain['standard_error']:.4f} (standard error)" if "standard_error" in gain else ""
    lines.append(f"generated images add, paired by seed: {gain['mean']:+.4f}{error}")
    warning = record["protocol"]["warning"]
    return "\n".join(lines + ([f"warning: {warning}"] if warning else []))


def _spread(values, name, divisor=1.0):
    """Mean of some values and, as `name`, their standard deviation over a divisor."""
    mean = {"mean": float(np.mean(values))}
    return mean | ({name: float(np.std(values, ddof=1) / divisor)} if len(values) > 1 else {})


def _check_positive(**numbers):
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise UsageError(f"{name}={value}: expected at least 1")


def _conditional(model):
    """The same model, after a check that it is conditioned on labels alone."""
    if model.game.conditions != ("label",):
        raise UsageError(
            f"{model.workdir}: this model is not conditioned on labels alone, so its images have no classes "
            "to learn; those of acgan, cgan and projection have"
        )
    return model


def _sets(model, count, data_dir):
    """The real images: `count` of each class for the classifiers, None for those of the GAN."""
    count = count or model.recipe.data.get("per_class", 0)
    if not count:
        raise UsageError(
            "images_per_class is missing: the number of real images of each class; "
            f"{model.workdir} was trained on all"
        )
    source = real_rows.of(model, data_dir, per_class=count)
    heldout = source.heldout()
    if heldout is None or not heldout.classes:
        raise UsageError(f"{source.name}: no labelled images are held out to test a classifier on")
    rows = source.read(np.arange(source.size))
    kept = of_arrays(source.name, rows["real"], rows["label"], source.classes)
    return Sets(real_rows.of(model, data_dir), kept, heldout)


def _size(num_images, real):
    """Number of generated images: the chosen one, or the usual one."""
    size, least = RATIO * real.size if num_images is None else num_images, len(real.classes)
    if size < least:
        raise UsageError(f"num_images={size}: expected at least {least}, one of each class")
    memory.check_host(f"num_images={size}", size * samples.bytes_of_sample(real.modality))
    return size


def _generator(model, size, averaged):
    """A function of a seed to generated images in memory, the classes in turn."""
    labels = np.arange(size, dtype=np.int32) % model.modality.facts["classes"]
    source = functools.partial(
        samples.source, "generated images", samples.sampler(model.game, model.modality), model.state,
        model.modality, size=size, conditions=lambda rows: {"label": labels[rows]}, averaged=averaged,
    )  # fmt: skip

    def generate(seed):
        fake = source(seed=seed)
        return of_arrays(fake.name, fake.read(np.arange(size))["real"], labels, fake.classes)

    return generate


def _protocol(model, averaged, sets, size, seeds, steps):
    """Facts to print beside the accuracies, so that they can be reproduced."""
    return {
        "step": model.step,
        **reports.facts_of_model(model, averaged),
        "gan_trained_on": f"{sets.gan.size} images: {sets.gan.name}",
        "real": f"{sets.classifier.size} images: {sets.classifier.name}, the same for every seed",
        "generated": f"{size} images, the classes in turn, others for every seed",
        "mixed": "the real images repeated until they are as many as the generated ones",
        "tested_on": f"{sets.heldout.size} images: {sets.heldout.name}",
        "classifier": f"the small one of gan_jax.features, {steps} steps of {BATCH} shifted images",
        "seeds": f"0 to {seeds - 1}, of classifiers and latents",
        "warning": _leak(sets),
        "versions": reports.versions(),
    }


def _leak(sets):
    """A warning if the GAN was trained on more real images than the classifiers; else empty."""
    known, few = sets.gan.size, sets.classifier.size
    if known <= few:
        return ""
    return (
        f"unfair comparison: the GAN was trained on {known:,} images, the classifier on {few:,}; "
        f"train a GAN with --config.data.per_class={few // len(sets.classifier.classes)}"
    )
