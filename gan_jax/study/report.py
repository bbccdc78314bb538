"""What a study leaves for people: a table three times over, plots, pictures of samples, and a page of all."""

import logging
import os

from gan_jax import build, images
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import samples
from gan_jax.study import definition, page, plots, tables, trials
from gan_jax.study.summary import summarised

log = logging.getLogger("gan_jax")


def write(study, output, data_dir=None):
    """Writes what is known of every variant that has a finished cell.

    Args:
        study: The Study.
        output: Its folder, with at least one finished cell.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Raises:
        UsageError: A measure that the metrics do not have.
    """
    done = _done(study, output)
    recipes = {name: definition.variant(study, name) for name in done}
    found = {
        name: summarised(recipes[name], list(outcomes.values()), study.measures)
        for name, outcomes in done.items()
    }
    table = tables.rows(found, study.measures)
    _text(output, "results.md", tables.markdown(table))
    _text(output, "results.csv", tables.as_csv(found, study.measures))
    _text(output, "results.json", tables.as_json(study, found))
    drawn = {f"{measure} over the steps": _plot(found, measure, output) for measure in study.measures}
    shown = {name: _samples(output, name, outcomes) for name, outcomes in done.items()}
    pictures = {
        name: _picture(recipes[name], name, rows, output, data_dir)
        for name, rows in shown.items()
        if rows is not None
    }
    changes = {name: _changes(study, recipe) for name, recipe in recipes.items()}
    content = page.Page(study.title, _notes(study, done), table, drawn, changes, pictures)
    _text(output, "index.html", page.written(content))
    log.info("%s", tables.markdown(table))
    log.info("%s holds index.html, results.md, .csv and .json, plots and samples", output)


def _done(study, output):
    """Outcomes by variant and seed, of what is finished."""
    found = {}
    for name in study.variants:
        for seed in range(study.seeds):
            outcome = trials.read(output, name, definition.cell(study, name, seed))
            if outcome is not None:
                found.setdefault(name, {})[seed] = outcome
    return found


def _changes(study, recipe):
    """What a variant changes, for people."""
    return definition.differences(definition.decides(study.base), definition.decides(recipe)) or ["nothing"]


def _notes(study, done):
    """How the numbers came about, and how to read them."""
    base, outcomes = study.base, [outcome for runs in done.values() for outcome in runs.values()]
    protocol = next((outcome.protocol for outcome in outcomes if outcome.protocol), {})
    kept = {
        name: protocol[name]
        for name in ("generated", "reference", "real_baseline", "versions")
        if name in protocol
    }
    return [
        f"Each variant changes the base as said below it and is trained for {base.steps:,} steps of "
        f"{base.batch_size} samples, unless it changes these, with up to {study.seeds} seeds. Numbers are "
        "mean ± standard deviation over seeds, at the last step and at the best evaluation of each run. t is "
        "the difference from the first variant in standard errors, p how often chance alone comes as far "
        "(Welch's test, of each number alone: of twenty that differ by nothing, one has p below 0.05).",
        f"A run has collapsed at the evaluation from which on, be it the last one, it never again has half of "
        f"the most {study.measures[0].replace('_', ' ')} that it ever had. A run that is not finite draws "
        "nothing: measures of which more is better are 0 from there on, others are of the other runs.",
        "In the plots bands reach from the least to the greatest seed, the first variant is grey, and a "
        "perfect sampler is the dashed line.",
        "Protocol: " + "; ".join(f"{name}: {value}" for name, value in kept.items()),
    ]


def _plot(found, measure, output):
    """Path of a measure's plot, drawn."""
    path = os.path.join(output, f"{measure}.png")
    plots.over_time(found, measure, path)
    return path


def _samples(output, name, outcomes):
    """Samples of the first seed that has some."""
    drawn = (trials.samples(output, name, seed) for seed in sorted(outcomes))
    return next((samples for samples in drawn if samples is not None), None)


def _picture(recipe, name, shown, output, data_dir):
    """Path of the picture of samples, drawn over as many real ones where their kind has these."""
    path = os.path.join(output, "samples", f"{name}.png")
    source = build.source(recipe, data_dir)
    real = samples.first_of(lambda: source.heldout() or source)
    images.save(path, source.modality.preview(shown, lambda: real(len(shown))["real"]))
    return path


def _text(output, name, text):
    """Writes a file, whole or not at all."""
    path = os.path.join(output, name)
    with write_atomically(path) as file:
        file.write(text)
