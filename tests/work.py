"""The work of each recipe's compiled step, in figures: `python tests/work.py` computes them anew.

The figures are those of tiny recipes, on one of eight devices. They are counted, not timed: XLA's floating
point operations and bytes of the compiled program.
"""

import functools
import json
import os
import re
import runpy
import sys

import jax
import shipped

HERE = os.path.dirname(os.path.abspath(__file__))
STORED = os.path.join(HERE, "work.json")
# The faults that restoration is of take half a minute to compile.
CONFIGS = [path for path in shipped.DISTINCT if shipped.name(path) != "restore"]


def compiled_step(path):
    """The compiled step of the tiny recipe of a file."""
    from gan_jax import build
    from gan_jax.benchmark import tiny as tiny_recipes
    from gan_jax.data.batches import batches
    from gan_jax.runtime import parallel
    from gan_jax.training.compiled import compiled
    from gan_jax.training.diagnostics import diagnostics

    recipe = tiny_recipes.of_few_pixels(runpy.run_path(path)["get_config"]())
    mesh, source = parallel.mesh(recipe.batch_size), build.source(recipe)
    modality, key = source.modality, jax.random.key(recipe.seed)
    train_spec = build.train_spec(recipe, modality, parallel.spread(mesh))
    decode = build.decoder(recipe, modality)
    fed = batches(source, recipe.batch_size, recipe.batches_per_step, recipe.seed, mesh, decode)
    diagnose = functools.partial(diagnostics, train_spec)
    programs = compiled(train_spec, diagnose, modality, recipe.batch_size, fed.decode, mesh, key)
    rows = next(fed.feed(0, 1))
    return programs.step.lower(programs.abstract, fed.resident, rows, key).compile()


def of(compiled):
    """Its work: `flops` and `bytes`."""
    counts = compiled.cost_analysis()
    return {"flops": counts["flops"], "bytes": counts["bytes accessed"]}


def stored(version=jax.__version__):
    """The stored figures of every recipe for the minor version of a JAX; None if there are none."""
    with open(STORED) as file:
        return json.load(file).get(_minor(version))


def slow_convolutions(text):
    """Convolutions of a program for the CPU for which XLA has no fast form.

    These are exchanged ones, where the kernel is larger than the image; those in groups; and gradients of
    kernels with zeros between the pixels of the image.
    """
    lines = re.findall(r"^.* convolution\(.*$", text, re.MULTILINE)
    return [line.strip() for line in lines if _is_slow(line)]


def _is_slow(convolution):
    groups = re.search(r"(feature|batch)_group_count=(?!1\b)", convolution)
    zeros = "lhs_dilate" in convolution and "dim_labels=b01f_01io->b01f" not in convolution
    return bool("rhs_reversal" in convolution or groups or zeros)


def _minor(version):
    """The minor version, such as 0.10."""
    return ".".join(version.split(".")[:2])


def main():
    sys.path.insert(0, os.path.join(HERE, ".."))
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", 8)
    with open(STORED) as file:
        figures = json.load(file)
    figures[_minor(jax.__version__)] = {
        os.path.basename(path)[:-3]: of(compiled_step(path)) for path in CONFIGS
    }
    with open(STORED, "w") as file:
        json.dump(figures, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
