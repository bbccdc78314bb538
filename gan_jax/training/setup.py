"""Everything that a run needs before anything is written, and every mistake that can be known by then."""

from typing import Any, Callable, NamedTuple

import jax

from gan_jax import build, terms
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.data.source import facts
from gan_jax.errors import UsageError
from gan_jax.runtime import folders, parallel
from gan_jax.sampling.samples import previewer, first_of, pictured, sampler
from gan_jax.training import evaluating


class Prepared(NamedTuple):
    """What a run needs before anything is written.

    Attributes:
        mesh: Mesh over the devices of all processes.
        source: The Source trained on.
        rules: The TrainSpec.
        watch: From `watching.watch`.
        show: From `sample.pictured`.
    """

    mesh: Any
    source: Any
    train_spec: Any
    watch: Callable
    show: Callable


def prepare(recipe, workdir, data_dir=None):
    """Finds out whether everything that a user can get wrong is right. Writes nothing.

    Args:
        recipe: The Recipe.
        workdir: Folder of the run; it need not exist.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        The Prepared.

    Raises:
        UsageError: A mistake in the recipe or the workdir.
    """
    folders.check_writable(workdir)
    _check_same_run(recipe, workdir)
    mesh = parallel.mesh(recipe.batch_size, slices=recipe.accumulate, model_devices=recipe.model_devices)
    source = build.source(recipe, data_dir)
    train_spec = build.train_spec(recipe, facts(source), parallel.spread(mesh))
    check(recipe, train_spec, facts(source), jax.random.key(recipe.seed), parallel.replicated(mesh))
    # Samples are drawn on one device; a game whose latents are spread over all of them would not do.
    game = build.train_spec(recipe, facts(source)).game
    sample, real = sampler(game, facts(source)), first_of(lambda: source.heldout() or source)
    watch = evaluating.watch(recipe, game, source, sample)
    show = pictured(previewer(game, facts(source), sample, real), facts(source), real)
    return Prepared(mesh, source, train_spec, watch, show)


def _check_same_run(recipe, workdir):
    """A workdir belongs to one recipe; only its RESUMABLE may change."""
    stored, _ = checkpoint.read_recipe(workdir)
    # Through a Recipe, so that fields which are younger than the run have their defaults.
    old = recipe_lib.to_dict(recipe_lib.from_dict(stored)) if stored else None
    lines = recipe_lib.differences(old, recipe_lib.to_dict(recipe)) if stored else []
    if lines:
        raise UsageError(
            f"{workdir} holds a run of another recipe ({'; '.join(lines)}); give another --workdir"
        )


def check(recipe, train_spec, facts, key, sharding=None):
    """Traces one round on blank data: every term finds what it reads, every shape fits. Compiles nothing.

    Args:
        recipe: The Recipe.
        rules: Its TrainSpec.
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        key: Random key.
        sharding: Over the mesh of a run, which then need not trace the round again.

    Raises:
        UsageError: A term reads what its game does not offer.
    """
    state = parallel.abstract(build.start(train_spec, facts, recipe.batch_size), key, sharding)
    offered = build.offers(train_spec, facts, recipe.batch_size)
    for player, player_terms in train_spec.terms.items():
        terms.check(player, player_terms, [*offered, "params"])
    # Shapes alone: a batch may be larger than this machine.
    shape = recipe.batches_per_step, recipe.batch_size
    batches = parallel.abstract(lambda _: build.blank(facts, *shape), key, sharding)
    jax.eval_shape(train_spec.play, state, batches, key)
