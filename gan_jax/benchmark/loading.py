"""Whether data keep up with training: `python -m gan_jax.benchmark.loading --data=mnist`.

One recipe is trained on the same images three times over, block by block in turn: from the device's memory,
streamed from the disk by the loader's threads, and with one batch again and again, which costs nothing to
choose or send. Before that the loader reads alone. TFDS_DATA_DIR says where prepared sets of TFDS are.
"""

import itertools

from absl import flags

from gan_jax.benchmark import cases
from gan_jax.benchmark.report import between, spread
from gan_jax.benchmark.timing_flags import REPEATS, SECONDS
from gan_jax.benchmark.worker import clocked
from gan_jax.cli import command

_CASE = flags.DEFINE_string("case", "mlp", "What to train; mlp is the fastest.")
_DATA = flags.DEFINE_string("data", "digits", "Images to train on, as a recipe names them.")


def feeds(source, batch_size, rounds, mesh):
    """The same images by the ways they come to a step.

    Args:
        source: The Source.
        batch_size: Images a batch.
        rounds: Batches a step.
        mesh: Mesh of the devices.

    Returns:
        Dict of Batches: `resident`, `streamed`, and `one batch`.
    """
    from gan_jax.data.batches import batches

    modality = source.modality

    def decode(key, rows):
        return modality.decode(rows)

    resident = batches(source, batch_size, rounds, 0, mesh, decode, resident_bytes=2**63)
    (first,) = resident.feed(0, 1)
    return {
        "resident": resident,
        "streamed": batches(source, batch_size, rounds, 0, mesh, decode, resident_bytes=0),
        "one batch": resident._replace(feed=lambda start, stop: itertools.repeat(first, stop - start)),
    }


def measured(recipe, source, seconds, repeats):
    """Milliseconds a step of each way, and of the loader alone.

    Args:
        recipe: The Recipe.
        source: The Source to train on.
        seconds: About how long a block takes.
        repeats: Blocks of each.

    Returns:
        Dict of Spreads: `loader alone`, and those of `feeds`.
    """
    from gan_jax.benchmark import ours
    from gan_jax.runtime import parallel

    mesh, rounds = parallel.mesh(recipe.batch_size), recipe.batches_per_step
    ways = feeds(source, recipe.batch_size, rounds, mesh)
    advances = {"loader alone": _reading(ways["streamed"])}
    advances |= {name: ours.running(recipe, source, fed, mesh).advance for name, fed in ways.items()}
    for advance in advances.values():
        advance(1)
    steps = max(1, round(10 * seconds / clocked(advances["one batch"], 10)))
    blocks = [{name: clocked(advance, steps) for name, advance in advances.items()} for _ in range(repeats)]
    return {name: spread([1e3 * block[name] / steps for block in blocks]) for name in advances}


def _reading(fed):
    """A function of a number of steps that reads their batches, from where it was."""
    done = 0

    def advance(count):
        nonlocal done
        for _ in fed.feed(done, done + count):
            pass
        done += count

    return advance


def table(found, images):
    """A Markdown table.

    Args:
        found: From `measured`.
        images: Real images a step.

    Returns:
        Lines of text.
    """
    rows = [
        f"| {name} | {between(time)} | {1e3 * images / time.median:,.0f} |" for name, time in found.items()
    ]
    return ["| images | ms a step | images/s |", "|---|---|---|", *rows]


def _do():
    command.check("case", [_CASE.value], cases.CASES)
    command.import_jax()
    from gan_jax import build
    from gan_jax.runtime import cpu

    cpu.keep_memory()
    recipe = cases.find(_CASE.value)
    recipe.data = dict(name=_DATA.value)
    source = build.source(recipe)
    found = measured(recipe, source, SECONDS.value, REPEATS.value)
    print("\n".join(table(found, recipe.samples_per_step)))


if __name__ == "__main__":
    command.run(_do)
