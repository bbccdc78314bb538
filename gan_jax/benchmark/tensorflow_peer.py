"""The cases in Keras on TensorFlow: one `tf.function` over the whole step, on request compiled by XLA.

The generator's update uses the samples of the discriminator's first update, generated once; samples of
further updates are generated outside any tape. Rows and latents are drawn in the graph.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from gan_jax.benchmark import arithmetic  # noqa: E402
from gan_jax.benchmark.subject import Subject  # noqa: E402
from gan_jax.benchmark.synthetic import pixels_of  # noqa: E402
from gan_jax.benchmark.tensorflow_losses import LOSSES  # noqa: E402
from gan_jax.benchmark.tensorflow_networks import network  # noqa: E402
from gan_jax.recipe import Recipe  # noqa: E402


def networks(recipe: Recipe) -> dict[str, keras.Model]:
    """The recipe's networks.

    Args:
        recipe: The Recipe.

    Returns:
        Dict of keras.Model by player.
    """
    resolution, channels = recipe.data["resolution"], recipe.data["channels"]
    shapes = {
        "generator": (arithmetic.latents(recipe)[1],),
        "discriminator": (resolution, resolution, channels),
    }
    return {
        player: network(recipe.nets[player], resolution, channels, shape) for player, shape in shapes.items()
    }


def _scheduled(spec):
    """A number, or a function of the step, which is a tensor."""
    if not isinstance(spec, dict):
        return spec
    if "weight" in spec:
        return _scheduled(spec["weight"])
    options = spec["cosine_decay_schedule"]
    return keras.optimizers.schedules.CosineDecay(
        options["init_value"], options["decay_steps"], options["alpha"]
    )


class Training:
    """A recipe's state and its step, as a user's script has them.

    Args:
        recipe: The Recipe.
        compiled: Whether XLA compiles the step.
    """

    def __init__(self, recipe: Recipe, compiled: bool) -> None:
        self.recipe, data = recipe, recipe.data
        self.images = tf.constant(pixels_of(data["resolution"], data["channels"], data["size"]))
        self.nets = networks(recipe)
        self.optimizers = {player: self._adam(player) for player in self.nets}
        self.losses = LOSSES[arithmetic.rivalry(recipe)]
        terms = recipe.losses["discriminator"]
        self.weights = {name: _scheduled(weight) for name, weight in terms.items()}
        self.average = [tf.Variable(value) for value in self.nets["generator"].trainable_variables]
        self.step = tf.Variable(0, dtype=tf.int64)
        self.train_step = tf.function(self._train_step, jit_compile=compiled)

    def _adam(self, player):
        options = arithmetic.adam(self.recipe, player)
        optimizer = keras.optimizers.Adam(
            _scheduled(options["learning_rate"]), options["b1"], options["b2"], epsilon=options["eps"]
        )
        optimizer.build(self.nets[player].trainable_variables)
        return optimizer

    def latents(self) -> tf.Tensor:
        """Latents, [B, size]."""
        name, size = arithmetic.latents(self.recipe)
        shape = (self.recipe.batch_size, size)
        return tf.random.normal(shape) if name == "normal" else tf.random.uniform(shape, -1.0, 1.0)

    def real(self) -> tf.Tensor:
        """Rows drawn with replacement, float32 [B, H, W, C] in [-1, 1]."""
        rows = tf.random.uniform((self.recipe.batch_size,), maxval=self.images.shape[0], dtype=tf.int32)
        return tf.cast(tf.gather(self.images, rows), tf.float32) / 127.5 - 1.0

    def descend(self, player: str, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One update of a player."""
        variables = self.nets[player].trainable_variables
        self.optimizers[player].apply(tape.gradient(loss, variables), variables)

    def generator(self, latents: tf.Tensor) -> tf.Tensor:
        """Images [B, H, W, C], with the batch's statistics."""
        return self.nets["generator"](latents, training=True)

    def discriminator(self, images: tf.Tensor) -> tf.Tensor:
        """Logits [B], with the batch's statistics and dropout."""
        return self.nets["discriminator"](images, training=True)[:, 0]

    def _train_step(self):
        """All updates of the discriminator, one of the generator, then the average."""
        with tf.GradientTape() as tape:
            shared = self.generator(self.latents())
            with tape.stop_recording():
                real = self._discriminate(shared)
            loss = self.losses[1](self.discriminator, real, shared)
        self.descend("generator", tape, loss)
        if self.recipe.average:
            self._follow()
        self.step.assign_add(1)

    def _discriminate(self, shared):
        """Updates the discriminator, first with these samples; returns the last real images."""
        weights = {name: w(self.step) if callable(w) else w for name, w in self.weights.items()}
        for update in range(self.recipe.updates["discriminator"]):
            real, fake = self.real(), self.generator(self.latents()) if update else shared
            with tf.GradientTape() as tape:
                loss = self.losses[0](self.discriminator, real, fake, weights)
            self.descend("discriminator", tape, loss)
        return real

    def _follow(self):
        """Moves the average towards the generator, with the decay of `arithmetic.average_decay`."""
        options = self.recipe.average["generator"]
        images = float(self.recipe.samples_per_step)
        total = tf.cast(self.step + 1, tf.float32) * images
        decay = 0.5 ** (images / tf.minimum(float(options["half_life"]), options["ramp_up"] * total))
        for mean, value in zip(self.average, self.nets["generator"].trainable_variables):
            mean.assign_sub((1.0 - decay) * (mean - value))


def prepare(recipe: Recipe, compiled: bool = False) -> Subject:
    """A recipe, ready to train on the CPU.

    Args:
        recipe: The Recipe.
        compiled: Whether XLA compiles the step.

    Returns:
        The Subject.
    """
    keras.utils.set_random_seed(recipe.seed)
    training = Training(recipe, compiled)

    def advance(count):
        for _ in range(count):
            training.train_step()
        training.step.numpy()

    return Subject(
        advance=advance,
        parameters={
            player: sum(int(tf.size(value)) for value in net.trainable_variables)
            for player, net in training.nets.items()
        },
        versions={"tensorflow": tf.__version__, "keras": keras.__version__},
    )


def prepare_compiled(recipe: Recipe) -> Subject:
    """The same, compiled by XLA."""
    return prepare(recipe, compiled=True)
