"""Whether metrics have enough samples, found before any are generated and before features are loaded."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gan_jax.data.classes import listed
from gan_jax.errors import UsageError
from gan_jax.evaluation.evaluator import Evaluator
from gan_jax.sampling.samples import Conditions
from gan_jax.terms import call, reads
from gan_jax.types import Game

# No metric has too few samples in sets of so many, unless it looks at classes.
ENOUGH = 1_000


def check(
    metrics: Mapping[str, Callable[..., dict]],
    evaluator: Evaluator,
    size: int,
    labels: Callable[[], np.ndarray] | None = None,
) -> None:
    """Computes metrics of random features, in sets of the true sizes and with their true labels.

    Metrics that read other inputs than features, logits and labels are left out, and so are large sets.

    Args:
        metrics: From `evaluator.select`.
        evaluator: The Evaluator.
        size: Number of generated samples.
        labels: Function without arguments to their classes, int [size]; None without classes.

    Raises:
        UsageError: Names the first metric that has too few samples, of all classes or of one.
    """
    for name, metric in metrics.items():
        blank = _blank(metric, evaluator, size, labels)
        if blank is None:
            continue
        real, unit = evaluator.real.source, evaluator.modality.unit
        try:
            call(metric, blank)
        except UsageError as error:
            sets = f"{size} generated {unit} and {real.size} of {real.name}"
            names = f" (classes from 0 on: {listed(real.classes)})" if "real_labels" in blank else ""
            raise UsageError(f"metric {name} cannot be computed of {sets}: {error}{names}") from None
        except Exception:  # A user's metric need not bear random features; true ones will show.
            continue


def labels_of(game: Game, conditions: Conditions, size: int) -> Callable[[], np.ndarray] | None:
    """Classes of samples that are not generated yet.

    Args:
        game: The Game.
        conditions: From `Evaluator.conditions`.
        size: Number of samples.

    Returns:
        Function without arguments to their classes, int32 [size]; None if the game is not told any: to know
        the class of every source takes as long as to read it.
    """
    return (lambda: conditions(np.arange(size))["label"]) if "label" in game.conditions else None


def _blank(metric, evaluator, size, labels) -> dict[str, Any] | None:
    """A metric's inputs of random numbers; None if they cannot be had, or are not worth it."""
    sets = {"real": evaluator.real, "heldout": evaluator.heldout}
    sizes = {"fake": size} | {name: each.source.size for name, each in sets.items() if each}
    widths = {name: shape.shape[-1] for name, shape in evaluator.outputs.items()}
    widths |= {"label_logits": widths["class_logits"]} if "class_logits" in widths else {}
    pairs = {read: read.partition("_")[::2] for read in reads(metric) if read != "seed"}
    known = {*widths, *(["labels"] if labels else [])}
    if any(name not in sizes or output not in known for name, output in pairs.values()):
        return None
    of_classes = any(output == "labels" for _, output in pairs.values())
    if not of_classes and min((sizes[name] for name, _ in pairs.values()), default=ENOUGH) >= ENOUGH:
        return None
    draw = np.random.default_rng(0)

    def blank(name, output):
        if output == "labels":
            return labels() if name == "fake" else sets[name].labels
        # Of classes all rows count, but no more than two features; else the other way round.
        rows = sizes[name] if of_classes else min(sizes[name], ENOUGH)
        return draw.normal(size=(rows, 2 if of_classes and output == "features" else widths[output]))

    return {"seed": 0, **{read: blank(*pair) for read, pair in pairs.items()}}
