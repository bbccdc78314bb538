"""The preparation of a run: every mistake that can be found before anything is written or trained."""

import functools
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from gan_jax import build, terms
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.data import fingerprint
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features.types import Maps
from gan_jax.recipe import Recipe
from gan_jax.runtime import folders, memory, parallel
from gan_jax.sampling import samples
from gan_jax.step import TrainSpec, TrainState
from gan_jax.training import demand, evaluating, initial
from gan_jax.training.diagnostics import diagnostics
from gan_jax.types import Game, Modality

log = logging.getLogger("gan_jax")


class Prepared(NamedTuple):
    """Everything that a run needs before anything is written.

    Attributes:
        mesh: Mesh over the devices of all processes.
        source: The Source trained on.
        modality: Of the data.
        train_spec: The TrainSpec.
        decode: `(key, rows) -> batch`, from `build.decoder`.
        diagnose: `(state, batch, key) -> numbers`, traced once for all its callers.
        watch: The Watch that evaluates the run.
        preview: `(state, key, count) -> picture`, from `samples.previewer`.
        begins: The Initial: arrays of another run to begin with.
        least: The least memory of a step.
        abstract: Shapes and dtypes of the state.
        real: From a count to a picture of as many real rows, those that previews show if they show any.
        features: The fixed network of perceptual losses, perhaps not loaded; None if there is none.
    """

    mesh: jax.sharding.Mesh
    source: Source
    modality: Modality
    train_spec: TrainSpec
    decode: Callable[[jax.Array, dict], dict]
    diagnose: Callable[..., dict[str, dict[str, jax.Array]]]
    watch: evaluating.Watch
    preview: Callable[[TrainState, jax.Array, int], Any]
    begins: initial.Initial
    least: demand.Demand
    abstract: TrainState
    real: Callable[[int], Any]
    features: Maps | None


def prepare(
    recipe: Recipe,
    workdir: str,
    data_dir: str | None = None,
    accept_changed_data: bool = False,
    init_from: initial.Origin | None = None,
) -> Prepared:
    """Finds every mistake that a user can make. Writes nothing, compiles nothing, trains no classifier.

    The step, the sampler, the grid, the diagnostics and the evaluation are traced.

    Args:
        recipe: The Recipe.
        workdir: Folder of the run; it need not exist.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        accept_changed_data: Go on although the data is not that of the run's last start.
        init_from: Another run whose parameters this one begins with.

    Returns:
        The Prepared.

    Raises:
        UsageError: A mistake in the recipe or the workdir.
    """
    folders.check_writable(workdir)
    _check_same_run(recipe, workdir)
    mesh = parallel.mesh(recipe.batch_size, slices=recipe.accumulate, model_devices=recipe.model_devices)
    source = build.source(recipe, data_dir)
    _check_same_data(source, workdir, accept_changed_data)
    modality = source.modality
    features = build.perceptual(recipe, source)
    train_spec = build.train_spec(recipe, modality, parallel.spread(mesh), features)
    diagnose = jax.jit(functools.partial(diagnostics, train_spec), inline=True)
    # Samples are made on one device; a game whose latents are spread over all devices would not do.
    game = build.train_spec(recipe, modality, features=features).game
    state = check(recipe, train_spec, modality, parallel.replicated(mesh), game)
    least = check_memory(recipe, train_spec, modality, state, mesh)
    if recipe.diagnostics_every:
        _check_diagnostics(recipe, diagnose, modality, state)
    sample, first = samples.sampler(game, modality), samples.first_of(lambda: source.heldout() or source)
    return Prepared(
        mesh=mesh,
        source=source,
        modality=modality,
        train_spec=train_spec,
        decode=build.decoder(recipe, modality),
        diagnose=diagnose,
        watch=evaluating.watch(recipe, game, source, sample),
        preview=samples.previewer(game, modality, sample, first),
        begins=initial.found(init_from, workdir, state),
        least=least,
        abstract=state,
        real=lambda count: modality.preview(first(count)["real"], lambda: first(count)["real"]),
        features=features,
    )


def _check_same_run(recipe, workdir):
    """A workdir belongs to one recipe; only its RESUMABLE fields may change."""
    stored, _ = checkpoint.read_recipe(workdir)
    lines = recipe_lib.differences(stored, recipe_lib.to_dict(recipe)) if stored else []
    if lines:
        raise UsageError(
            f"{workdir} holds a run of another recipe ({'; '.join(lines)}); give another --workdir"
        )


