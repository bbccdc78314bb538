"""The program that `gan_jax.training.train` trains with, and the same with plain convolutions."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.benchmark.subject import Subject
from gan_jax.data.batches import Batches, batches
from gan_jax.data.source import Source
from gan_jax.nets import convolution
from gan_jax.recipe import Recipe
from gan_jax.runtime import cpu, parallel
from gan_jax.training.compiled import Programs, compiled
from gan_jax.training.diagnostics import diagnostics

_LAYOUT = ("NHWC", "HWIO", "NHWC")


class Run(NamedTuple):
    """A recipe in training.

    Attributes:
        programs: Its Programs.
        arguments: Arguments of `programs.step`.
        advance: As in Subject.
        parameters: As in Subject.
    """

    programs: Programs
    arguments: tuple[Any, ...]
    advance: Callable[[int], None]
    parameters: dict[str, int]


def running(recipe: Recipe, source: Source, fed: Batches, mesh: jax.sharding.Mesh) -> Run:
    """The program that `gan_jax.training.train` trains with, at its first step, in calls of `steps_per_call`.

    Args:
        recipe: The Recipe.
        source: The Source trained on.
        fed: Its Batches.
        mesh: Mesh of the devices.

    Returns:
        The Run.
    """
    features = build.perceptual(recipe, source)
    spread = parallel.spread(mesh)
    train_spec = build.train_spec(recipe, source.modality, spread, features and features.loaded())
    key = jax.random.key(recipe.seed)
    diagnose = functools.partial(diagnostics, train_spec)
    programs = compiled(train_spec, diagnose, source.modality, recipe.batch_size, fed.decode, mesh, key)
    state, done = programs.init(key), 0
    parameters = {player: _count(params) for player, params in state.params.items()}

    def calls(start, stop):
        edges = [*range(start, stop, recipe.steps_per_call), stop]
        return (range(*edge) for edge in zip(edges, edges[1:]))

    def advance(count):
        nonlocal state, done
        for call_feed in fed.feed(done, done + count, calls):
            state, _ = programs.step(state, fed.resident, call_feed, key)
        done += count
        jax.block_until_ready(state)

    (first,) = fed.feed(0, recipe.steps_per_call, calls)
    return Run(programs, (programs.abstract, fed.resident, first, key), advance, parameters)


def prepare(recipe: Recipe) -> Subject:
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
        flops=lambda: (_program(run).cost_analysis() or {}).get("flops"),
        memory=lambda: _memory(_program(run).memory_analysis()),
    )


def _program(run):
    """The compiled step, with XLA's counts of its operations and its memory."""
    return run.programs.step.lower(*run.arguments).compile()


def _memory(analysis):
    """Bytes of inputs, outputs and everything in between; donated inputs are outputs too. None if unknown."""
    if analysis is None:
        return None
    sizes = analysis.argument_size_in_bytes + analysis.output_size_in_bytes + analysis.temp_size_in_bytes
    return sizes - analysis.alias_size_in_bytes


def prepare_plain(recipe: Recipe) -> Subject:
    """The same with the convolutions of PLAIN, which stay in place until the process ends.

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


# Functions of `nets/convolution.py` as in plain Flax: those of `jax.lax`, with its derivatives.
PLAIN = {"conv": _conv, "grouped_conv": _conv, "up": _up}


def _compilations():
    """A list to which the seconds of every later compilation are added."""
    seconds: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seconds.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seconds


def _count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def matrix_product_peak(
    seconds: float, size: int = 2_048, dtype: str = "float32", precision: str = "default"
) -> float:
    """The best rate of matrix products, of a size at which they reach the machine's peak.

    Args:
        seconds: Duration of the measurement.
        size: Rows and columns.
        dtype: Type of the matrices.
        precision: As `matmul_precision` in a recipe.

    Returns:
        FLOP/s.
    """
    multiply = functools.partial(jax.numpy.matmul, precision=precision)
    product = jax.jit(multiply, compiler_options=cpu.compiler_options())  # As for steps.
    a = jax.random.normal(jax.random.key(0), (size, size), dtype)
    jax.block_until_ready(product(a, a))
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        begun = time.perf_counter()
        jax.block_until_ready(product(a, a))
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 / best
