"""Reports of evaluations: of a workdir's checkpoints, or of any two sets of images."""

import itertools
import json
import logging
import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import flax
import jax
import numpy as np

import gan_jax
from gan_jax import features, names
from gan_jax.checkpoints import checkpoint
from gan_jax.data import classes
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.evaluation import probes, rehearsal
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.runtime import folders, memory
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading, modified, real_rows, samples
from gan_jax.sampling.loading import LoadedModel

log = logging.getLogger("gan_jax")

# Generated samples, unless fewer real ones are held out, so that the real baseline is of equally many.
NUM_IMAGES = 10_000


def of_workdir(
    workdir: str,
    *,
    metrics: Mapping[str, dict] | Sequence[str] = ("quick",),
    features_name: str | None = None,
    num_images: int | None = None,
    seed: int = 0,
    step: int | str | None = None,
    all_steps: bool = False,
    averaged: bool = True,
    trust: bool = False,
    data_dir: str | None = None,
    download: bool = False,
    truncations: Sequence[float] = (),
    standing: int = 0,
) -> dict[int | str, dict[str, Any]]:
    """Evaluates checkpoints of a run against the data it was trained on.

    Args:
        workdir: Folder of a run.
        metrics: See `evaluator.select`.
        features_name: See `features.named`; None for those of the recipe's evaluations in training.
        num_images: Samples to generate; None for as many as are held out, or as there are if none are, at
            most 10,000.
        seed: Seed of latents and of everything random in metrics.
        step: Steps taken, `best`, or None for the newest checkpoint and the best.
        all_steps: Evaluate every checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.
        data_dir: Folder of prepared TFDS data.
        download: Fetch the Inception weights if they are absent.
        truncations: Evaluate each checkpoint with the latents truncated at each of these, `inf` for not at
            all; see `modified.truncated`. Empty for once, not truncated.
        standing: See `modified.with_standing`.

    Returns:
        By step, or with several truncations by step and truncation, as in `1000 at 0.5`, dicts of `protocol`
        and `values`; each is also in `evaluations/` in the workdir.

    Raises:
        UsageError: A mistake in the arguments.
    """
    folder = os.path.join(workdir, "evaluations")
    model = loading.load(workdir, step, trust=trust)
    folders.make_writable(folder)
    real = real_rows.of(model, data_dir)
    heldout = real.heldout()
    # A name from the workdir may lead to code of somebody else.
    with names.library_alone(needed=features_name is None and not trust):
        features_name = features_name or model.recipe.eval_features
        try:
            network = features.named(features_name, real, heldout, download=download)
        except names.Foreign:
            raise UsageError(
                f"{workdir}: its recipe's features are {features_name}, code outside of gan_jax, which would "
                "run: if you trust it, add --trust, or in Python trust=True; else give other --features"
            ) from None
    evaluator = Evaluator(real, heldout, network, seed=seed)
    size = evaluator.usual_size(NUM_IMAGES) if num_images is None else num_images
    if size < 2:
        raise UsageError(f"num_images={size}: expected at least 2")
    # A row number and one feature a sample: the samples themselves are made batch by batch.
    memory.check_host(f"num_images={size}", 12 * size)
    for threshold in truncations:
        modified.truncated(model, threshold)
    modified.with_standing(model, min(standing, 1), averaged)
    records: dict[int | str, dict[str, Any]] = {}
    steps = _steps(workdir, model, step, all_steps)
    for number, at in itertools.product(steps, truncations or (None,)):
        stored = loading.load(workdir, number, trust=trust)
        model = modified.modified(stored, at, standing, averaged)
        record = _of_model(model, evaluator, metrics, size, averaged)
        parameters = f"{record['protocol']['parameters']}{samples.variant(model)}"
        of = f"{size}_{evaluator.modality.unit}_{parameters}_{features_name.replace(os.sep, '_')}"
        path = os.path.join(folder, f"step_{number:07d}_seed_{seed}_{of}.json")
        write_or_show(path, record, shown({number: record}, "step"))
        records[f"{number} at {at:g}" if at is not None and len(truncations) > 1 else number] = record
    return records


