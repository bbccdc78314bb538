"""The Python interface: recipes, training and models without a command line."""

import contextlib
import functools
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import PIL.Image
from absl import logging as absl_logging

from gan_jax import build, images
from gan_jax import overrides as overrides_lib
from gan_jax import recipe as recipe_lib
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.evaluation import reports
from gan_jax.recipe import Recipe
from gan_jax.sampling import loading, modified, samples
from gan_jax.sampling import translate as translate_lib
from gan_jax.sampling.loading import LoadedModel
from gan_jax.training import initial
from gan_jax.training import train as training
from gan_jax.training.adapted import adapted

log = logging.getLogger("gan_jax")


def load_recipe(config: str, **overrides: Any) -> Recipe:
    """A recipe from a config file, with some of its fields changed.

    Args:
        config: Path of the file, or name of one in the package, perhaps with `:name` of other data, as in
            `dcgan`, `dcgan:mnist` or `mine/recipe.py`.
        **overrides: New values of the recipe's fields. A dict changes the entries that it names, at any
            depth: `data=dict(resolution=64)`; an entry of None is removed from the recipe. Where another
            function is named, what was written for the one before and it does not take is left out, and said.

    Returns:
        The Recipe.

    Raises:
        UsageError: No such file, a file without a recipe, or a mistake in the changes.
    """
    written = recipe_lib.load(config)
    changed = overrides_lib.merged(written, overrides)
    recipe_lib.validate(changed)
    with _logged():
        return adapted(written, changed)


def load_data(recipe: Recipe, data_dir: str | None = None) -> Source:
    """The data that a recipe trains on.

    Args:
        recipe: The Recipe.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        The Source: its `name`, `size` and `classes`, and `read`, a function from row numbers to a dict of
        arrays as the data is stored: `real`, images uint8 [N, H, W, C], and `label` int32 [N] where there are
        classes.

    Raises:
        UsageError: No such data set, or one that is not prepared and cannot be.
    """
    with _logged():
        return build.source(recipe, data_dir)


def picture(rows: npt.ArrayLike, columns: int = 0) -> PIL.Image.Image:
    """A grid of images, which a notebook shows and `.save("samples.png")` writes.

    Args:
        rows: Images [N, H, W, C] with C 1 or 3 and N at least 1: uint8, as `Model.sample` returns and data is
            stored, or floats in [-1, 1], as `Model.generator` returns.
        columns: Images a row; 0 for about as many as there are rows.

    Returns:
        The picture; small images are enlarged by a whole number.

    Raises:
        UsageError: Arrays of other shapes, such as points of the plane.
    """
    array = np.asarray(rows)
    if array.ndim != 4 or not len(array) or array.shape[-1] not in (1, 3):
        raise UsageError(f"picture: expected images [N, H, W, 1 or 3], got {list(array.shape)}")
    pixels = array if array.dtype == np.uint8 else np.asarray(images.to_uint8(jnp.asarray(array)))
    return images.pil(images.grid(pixels, columns=columns))


def train(
    recipe: Recipe,
    workdir: str | os.PathLike,
    data_dir: str | None = None,
    *,
    accept_changed_data: bool = False,
    init_from: "Model | None" = None,
    trackers: Sequence[str] = (),
) -> "Model":
    """Trains a recipe to its last step, or resumes the run in the workdir; progress is logged to stderr.

    Args:
        recipe: The Recipe.
        workdir: Folder of the run; made if it does not exist.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        accept_changed_data: Go on although the data is not that of the run's last start.
        init_from: A trained Model: begin with its parameters where names and shapes agree, and with new
            optimizers. Where the workdir has a checkpoint already, nothing is taken again.
        trackers: Names of trackers that the run also reports to: `wandb`, `mlflow`.

    Returns:
        The Model of the newest checkpoint.

    Raises:
        UsageError: A mistake in the recipe or the workdir; nothing has been written or trained.
        Divergence: A loss or a parameter is not finite; the last good checkpoint is kept.
        Fault: A disk, the workdir or data failed, or memory is exhausted; the last good checkpoint is kept.
    """
    with _logged(), _without_orbax_logs():
        training.run(
            recipe, os.fspath(workdir), data_dir,
            accept_changed_data=accept_changed_data,
            init_from=init_from._as_origin() if init_from else None, trackers=trackers,
        )  # fmt: skip
    return load(workdir, trust=True)  # It was trained by functions of this process.


