"""Tests if data loading keeps up with training: `python -m gan_jax.benchmark.loading --data=mnist`.

One recipe trains on the same images in three ways, in alternating blocks: from the device's memory, streamed
from the disk by the loader's threads, and with one repeated batch, which costs nothing to choose or send.
The loader alone is measured too. TFDS_DATA_DIR is the folder of prepared sets of TFDS.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from absl import flags

from gan_jax.benchmark import cases
from gan_jax.benchmark.report import Spread, between, spread
from gan_jax.benchmark.shared_flags import REPEATS, SECONDS
from gan_jax.benchmark.worker import clocked
from gan_jax.cli import command
from gan_jax.recipe import Recipe

if TYPE_CHECKING:  # They import JAX, which must wait until the flags are parsed.
    import jax

    from gan_jax.data.batches import Batches
    from gan_jax.data.source import Source

_CASE = flags.DEFINE_string("case", "mlp", "Case to train; mlp is the fastest.")
_DATA = flags.DEFINE_string("data", "digits", "Images to train on, by their name in a recipe.")
for _name in ("repeats", "seconds"):
    flags.declare_key_flag(_name)


def feeds(
    source: "Source", batch_size: int, batches_per_step: int, mesh: "jax.sharding.Mesh"
) -> dict[str, "Batches"]:
    """The same images, fed to a step in three ways.

    Args:
        source: The Source.
        batch_size: Images per batch.
        batches_per_step: Batches per step.
        mesh: Mesh of the devices.

    Returns:
        Dict of Batches: `resident`, `streamed`, and `one batch`.
    """
    from gan_jax.data.batches import batches

    modality = source.modality

    def decode(key, rows):
        return modality.decode(rows)

    resident = batches(source, batch_size, batches_per_step, 0, mesh, decode, resident_bytes=2**63)
    (first,) = resident.feed(0, 1)
    return {
        "resident": resident,
        "streamed": batches(source, batch_size, batches_per_step, 0, mesh, decode, resident_bytes=0),
        "one batch": resident._replace(
            feed=lambda start, stop, calls=None: (first for _ in range(start, stop))
        ),
    }


def measured(recipe: Recipe, source: "Source", seconds: float, repeats: int) -> dict[str, Spread]:
    """Milliseconds per step of each way, and of the loader alone.

    Args:
        recipe: The Recipe.
        source: The Source to train on.
        seconds: Approximate duration of a block.
        repeats: Blocks of each way.

    Returns:
        Dict of Spreads: `loader alone`, and those of `feeds`.
    """
    from gan_jax.benchmark import ours
    from gan_jax.runtime import parallel

    mesh = parallel.mesh(recipe.batch_size)
    ways = feeds(source, recipe.batch_size, recipe.batches_per_step, mesh)
    advances: dict[str, Callable[[int], None]] = {"loader alone": _reading(ways["streamed"])}
    advances |= {name: ours.running(recipe, source, fed, mesh).advance for name, fed in ways.items()}
    for advance in advances.values():
        advance(1)
    steps = max(1, round(10 * seconds / clocked(advances["one batch"], 10)))
    blocks = [{name: clocked(advance, steps) for name, advance in advances.items()} for _ in range(repeats)]
    return {name: spread([1e3 * block[name] / steps for block in blocks]) for name in advances}


def _reading(fed):
    """A function of a number of steps that reads the batches of the next steps."""
    done = 0

    def advance(count):
        nonlocal done
        for _ in fed.feed(done, done + count):
            pass
        done += count

    return advance


def table(measurements: Mapping[str, Spread], images: int) -> list[str]:
    """A Markdown table.

    Args:
        measurements: From `measured`.
        images: Real images per step.

    Returns:
        Lines of text.
    """
    rows = [
        f"| {name} | {between(time)} | {1e3 * images / time.median:,.0f} |"
        for name, time in measurements.items()
    ]
    return ["| images | ms per step | images/s |", "|---|---|---|", *rows]


def _do() -> None:
    command.check("case", [_CASE.value], cases.CASES)
    command.import_jax()
    from gan_jax import build
    from gan_jax.runtime import cpu

    cpu.keep_memory()
    recipe = cases.find(_CASE.value)
    recipe.data = dict(name=_DATA.value)
    source = build.source(recipe)
    measurements = measured(recipe, source, SECONDS.value, REPEATS.value)
    print("\n".join(table(measurements, recipe.samples_per_step)))


if __name__ == "__main__":
    command.run(_do)