def of_sets(
    generated: Source,
    reference: Source,
    *,
    metrics: Mapping[str, dict] | Sequence[str] = ("quick",),
    features_name: str = "classifier",
    seed: int = 0,
    download: bool = False,
) -> dict[str, Any]:
    """Evaluates one set of samples against another; no GAN is needed.

    Args:
        generated: The Source to evaluate.
        reference: The Source that it should resemble.
        metrics: See `evaluator.select`.
        features_name: See `features.named`.
        seed: Seed of everything random in metrics.
        download: Fetch the Inception weights if they are absent.

    Returns:
        Dict of `protocol` and `values`.

    Raises:
        UsageError: Sets that cannot be compared, or a mistake in the arguments; nothing has been computed.
    """
    heldout = classes.heldout(reference)
    network = features.named(features_name, reference, heldout, download=download)
    evaluator = Evaluator(reference, heldout, network, seed=seed)
    inputs = evaluator.inputs(generated)
    chosen = select(metrics, inputs, network)
    evaluator.check(chosen, inputs)
    rehearsal.check(chosen, evaluator, generated.size, inputs.get("fake_labels"))
    values = evaluator(chosen, generated)
    return {"protocol": protocol(evaluator, generated), "values": values}


def _steps(workdir, model, step, all_steps):
    """Steps of the checkpoints to evaluate: all, the chosen one, or the best and the newest."""
    if all_steps:
        return checkpoint.steps(workdir)
    best = checkpoint.best_step(workdir) if step is None else None
    return sorted({model.step, model.step if best is None else best})


def _of_model(model, evaluator, metrics, size, averaged):
    """The record of one checkpoint."""
    game, modality, seed = model.game, model.modality, evaluator.seed
    conditions = evaluator.conditions(game.conditions, size)
    fake = samples.source(
        f"step {model.step} of {model.workdir}", samples.sampler(game, modality), model.state, modality,
        size=size, seed=seed, conditions=conditions, averaged=averaged,
    )  # fmt: skip
    extras = probes.of(model, evaluator, averaged, seed)
    inputs = evaluator.inputs(fake, extras)
    chosen = select(metrics, inputs, evaluator.network)
    evaluator.check(chosen, inputs)
    rehearsal.check(chosen, evaluator, size, rehearsal.labels_of(game, conditions, size))
    return {
        "protocol": {"step": model.step, **facts_of_model(model, averaged), **protocol(evaluator, fake)},
        "values": evaluator(chosen, fake, extras),
    }


def facts_of_model(model: LoadedModel, averaged: bool) -> dict[str, Any]:
    """Facts of a model to print beside its values.

    Args:
        model: The LoadedModel.
        averaged: True if averaged parameters are used.

    Returns:
        Dict that JSON can hold.
    """
    statistics = [
        jax.tree_util.keystr(path)
        for player in model.state.average or model.state.carry
        for path, _ in jax.tree_util.tree_leaves_with_path(model.state.carry[player])
    ]
    normed = any("batch_stats" in path for path in statistics)
    norms = "running statistics of training, of the live network" if normed else "none"
    if model.standing:
        norms = f"standing statistics of {model.standing} batches of {model.recipe.batch_size}"
    return {
        "workdir": model.workdir,
        "parameters": samples.kind_of(model, averaged),
        "batch_norm": norms,
        **({} if model.truncation is None else {"truncation": model.truncation}),
        "training_seed": model.recipe.seed,
    }


def protocol(evaluator: Evaluator, fake: Source) -> dict[str, Any]:
    """Facts to print beside every value, so that it can be reproduced and compared with others.

    Args:
        evaluator: The Evaluator.
        fake: The generated Source.

    Returns:
        Dict that JSON can hold.
    """
    real, heldout = evaluator.real.source, evaluator.heldout
    size, unit = evaluator.outputs["features"].shape[-1], evaluator.modality.unit
    obstacle = evaluator.baseline_obstacle(fake.size)
    lacking = classes.lacking(fake, real.classes)
    unseen = [f"no class of these names in {fake.name}: {classes.listed(lacking)}"] if lacking else []
    return {
        "generated": f"{fake.size} {unit}: {fake.name}",
        "reference": f"{real.size} {unit}: {real.name}",
        "shape": list(real.spec["real"].shape),
        "features": {"name": evaluator.features.name, "size": size, **evaluator.features.facts},
        "real_baseline": f"{fake.size} {unit}: {heldout.source.name}"
        if heldout and not obstacle
        else f"none: {obstacle}",
        "seed": evaluator.seed,
        "notes": [*few(evaluator, fake.size), *unseen],
        "versions": versions(),
    }


