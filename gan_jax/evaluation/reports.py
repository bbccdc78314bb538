"""Reports of evaluations: of a workdir's checkpoints, or of any two sets of images."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import flax
import jax
import numpy as np

import gan_jax
from gan_jax import build, features
from gan_jax.checkpoints import checkpoint
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.evaluation import probes
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.runtime import folders, memory
from gan_jax.runtime.files import write_atomically
from gan_jax.sampling import loading, samples
from gan_jax.sampling.loading import LoadedModel

# Generated samples, unless fewer real ones are held out for the real baseline.
NUM_IMAGES = 10_000


def of_workdir(
    workdir: str,
    *,
    metrics: Mapping[str, dict] | Sequence[str] = ("quick",),
    features_name: str = "classifier",
    num_images: int | None = None,
    seed: int = 0,
    step: int | str | None = None,
    all_steps: bool = False,
    averaged: bool = True,
    trust: bool = False,
    data_dir: str | None = None,
    download: bool = False,
) -> dict[int, dict[str, Any]]:
    """Evaluates checkpoints of a run against the data it was trained on.

    Args:
        workdir: Folder of a run.
        metrics: See `evaluator.select`.
        features_name: See `features.named`.
        num_images: Samples to generate; None for as many as are held out, at most 10,000.
        seed: Seed of latents and of everything random in metrics.
        step: Steps taken, `best`, or None for the newest checkpoint and the best.
        all_steps: Evaluate every checkpoint.
        averaged: Use averaged parameters.
        trust: Import whatever modules the workdir names; see `loading.load`.
        data_dir: Folder of prepared TFDS data.
        download: Fetch the Inception weights if they are absent.

    Returns:
        By step, dicts of `protocol` and `values`; each is also in `evaluations/` in the workdir.

    Raises:
        UsageError: A mistake in the arguments.
    """
    model = loading.load(workdir, step, trust=trust)
    real = build.source(model.recipe, data_dir)
    heldout = real.heldout()
    size = min(NUM_IMAGES, heldout.size if heldout else real.size // 2) if num_images is None else num_images
    if size < 2:
        raise UsageError(f"num_images={size}: expected at least 2")
    # A row number and one feature a sample: the samples themselves are made batch by batch.
    memory.check_host(f"num_images={size}", 12 * size)
    network = features.named(features_name, real, heldout, download=download)
    evaluator = Evaluator(real, heldout, network, seed=seed)
    folder = os.path.join(workdir, "evaluations")
    folders.make_writable(folder)
    records = {}
    for number in _steps(workdir, model, step, all_steps):
        records[number] = _of_model(
            loading.load(workdir, number, trust=trust), evaluator, metrics, size, averaged
        )
        parameters = records[number]["protocol"]["parameters"]
        stem = f"step_{number:07d}_seed_{seed}_{parameters}_{features_name.replace(os.sep, '_')}"
        write(os.path.join(folder, f"{stem}.json"), records[number])
    return records


def of_sets(
    generated: Source,
    reference: Source,
    *,
    metrics: Mapping[str, dict] | Sequence[str] = ("quick",),
    features_name: str = "classifier",
    seed: int = 0,
    output: str = "",
    download: bool = False,
) -> dict[str, Any]:
    """Evaluates one set of samples against another; no GAN is needed.

    Args:
        generated: The Source to evaluate.
        reference: The Source that it should resemble.
        metrics: See `evaluator.select`.
        features_name: See `features.named`.
        seed: Seed of everything random in metrics.
        output: JSON file to write; empty for none.
        download: Fetch the Inception weights if they are absent.

    Returns:
        Dict of `protocol` and `values`.

    Raises:
        UsageError: Sets that cannot be compared, or a mistake in the arguments.
    """
    heldout = reference.heldout()
    network = features.named(features_name, reference, heldout, download=download)
    evaluator = Evaluator(reference, heldout, network, seed=seed)
    chosen = select(metrics, evaluator.inputs(generated), network)
    values = evaluator(chosen, generated)
    record = {"protocol": protocol(evaluator, generated), "values": values}
    if output:
        write(output, record)
    return record


def _steps(workdir, model, step, all_steps):
    """Steps of the checkpoints to evaluate: all, the chosen one, or the best and the newest."""
    if all_steps:
        return checkpoint.steps(workdir)
    best = checkpoint.best_step(workdir) if step is None else None
    return sorted({model.step, model.step if best is None else best})


def _of_model(model, evaluator, metrics, size, averaged):
    """The record of one checkpoint."""
    game, modality, seed = model.game, model.modality, evaluator.seed
    fake = samples.source(
        f"step {model.step} of {model.workdir}", samples.sampler(game, modality), model.state, modality,
        size=size, seed=seed, conditions=evaluator.conditions(game.conditions, size), averaged=averaged,
    )  # fmt: skip
    extras = probes.of(model, evaluator, averaged, seed)
    chosen = select(metrics, evaluator.inputs(fake, extras), evaluator.network)
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
    return {
        "workdir": model.workdir,
        "parameters": "averaged" if averaged and model.state.average else "live",
        "batch_norm": "running statistics of training, of the live network" if normed else "none",
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
    real, heldout = evaluator.real.source, evaluator.heldout and evaluator.heldout.source
    size, unit = evaluator.real.outputs["features"].shape[1], evaluator.modality.unit
    few = min(real.size, fake.size)
    note = f"{few} {unit} are fewer than {size} features: the covariance is singular, distances are too large"
    return {
        "generated": f"{fake.size} {unit}: {fake.name}",
        "reference": f"{real.size} {unit}: {real.name}",
        "shape": list(real.spec["real"].shape),
        "features": {"name": evaluator.features.name, "size": size, **evaluator.features.facts},
        "real_baseline": f"{evaluator.baseline_size(fake.size)} {unit}: "
        + (heldout.name if heldout else "half of the reference, compared with the other half"),
        "seed": evaluator.seed,
        "notes": [note] if few < size else [],
        "versions": versions(),
    }


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
        name: {kind: number if math.isfinite(number) else str(number) for kind, number in value.items()}
        for name, value in record["values"].items()
    }
    try:
        with write_atomically(path) as file:
            json.dump(
                {**record, "values": _kept(path, record["protocol"]) | plain}, file, indent=2, allow_nan=False
            )
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _kept(path, protocol):
    """Values of an earlier record of the same protocol; none if there is none, or it cannot be read."""
    try:
        with open(path) as file:
            old = json.load(file)
        # As JSON would return it: tuples become lists.
        return old["values"] if old["protocol"] == json.loads(json.dumps(protocol)) else {}
    except (OSError, ValueError, KeyError, TypeError):
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
    facts = {name: value for name, value in last["protocol"].items() if name not in ("step", "versions")}
    facts["features"] = ", ".join(f"{name} {value}" for name, value in facts["features"].items())
    lines = [f"{name:<15}{value}" for name, value in facts.items() if value not in ([], "")]
    wide = max(map(len, last["values"])) + 2
    heads = [f"{of} {key}".strip() for key in records] + ["real baseline"]
    lines += ["", " " * wide + "".join(f"{head:>14}" for head in heads)]
    for name in last["values"]:
        row = [record["values"][name]["value"] for record in records.values()]
        real_baseline = last["values"][name].get("real_baseline")
        cells = [f"{value:.5g}" for value in row] + ["" if real_baseline is None else f"{real_baseline:.5g}"]
        lines.append(f"{name:<{wide}}" + "".join(f"{cell:>14}" for cell in cells))
    return "\n".join(lines)
