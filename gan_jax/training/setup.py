"""The preparation of a run: every mistake that can be found before anything is written or trained."""

import functools
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from gan_jax import build, images, terms
from gan_jax import recipe as recipe_lib
from gan_jax import stages as stages_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.data import fingerprint
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features.types import Maps
from gan_jax.recipe import Recipe
from gan_jax.runtime import folders, memory, parallel
from gan_jax.sampling import samples
from gan_jax.stages import Stage
from gan_jax.step import TrainSpec, TrainState
from gan_jax.training import demand, evaluating, initial
from gan_jax.training.diagnostics import diagnostics
from gan_jax.types import Game, Modality

log = logging.getLogger("gan_jax")


class Part(NamedTuple):
    """The functions of a stage of a run.

    Attributes:
        stage: The Stage.
        modality: Of the data as its networks see them.
        train_spec: The TrainSpec.
        decode: `(key, rows) -> batch`, from `build.decoder`.
        diagnose: `(state, batch, key) -> numbers`, traced once for all its callers.
        game: The game on one device, from which samples are made.
        least: The least memory of a step.
        abstract: Shapes and dtypes of a state with which its steps could begin.
    """

    stage: Stage
    modality: Modality
    train_spec: TrainSpec
    decode: Callable[[jax.Array, dict], dict]
    diagnose: Callable[..., dict[str, dict[str, jax.Array]]]
    game: Game
    least: demand.Demand
    abstract: TrainState


class Prepared(NamedTuple):
    """Everything that a run needs before anything is written.

    Attributes:
        mesh: Mesh over the devices of all processes.
        source: The Source trained on.
        whole: The recipe without its stages, which makes the first state.
        parts: The stages; one, the whole, for a recipe without.
        watch: The Watch that evaluates the run.
        preview: `(state, key, count) -> picture`, from `samples.previewer`.
        begins: The Initial: arrays of another run to begin with.
        real: From a count to a picture of as many real rows, those that previews show if they show any.
        features: The fixed network of perceptual losses, perhaps not loaded; None if there is none.
    """

    mesh: jax.sharding.Mesh
    source: Source
    whole: Part
    parts: tuple[Part, ...]
    watch: evaluating.Watch
    preview: Callable[[TrainState, jax.Array, int], Any]
    begins: initial.Initial
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
    stages = stages_lib.of(recipe)
    mesh = [
        parallel.mesh(each.batch_size, slices=each.accumulate, model_devices=each.model_devices)
        for each in [recipe, *(stage.recipe for stage in stages)]
    ][0]
    source = build.source(recipe, data_dir)
    _check_same_data(source, workdir, accept_changed_data)
    modality = source.modality
    features = build.perceptual(recipe, source)
    whole = _part(stages_lib.of_all(recipe), modality, mesh, features)
    parts = tuple(_part(stage, modality, mesh, features) for stage in stages) if recipe.stages else (whole,)
    for part in parts:
        _check_same_state(part, whole.abstract)
    sample, preview = _shown(whole, parts, first := samples.first_of(lambda: source.heldout() or source))
    return Prepared(
        mesh=mesh,
        source=source,
        whole=whole,
        parts=parts,
        watch=evaluating.watch(recipe, whole.game, source, sample),
        preview=preview,
        begins=initial.found(init_from, workdir, whole.abstract),
        real=lambda count: modality.preview(first(count)["real"], lambda: first(count)["real"]),
        features=features,
    )


def _part(stage, modality, mesh, features):
    """The functions of a stage, traced on blank data."""
    recipe = stage.recipe
    modality = build.staged(modality, stage)
    train_spec = build.train_spec(recipe, modality, parallel.spread(mesh), features, stage)
    diagnose = jax.jit(functools.partial(diagnostics, train_spec), inline=True)
    # Samples are made on one device; a game whose latents are spread over all devices would not do.
    game = build.train_spec(recipe, modality, features=features).game
    state = check(recipe, train_spec, modality, parallel.replicated(mesh), game)
    least = check_memory(recipe, train_spec, modality, state, mesh)
    if recipe.diagnostics_every:
        _check_diagnostics(recipe, diagnose, modality, state)
    return Part(stage, modality, train_spec, build.decoder(recipe, modality), diagnose, game, least, state)


def _check_same_state(part, whole):
    """The arrays of a stage are among those of the recipe without stages, which every stage hands on."""
    known = {path: (leaf.shape, leaf.dtype) for path, leaf in checkpoint.named(whole).items()}
    for path, leaf in checkpoint.named(part.abstract).items():
        if known.get(path) != (leaf.shape, leaf.dtype):
            there = f"{known[path][1]}{list(known[path][0])}" if path in known else "nothing"
            raise UsageError(
                f"stages.{part.stage.name}: {path} is {leaf.dtype}{list(leaf.shape)} there, and {there} in the "
                "recipe without stages; a stage has the same parameters and optimizers, or fewer"
            )


def _shown(whole, parts, first):
    """The sampler and the previewer of a run: samples of an earlier stage are enlarged to the last size."""
    stages = tuple(part.stage for part in parts)
    height = whole.modality.spec["real"].shape[0] if len(parts) > 1 else 1

    def large(part):
        factor = height // part.modality.spec["real"].shape[0] if len(parts) > 1 else 1
        return _enlarged(part.game, factor)

    games = [large(part) for part in parts]
    samplers = [samples.sampler(game, whole.modality) for game in games]
    previewers = [
        samples.previewer(game, whole.modality, sample, first) for game, sample in zip(games, samplers)
    ]

    def number(state):
        return stages.index(stages_lib.at(stages, int(state.step))) if len(parts) > 1 else 0

    return (
        lambda state, *rest, **options: samplers[number(state)](state, *rest, **options),
        lambda state, *rest: previewers[number(state)](state, *rest),
    )


def _enlarged(game, factor):
    """The game, whose samples are images so many times as large."""

    def large(function):
        return function and (lambda *inputs: images.enlarged(function(*inputs), factor))

    return game._replace(sample=large(game.sample), preview=large(game.preview)) if factor > 1 else game


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
