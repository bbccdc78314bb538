"""The results of a study for people: tables, plots, pictures of samples, and one page with all of them."""

import logging
import os

from gan_jax import build, images
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import samples
from gan_jax.study import definition, page, plots, tables, trials
from gan_jax.study.definition import Study
from gan_jax.study.summary import summarised
from gan_jax.study.trials import Outcome

log = logging.getLogger("gan_jax")

TABLES = ("results.md", "results.csv", "results.json")
PAGE = "index.html"


def write(study: Study, output: str, data_dir: str | None = None) -> None:
    """Writes the results of every variant that has a finished trial.

    Args:
        study: The Study.
        output: Its folder, with at least one finished trial.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Raises:
        UsageError: A measure that the metrics do not have.
    """
    done = _done(study, output)
    recipes = {name: definition.variant(study, name) for name in done}
    summaries = {
        name: summarised(recipes[name], list(outcomes.values()), study.measures)
        for name, outcomes in done.items()
    }
    table = tables.rows(summaries, study.measures)
    log.info("%s", tables.markdown(table))  # Before anything is written.
    texts = tables.markdown(table), tables.as_csv(summaries, study.measures), tables.as_json(study, summaries)
    for name, text in zip(TABLES, texts):
        _text(output, name, text)
    curves = {f"{measure} over the steps": _plot(summaries, measure, output) for measure in study.measures}
    stored = {name: _samples(output, name, outcomes) for name, outcomes in done.items()}
    pictures = {
        name: _picture(recipes[name], name, rows, output, data_dir)
        for name, rows in stored.items()
        if rows is not None
    }
    changes = {name: _changes(study, recipe) for name, recipe in recipes.items()}
    content = page.Page(study.title, _notes(study, done), table, curves, changes, pictures)
    _text(output, PAGE, page.written(content))
    log.info("%s holds index.html, results.md, .csv and .json, plots and samples", output)


def _done(study, output):
    """Outcomes of the finished trials by variant and seed."""
    outcomes: dict[str, dict[int, Outcome]] = {}
    for name in study.variants:
        for seed in range(study.seeds):
            outcome = trials.read(output, name, definition.trial(study, name, seed))
            if outcome is not None:
                outcomes.setdefault(name, {})[seed] = outcome
    return outcomes


def _changes(study, recipe):
    """The changes of a variant, for people."""
    return definition.differences(definition.decides(study.base), definition.decides(recipe)) or ["nothing"]


def _notes(study, done):
    """How the numbers were computed, and how to read them."""
    base, outcomes = study.base, [outcome for runs in done.values() for outcome in runs.values()]
    protocol: dict = next((outcome.protocol for outcome in outcomes if outcome.protocol), {})
    kept = {
        name: protocol[name]
        for name in ("generated", "reference", "real_baseline", "versions")
        if name in protocol
    }
    return [
        f"Each variant changes the base as listed under its name. It is trained for {base.steps:,} steps of "
        f"{base.batch_size} samples, unless it changes these, with up to {study.seeds} seeds. Numbers are "
        "mean ± standard deviation over seeds, at the last step and at the best evaluation of each run. t is "
        "the difference from the first variant in standard errors; p is the probability of a difference at "
        "least as large by chance alone (Welch's test of each number alone: of twenty numbers without a true "
        "difference, one has p below 0.05).",
        "A run has collapsed at an evaluation, perhaps the last one, if from there on it never again has "
        f"half of its highest {study.measures[0].replace('_', ' ')} so far. A run that is not finite draws "
        "nothing: measures for which higher is better count as 0 from there on; for other measures, only "
        "the other runs count.",
        "In the plots, bands reach from the lowest to the highest seed, the first variant is grey, and the "
        "dashed line is a perfect sampler.",
        "Protocol: " + "; ".join(f"{name}: {value}" for name, value in kept.items()),
    ]


def _plot(summaries, measure, output):
    """Draws a measure's plot and returns its path."""
    path = os.path.join(output, f"{measure}.png")
    plots.over_time(summaries, measure, path)
    return path


def _samples(output, name, outcomes):
    """Samples of the first seed that has some."""
    by_seed = (trials.samples(output, name, seed) for seed in sorted(outcomes))
    return next((samples for samples in by_seed if samples is not None), None)


def _picture(recipe, name, rows, output, data_dir):
    """Draws samples and returns the path; points are drawn over as many real ones."""
    path = os.path.join(output, "samples", f"{name}.png")
    source = build.source(recipe, data_dir)
    real = samples.first_of(lambda: source.heldout() or source)
    images.save(path, source.modality.preview(rows, lambda: real(len(rows))["real"]))
    return path


def _text(output, name, text):
    """Writes a file completely or not at all."""
    path = os.path.join(output, name)
    with write_atomically(path) as file:
        file.write(text)