def load(
    workdir: str | os.PathLike,
    step: int | str | None = None,
    *,
    trust: bool = False,
    truncation: float | None = None,
    standing: int = 0,
) -> "Model":
    """A model from the workdir of a run.

    Args:
        workdir: Folder of a run.
        step: Steps taken, `best`, or None for the newest checkpoint.
        trust: Import whatever modules the workdir names, which runs their code. Without it, a workdir whose
            recipe names functions outside of gan_jax, optax, flax.linen and jax.nn is refused.
        truncation: Entries of the latents that are larger than this are drawn again; None for no limit.
        standing: Batches of samples from averaged parameters, of which the generator's batch norms get the
            statistics; 0 for the running ones of training.

    Returns:
        The Model.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, a damaged one, or one that names other code;
            latents that cannot be truncated; a generator without batch norm.
    """
    with _without_orbax_logs():
        loaded = loading.load(os.fspath(workdir), step, trust=trust)
    return Model(modified.modified(loaded, truncation, standing))


class Model:
    """A trained model: one checkpoint of a run.

    Attributes:
        loaded: The LoadedModel: its recipe, train spec, modality, state and step.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        """Wraps a LoadedModel, as `load` does."""
        self.loaded = loaded

    def __repr__(self) -> str:
        """The run and the step."""
        return f"Model(workdir={self.workdir!r}, step={self.step})"

    @property
    def workdir(self) -> str:
        """Folder of the run."""
        return self.loaded.workdir

    @property
    def step(self) -> int:
        """Steps that the checkpoint was trained for."""
        return self.loaded.step

    @property
    def recipe(self) -> Recipe:
        """The run's Recipe."""
        return self.loaded.recipe

    def _as_origin(self):
        """The parameters of this model, for the start of another run."""
        return initial.Origin(self.workdir, self.step, self.loaded.trust)

    def sample(
        self,
        count: int,
        *,
        seed: int = 0,
        labels: Sequence[int | str] = (),
        conditions: Mapping[str, np.ndarray] | None = None,
        averaged: bool = True,
        data_dir: str | None = None,
    ) -> np.ndarray:
        """Samples as the data is stored: images are uint8 [count, H, W, C].

        Args:
            count: Number of samples, at least 1.
            seed: Of the latents. A sample depends on the seed, its row and its conditions, not on the count.
            labels: Numbers or names of classes to ask for, repeated as often as needed; empty for one class a
                row of a grid. A string is a name, or the number of a class if no class has this name.
            conditions: Stored rows of the game's conditions by name, arrays [count, *shape], such as `source`
                images uint8 [count, H, W, C]; None for labels alone, and real rows for all others.
            averaged: Use averaged parameters.
            data_dir: Folder of prepared TFDS data, for conditions from real rows.

        Returns:
            Array [count, *shape].

        Raises:
            UsageError: A count below 1, labels that the model does not know, missing conditions, or standing
                statistics of other parameters.
        """
        if self.loaded.standing and not averaged:
            raise UsageError("averaged=False: the model's standing statistics are of averaged parameters")
        if conditions is None:
            of_rows = samples.conditions_of(self.loaded, count, labels, data_dir)
        else:
            of_rows = _checked_conditions(self.loaded, count, conditions)
        return samples.draw(self.loaded, count, seed, of_rows, averaged)

    @functools.cached_property
    def generator(self) -> Callable[..., jax.Array]:
        """The generator as a pure function, for `jax.jit`, `jax.grad` and `jax.vmap`.

        `(latents, key=None, **conditions) -> samples` [B, *shape], as networks see them: images are float32
        in [-1, 1]. Conditions are decoded rows by name, such as `label` int32 [B]. Latents are those of
        `latents`; None for a game without latents. The key matters only to generators that draw more.
        """
        model = self.loaded
        params, carry = model.state.sampling_params(), model.state.carry

        def generate(latents: Any, key: jax.Array | None = None, **conditions: jax.Array) -> jax.Array:
            key = jax.random.key(0) if key is None else key
            return model.game.sample(params, carry, latents, conditions, key)

        return generate

    def latents(self, count: int, seed: int = 0) -> Any:
        """The latents from which `sample` makes its rows.

        Args:
            count: Number of latents.
            seed: Of the latents.

        Returns:
            Any pytree of arrays [count, ...]; None for a game without latents.
        """
        game = self.loaded.game
        return None if game.draw is None else samples.latents_of(game, jax.random.key(seed), np.arange(count))

    def translate(
        self,
        images: Any,
        *,
        mask: Any = None,
        backward: bool = False,
        tile: int | None = None,
        overlap: int | None = None,
        blend_with: "Model | None" = None,
        share: float = translate_lib.SHARE,
        averaged: bool = True,
    ) -> Any:
        """Translations of images of any size, as `--mode=translate` writes them.

        Where the networks see only a part of an image, it is translated in tiles, else as a whole. A grey
        image stays grey where the model translates colours to colours, and opacity is kept.

        Args:
            images: One image or a list of them, of any sizes: arrays uint8 [h, w, C], C 1 to 4 (grey, grey
                and opacity, colour, colour and opacity), or paths of files; or an array uint8 [N, h, w, C].
            mask: For models that fill holes: as many arrays [h, w], not 0 in the holes, or paths of images
                that are white there. None for the transparent pixels of each image.
            backward: From images like `real` to images like `source`, where the game has a way back.
            tile: Side of a tile, pixels; None for 256, or the whole image where the networks see all of it.
            overlap: Pixels that a tile sees beyond its part on each side; None for as many as the networks
                see and 8 more.
            blend_with: A model of the same networks, with whose generator's parameters these are blended.
            share: This model's share of the parameters then, in [0, 1].
            averaged: Use averaged parameters.

        Returns:
            One array uint8 [h * scale, w * scale, C], or a list of them, as images are given; for an array of
            N images an array.

        Raises:
            UsageError: An image that cannot be read or translated, or a model that translates none.
            Fault: The outputs are not finite.
        """
        single = isinstance(images, (str, os.PathLike)) or hasattr(images, "dtype") and images.ndim < 4
        masks = None if mask is None else [mask] if single else mask
        with _logged():
            results = translate_lib.arrays(
                self.loaded, [images] if single else images,
                masks=masks, blend_with=blend_with.loaded if blend_with else None, share=share,
                backward=backward, tile=tile, overlap=overlap, averaged=averaged,
            )  # fmt: skip
        if single:
            return results[0]
        return np.stack(results) if hasattr(images, "dtype") else results

    def evaluate(
        self,
        metrics: Mapping[str, dict] | Sequence[str] = ("quick",),
        *,
        features: str | None = None,
        num_samples: int | None = None,
        seed: int = 0,
        averaged: bool = True,
        data_dir: str | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Evaluates the model against the data it was trained on; also writes `evaluations/` in the workdir.

        Args:
            metrics: Names of metrics, `quick`, `all`, or a dict from names to hyperparameters.
            features: The network whose features metrics compare: `classifier`, `pixels`, `cifar10`,
                `inception`, a file, or a dotted path; None for that of the recipe's evaluations in training.
            num_samples: Samples generated; None for as many as are held out, 10,000 at most.
            seed: Seed of latents and of everything random in metrics.
            averaged: Use averaged parameters.
            data_dir: Folder of prepared TFDS data.

        Returns:
            By name of a value, a dict of `value` and, where there is one, `real_baseline`; where held-out
            rows cannot give one, `no_real_baseline` is the reason.

        Raises:
            UsageError: A metric that does not exist, or whose inputs are not available.
        """
        with _logged(), _without_orbax_logs():
            records = reports.of_workdir(
                self.workdir, metrics=metrics, features_name=features, num_images=num_samples, seed=seed,
                step=self.step, averaged=averaged, data_dir=data_dir, trust=self.loaded.trust,
                truncations=() if self.loaded.truncation is None else (self.loaded.truncation,),
                standing=self.loaded.standing,
            )  # fmt: skip
        return records[self.step]["values"]


def _checked_conditions(
    model: LoadedModel, count: int, conditions: Mapping[str, np.ndarray]
) -> samples.Conditions:
    """Conditions that the caller gives, checked."""
    for name in model.game.conditions:
        shape = (count, *model.modality.spec[name].shape)
        if name not in conditions:
            raise UsageError(f"conditions: {name!r} is missing, {list(shape)}")
        if np.shape(conditions[name]) != shape:
            raise UsageError(
                f"conditions[{name!r}]: expected {list(shape)}, got {list(np.shape(conditions[name]))}"
            )
    return lambda rows: {name: np.asarray(conditions[name])[rows] for name in model.game.conditions}


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Shows the project's log lines on stderr, unless the program has set up logging itself."""
    # Handlers tell nothing: importing orbax makes absl give the root logger one, at the level of warnings.
    if log.level != logging.NOTSET or log.isEnabledFor(logging.INFO):
        yield
        return
    handler, propagate = logging.StreamHandler(sys.stderr), log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
        log.propagate = propagate


@contextlib.contextmanager
def _without_orbax_logs() -> Iterator[None]:
    """Hides the pages that orbax logs about every checkpoint."""
    level = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.FATAL)
    try:
        yield
    finally:
        absl_logging.set_verbosity(level)
