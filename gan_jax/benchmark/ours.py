"""Training as `gan_jax.training.train` does it, and with plain convolutions: the very program that trains is timed."""

import functools
import time
from typing import Any, Callable, NamedTuple

import jax

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.benchmark.subject import Subject
from gan_jax.data.batches import batches
from gan_jax.nets import convolution
from gan_jax.runtime import cpu, parallel
from gan_jax.training.compiled import compiled
from gan_jax.training.diagnostics import diagnostics

_LAYOUT = ("NHWC", "HWIO", "NHWC")


class Run(NamedTuple):
    """A recipe that trains.

    Attributes:
        programs: Its Programs.
        arguments: What `programs.step` takes.
        advance: As in Subject.
        parameters: LoadedModel numbers by player.
    """

    programs: Any
    arguments: tuple
    advance: Callable
    parameters: dict


def running(recipe, source, fed, mesh):
    """The program that `gan_jax.training.train` trains with, at its first step.

    Args:
        recipe: The Recipe.
        source: The Source trained on.
        fed: Its Batches.
        mesh: Mesh of the devices.

    Returns:
        The Run.
    """
    train_spec = build.train_spec(recipe, source.modality, parallel.spread(mesh))
    key = jax.random.key(recipe.seed)
    diagnose = functools.partial(diagnostics, train_spec)
    programs = compiled(train_spec, diagnose, source.modality, recipe.batch_size, fed.decode, mesh, key)
    state, done = programs.init(key), 0
    parameters = {player: _count(params) for player, params in state.params.items()}

    def advance(count):
        nonlocal state, done
        for given in fed.feed(done, done + count):
            state, _ = programs.step(state, fed.resident, given, key)
        done += count
        jax.block_until_ready(state)

    (first,) = fed.feed(0, 1)
    return Run(programs, (programs.abstract, fed.resident, first, key), advance, parameters)


def prepare(recipe):
    """A recipe, ready to train on this process's devices.

    Args:
        recipe: The Recipe.

    Returns:
        The Subject.
    """
    cpu.keep_memory()
    compiling = _compilations()
    recipe_lib.validate(recipe)
    mesh, source = parallel.mesh(recipe.batch_size), build.source(recipe)
    decode = build.decoder(recipe, source.modality)
    fed = batches(source, recipe.batch_size, recipe.batches_per_step, recipe.seed, mesh, decode)
    run = running(recipe, source, fed, mesh)
    return Subject(
        advance=run.advance,
        parameters=run.parameters,
        versions={"jax": jax.__version__},
        compile_seconds=lambda: sum(compiling),
        flops=lambda: run.programs.step.lower(*run.arguments).compile().cost_analysis().get("flops"),
    )


def prepare_plain(recipe):
    """The same with PLAIN's convolutions, in this process for good.

    Args:
        recipe: The Recipe.

    Returns:
        The Subject.
    """
    for name, function in PLAIN.items():
        setattr(convolution, name, function)
    return prepare(recipe)


def _conv(x, kernel, strides, groups=1):
    return jax.lax.conv_general_dilated(
        x, kernel, strides, "SAME", dimension_numbers=_LAYOUT, feature_group_count=groups
    )


def _up(x, kernel, strides, padding):
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), padding, lhs_dilation=strides, dimension_numbers=_LAYOUT
    )


# Functions of `nets/convolution.py` as plain Flax has them: those of `jax.lax`, with its derivatives.
PLAIN = {"conv": _conv, "grouped_conv": _conv, "up": _up}


def _compilations():
    """A list to which the seconds of every compilation from now on are added."""
    seconds = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seconds


def _count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def matrix_product_peak(seconds, size=2_048):
    """The best rate of float32 matrix products, of a size at which they run at the machine's peak.

    Args:
        seconds: How long to measure.
        size: Rows and columns.

    Returns:
        FLOP/s.
    """
    product = jax.jit(lambda a, b: a @ b, compiler_options=cpu.compiler_options())  # As steps have it.
    a = jax.random.normal(jax.random.key(0), (size, size))
    jax.block_until_ready(product(a, a))
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        begun = time.perf_counter()
        jax.block_until_ready(product(a, a))
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 / best
