"""What a run would be: `--dry_run`. Nothing is trained, compiled or written."""

import dataclasses
import operator
from typing import Any

import jax

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.recipe import Recipe
from gan_jax.runtime import memory, parallel
from gan_jax.training import demand, initial, report, setup, train

_bytes = memory.readable
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"))


def plan(
    recipe: Recipe,
    workdir: str,
    data_dir: str | None = None,
    *,
    accept_changed_data: bool = False,
    init_from: initial.Origin | None = None,
) -> str:
    """The recipe as it would be trained, the size and the work of its step, and what would be written.

    Args:
        recipe: The Recipe.
        workdir: Folder of the run; it need not exist.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        accept_changed_data: As for `train.run`.
        init_from: As for `train.run`.

    Returns:
        Lines for people; those of the recipe are flags after `--config.`.

    Raises:
        UsageError: Every mistake that ends a run before it begins.
    """
    recipe_lib.validate(recipe)
    prepared = setup.prepare(recipe, workdir, data_dir, accept_changed_data, init_from)
    begun = checkpoint.steps(workdir)
    flat = recipe_lib.flatten(recipe_lib.to_dict(recipe))
    return "\n".join(
        [
            *(f"{path}={value}" for path, value in flat.items()),
            "",
            *train.introduction(recipe, prepared, workdir, begun[-1] if begun else 0),
            *initial.lines(prepared.begins),
            *([] if begun else initial.advice(prepared.parts[0].train_spec.terms, prepared.begins)),
            _memory(recipe, prepared),
            _work(recipe, prepared),
            *_files(recipe, prepared, workdir),
            "nothing was trained or written: this was a dry run",
        ]
    )


def _memory(recipe, prepared):
    least = max((part.least for part in prepared.parts), key=lambda least: least.bytes)
    there = recipe.device_memory * 2**30 or memory.of_device()
    return (
        f"memory    a step needs at least {_bytes(least.bytes)} on a device, {_bytes(least.state)} of it for "
        f"parameters, averages and optimizers; a device has {_bytes(there)}"
    )


def _work(recipe, prepared):
    steps = [sum(map(len, part.stage.pieces(recipe.steps))) for part in prepared.parts]
    operations = [work(prepared, part) for part in prepared.parts]
    if None in operations:
        return f"work      {recipe.steps:,} steps; this device does not count operations"
    return (
        f"work      {', then '.join(f'{_scaled(each)}FLOP' for each in operations)} a step as it is written, "
        f"before XLA makes it less; {_scaled(sum(map(operator.mul, operations, steps)))}FLOP in "
        f"{recipe.steps:,} steps"
    )


def work(prepared: setup.Prepared, part: setup.Part) -> float | None:
    """Floating point operations of a step over all devices, before XLA optimizes it; nothing is compiled.

    Args:
        prepared: A Prepared.
        part: The Part of it whose steps these are.

    Returns:
        The number; None if the device's compiler does not count.
    """
    # XLA counts the body of a loop once, and slices are a loop; without slices the work is the same.
    whole = dataclasses.replace(part.stage.recipe, accumulate=1)
    spec = part.train_spec
    if part.stage.recipe.accumulate > 1:
        spread = parallel.spread(prepared.mesh)
        spec = build.train_spec(whole, part.modality, spread, prepared.features, part.stage)
    batches = setup.abstract_batches(whole, part.modality, parallel.replicated(prepared.mesh))
    step: Any = spec.step  # Under `jit`.
    counts = step.lower(part.abstract, batches, jax.random.key(whole.seed)).cost_analysis()
    return counts.get("flops") if counts else None


def _files(recipe, prepared, workdir):
    """What a run would write, from its first step to its last."""
    each, unit = sum(map(demand.size, jax.tree.leaves(prepared.whole.abstract))), prepared.whole.modality.unit
    best = " and the best" if recipe.eval_every else ""
    kept = min(
        recipe.keep_checkpoints + bool(recipe.eval_every), _times(recipe.steps, recipe.checkpoint_every)
    )
    grids, evaluations = (_times(recipe.steps, every) for every in (recipe.grid_every, recipe.eval_every))
    lines = [
        "recipe.json, metrics.jsonl, evaluations.jsonl, alerts.jsonl, curves.png, TensorBoard events, and "
        f"{report.FILM}, a film of the grids",
        f"checkpoints/: {_bytes(each)} every {recipe.checkpoint_every:,} steps, of which the newest "
        f"{recipe.keep_checkpoints}{best} are kept: at most {_bytes(kept * each)}",
        f"grids/: {grids:,} pictures of {recipe.grid_size:,} {unit}, and one of real ones",
    ]
    if evaluations:
        lines.append(
            f"{evaluations:,} evaluations of at most {recipe.eval_samples:,} {unit} by "
            f"{', '.join(recipe.eval_metrics)}, features {recipe.eval_features}"
        )
    return [f"files     in {workdir}:", *(f"          {line}" for line in lines)]


def _times(steps, every):
    """How often something happens that happens every so many steps and after the last one; 0 for never."""
    return -(-steps // every) if every else 0


def _scaled(count):
    """A number for people, with the prefix of its unit."""
    factor, prefix = next((pair for pair in _PREFIXES if count >= pair[0]), (1.0, ""))
    return f"{count / factor:.3g} {prefix}"
