"""A study from its first missing trial to its report."""

import logging
import os
from collections.abc import Sequence

from gan_jax import build
from gan_jax.errors import UsageError
from gan_jax.runtime import folders, lock, signals
from gan_jax.sampling.samples import sampler
from gan_jax.study import definition, report, sequential, summary, trials, vectorized
from gan_jax.study.definition import Study
from gan_jax.training import evaluating, setup

log = logging.getLogger("gan_jax")


def run(study: Study, output: str, *, only: Sequence[str] = (), data_dir: str | None = None) -> None:
    """Trains every trial that is not on disk yet, and writes the report.

    Args:
        study: The Study.
        output: Its folder; made if it does not exist.
        only: Names of variants to train; empty for all.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Raises:
        UsageError: A mistake in the study, or the folder holds trials of another study; nothing has been
            trained or written. Or the metrics do not have a measure; this is found when the first variant
            has been trained.
    """
    definition.validate(study)
    wanted = {name: definition.variant(study, name) for name in only or study.variants}
    folders.check_writable(output)
    missing = {name: _missing(study, output, name) for name in study.variants}
    pending = {name: recipe for name, recipe in wanted.items() if missing[name]}
    for name, recipe in pending.items():
        _check(name, recipe, data_dir)
    for name in (*report.TABLES, report.PAGE):
        folders.make_room(os.path.join(output, name))
    with lock.held(output):
        for number, name in enumerate(pending, 1):
            log.info("variant %d of %d, %s: %d seeds", number, len(pending), name, len(missing[name]))
            _train(study, output, name, missing[name], data_dir)
            first = trials.read(output, name, definition.trial(study, name, 0))
            if first is None or _missing(study, output, name):
                log.info("stopped; the same command resumes from there")
                return
            summary.check(study.measures, first)
        report.write(study, output, data_dir)


def _missing(study, output, name):
    """Seeds of a variant without a finished trial; trials of another study are an error."""
    recipes = (definition.trial(study, name, seed) for seed in range(study.seeds))
    missing = [recipe for recipe in recipes if trials.read(output, name, recipe) is None]
    for recipe in missing:
        trials.check_begun(output, name, recipe)
    return [recipe.seed for recipe in missing]


def _check(name, recipe, data_dir):
    """Finds a variant's mistakes before the first one is trained."""
    try:
        source = build.source(recipe, data_dir)
        modality = source.modality
        train_spec = build.train_spec(recipe, modality, features=build.perceptual(recipe, source))
        setup.check(recipe, train_spec, modality)
        if reason := evaluating.obstacle(recipe, source):
            raise UsageError(f"its evaluation is not possible: {reason}")
        evaluating.state_evaluator(recipe, train_spec.game, source, sampler(train_spec.game, modality))
    except UsageError as error:
        raise UsageError(f"variant {name}: {error}") from None


def _train(study, output, name, seeds, data_dir):
    """Trains seeds of a variant and writes their outcomes, until a signal asks to stop.

    Seeds on points train together, all others one after the other: XLA:CPU is slow at convolutions in a
    `scan` and at convolutions of many networks at once. Other platforms have not been measured.
    """
    recipe = definition.variant(study, name)
    source = build.source(recipe, data_dir)
    if source.facts["modality"] == "points":
        with signals.stop_requests() as stop:  # Sequential runs handle signals themselves.
            outcomes = vectorized.trained(recipe, seeds, source, stop)
        for seed in outcomes:
            trials.write(output, name, definition.trial(study, name, seed), outcomes[seed])
        return
    for seed in seeds:
        recipe = definition.trial(study, name, seed)
        outcome = sequential.trained(recipe, trials.folder(output, name, seed), data_dir)
        if outcome is None:
            return
        trials.write(output, name, recipe, outcome)