def _check_same_data(source, workdir, accept):
    """A run goes on with the data that it knows, unless other data are accepted."""
    _, stored = checkpoint.read_recipe(workdir)
    if not stored or not (lines := fingerprint.changes(stored, fingerprint.describe(source))):
        return
    changed = f"{workdir}: the data has changed since the run's last start ({'; '.join(lines)})"
    if not accept:
        raise UsageError(
            f"{changed}; bring the old data back, give another --workdir, or go on with what there is now by "
            "--accept_changed_data"
        )
    log.warning("%s, and the run goes on with it", changed)


def check(
    recipe: Recipe,
    train_spec: TrainSpec,
    modality: Modality,
    sharding: jax.sharding.Sharding | None = None,
    game: Game | None = None,
) -> TrainState:
    """Traces samples and one step on blank data: every term finds its inputs, every shape fits.

    Nothing is compiled.

    Args:
        recipe: The Recipe.
        train_spec: Its TrainSpec.
        modality: Of the data.
        sharding: Over the mesh of a run, which then need not trace the step again.
        game: The same game on one device, which makes the samples; None if it is that of the TrainSpec.

    Returns:
        Shapes and dtypes of the state.

    Raises:
        UsageError: Samples have another shape than the data, or a term reads a name that its game does not
            offer.
    """
    key = jax.random.key(recipe.seed)
    state = parallel.abstract(build.start(train_spec, modality, recipe.batch_size), key, sharding)
    # First: in the step, samples of another shape fail inside a network, with a message about its kernel.
    check_samples(recipe, game or train_spec.game, modality, state)
    offered = build.offers(train_spec, modality, recipe.batch_size)
    for player, player_terms in train_spec.terms.items():
        terms.check(player, player_terms, [*offered, "params"])
    jax.eval_shape(train_spec.step, state, abstract_batches(recipe, modality, sharding), key)
    return state


def abstract_batches(
    recipe: Recipe, modality: Modality, sharding: jax.sharding.Sharding | None = None
) -> dict[str, jax.ShapeDtypeStruct]:
    """Shapes and dtypes of the batches of one step, which may be larger than this machine."""
    shape = recipe.batches_per_step, recipe.batch_size
    return parallel.abstract(lambda _: build.blank(modality, *shape), jax.random.key(recipe.seed), sharding)


def check_memory(
    recipe: Recipe, train_spec: TrainSpec, modality: Modality, state: TrainState, mesh: jax.sharding.Mesh
) -> demand.Demand:
    """Refuses a run that surely needs more memory than there is, before anything of its size is made.

    Args:
        recipe: The Recipe.
        train_spec: Its TrainSpec.
        modality: Of the data.
        state: Shapes, dtypes and shardings of the state, from `check`.
        mesh: The mesh of the run.

    Returns:
        The Demand of a step.

    Raises:
        UsageError: State, step or grid need more memory than a device or this machine has.
    """
    memory.check_host(f"grid_size={recipe.grid_size}", recipe.grid_size * samples.bytes_of_sample(modality))
    batches = abstract_batches(recipe, modality, parallel.replicated(mesh))
    least = demand.of_step(train_spec.step, state, batches, mesh)
    there = recipe.device_memory * 2**30 or memory.of_device()
    if least.bytes > there:
        raise UsageError(
            f"a step of batch_size={recipe.batch_size} needs at least {memory.gibibytes(least.bytes)} on a "
            f"device, {memory.gibibytes(least.state)} of it for parameters, averages and optimizers, and a "
            f"device has {memory.gibibytes(there)}; {memory.LEVERS}; "
            f"device_memory={-(-least.bytes // 2**30)} insists"
        )
    return least


def check_samples(recipe: Recipe, game: Game, modality: Modality, state: TrainState) -> None:
    """Traces the sampler and the grid: samples must have the shape and type of the data. Compiles nothing.

    Args:
        recipe: The Recipe.
        game: Its Game, on one device.
        modality: Of the data.
        state: Shapes and dtypes of the TrainState.

    Raises:
        UsageError: Samples have another shape or type.
    """
    local = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), state)
    samples.check(game, modality, local, recipe.grid_size)


def _check_diagnostics(recipe, diagnose, modality, state):
    """Traces the diagnostics of one slice of a batch."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    blank = jax.eval_shape(lambda: build.blank(modality, recipe.batch_size // recipe.accumulate))
    jax.eval_shape(diagnose, state, blank, key)