def few(evaluator: Evaluator, size: int) -> list[str]:
    """The warning of too few samples for a covariance of features.

    Args:
        evaluator: The Evaluator.
        size: Number of generated samples.

    Returns:
        One line for people, or none.
    """
    count, width = min(evaluator.real.source.size, size), evaluator.outputs["features"].shape[-1]
    if count >= width:
        return []
    return [
        f"{count} {evaluator.modality.unit} are fewer than {width} features: the covariance is singular, "
        "distances are too large"
    ]


def versions() -> dict[str, str]:
    """Versions of packages and Python, and the kind of device, by name."""
    packages = {package.__name__: package.__version__ for package in (gan_jax, jax, flax, np)}
    return packages | {"python": platform.python_version(), "device": jax.devices()[0].device_kind}


def write(path: str, record: Mapping[str, Any]) -> None:
    """Writes a record as JSON, whole or not at all; an infinite value becomes the string `inf`.

    Values that the file already holds under the same protocol are kept beside the new ones.

    Args:
        path: The file; its folder exists.
        record: Dict of `protocol` and `values`.

    Raises:
        UsageError: The file cannot be written.
    """
    plain = {
        name: {kind: _plain(entry) for kind, entry in value.items()}
        for name, value in record["values"].items()
    }
    try:
        with write_atomically(path) as file:
            json.dump(
                {**record, "values": _kept(path, record["protocol"]) | plain}, file, indent=2, allow_nan=False
            )
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def write_or_show(path: str, record: Mapping[str, Any], table: str) -> None:
    """Writes a record; if this fails after all the work, its table is logged.

    Args:
        path: The file; its folder exists.
        record: As for `write`.
        table: The record for people.

    Raises:
        UsageError: The file cannot be written.
    """
    try:
        write(path, record)
    except UsageError:
        log.warning("%s", table)
        raise


def _plain(entry):
    """A number or a reason as JSON can hold it."""
    return entry if isinstance(entry, str) or math.isfinite(entry) else str(entry)


def _kept(path, protocol):
    """Values of an earlier record of the same protocol; none if there is none, or it cannot be read."""
    try:
        with open(path) as file:
            old = json.load(file)
        # As JSON would return it: tuples become lists.
        if old["protocol"] == json.loads(json.dumps(protocol)):
            return old["values"]
        log.warning("%s held values of another protocol, which are replaced", path)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {}


def shown(records: Mapping[Any, Mapping[str, Any]], of: str = "") -> str:
    """Records of one protocol as a table: a row per value, a column per record, the real baseline last.

    Args:
        records: Records by column, such as a step.
        of: Name of the columns, such as `step`.

    Returns:
        str of several lines.
    """
    last = list(records.values())[-1]
    hidden = ("step", "versions", *(("truncation",) if len(records) > 1 else ()))
    facts = {name: value for name, value in last["protocol"].items() if name not in hidden}
    facts["features"] = ", ".join(f"{name} {value}" for name, value in facts["features"].items())
    lines = [f"{name:<15}{value}" for name, value in facts.items() if value not in ([], "")]
    wide = max(map(len, last["values"])) + 2
    heads = [f"{of} {key}".strip() for key in records] + ["real baseline"]
    column = max(14, *(len(head) + 2 for head in heads))
    lines += ["", " " * wide + "".join(f"{head:>{column}}" for head in heads)]
    reasons = {}
    for name, value in last["values"].items():
        cells = [f"{record['values'][name]['value']:.5g}" for record in records.values()]
        cells.append(f"{value['real_baseline']:.5g}" if "real_baseline" in value else "")
        if "no_real_baseline" in value:
            cells[-1] = "none"
            reasons[name] = value["no_real_baseline"]
        lines.append(f"{name:<{wide}}" + "".join(f"{cell:>{column}}" for cell in cells))
    lines += [f"no real baseline of {name}: {reason}" for name, reason in reasons.items()]
    return "\n".join(lines)
