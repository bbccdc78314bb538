"""The default features: a small classifier of the data, which ships with the package or is trained once, and cached.

Its features replace those of the Inception network in the literature. They know the data at hand, which that
network never saw, and need no download; but values are comparable only between runs with the same hash.
"""

import functools
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import serialization

from gan_jax import augment
from gan_jax.data.batches import batches
from gan_jax.data.source import Source, subset
from gan_jax.errors import UsageError, unknown
from gan_jax.features import reference
from gan_jax.features.types import Features, Maps, fingerprint
from gan_jax.nets.convolution import Conv, conv
from gan_jax.nets.linen import from_linen
from gan_jax.runtime import cache, parallel, progress
from gan_jax.runtime.files import write_atomically

log = logging.getLogger("gan_jax")

BATCH, EPOCHS, STEPS, LEARNING_RATE = 128, 8, (600, 6000), 2e-3
SHIFT = 1 / 14  # Of the images' size; twice as much costs 0.9 % of accuracy on MNIST.
SIZE = 128  # Number of features.
SCALED = 2048  # Images that decide the features' scale.
WAIT = 20  # Steps between two times that the host waits for the device.


class Classifier(nn.Module):
    """Strided convolutions with batch norm down to at most 7 pixels, then a dense layer of features.

    Attributes:
        classes: Number of classes.
        width: Channels after the first convolution; each further one doubles them, up to 128.
    """

    classes: int
    width: int = 32

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, Any]:
        """What it sees in images.

        Args:
            images: [B, H, W, C].
            train: Whether batch norm uses the batch's statistics, and features are dropped.

        Returns:
            Dict of `features` [B, 128], at least 0; `class_logits` [B, classes]; and `layers`, a tuple of the
            convolutions' outputs, [B, h, w, channels], at least 0.
        """
        norm = functools.partial(nn.BatchNorm, use_running_average=not train, momentum=0.9)
        x, width, layers = images, self.width, []
        while max(x.shape[1:3]) > 7:
            x = nn.relu(norm()(Conv(width, (5, 5), (2, 2), use_bias=False)(x)))
            layers.append(x)
            width = min(2 * width, 128)
        x = nn.relu(norm()(Conv(width, (3, 3), use_bias=False)(x)))
        layers.append(x)
        features = nn.relu(nn.Dense(SIZE)(x.reshape(x.shape[0], -1)))
        dropped = nn.Dropout(0.5, deterministic=not train)(features)
        class_logits = nn.Dense(self.classes)(dropped)
        return {"features": features, "class_logits": class_logits, "layers": tuple(layers)}


def usual_steps(size: int) -> int:
    """Optimizer steps for a number of images: eight epochs, but at least 600 steps and at most 6,000."""
    return int(np.clip(EPOCHS * size // BATCH, *STEPS))


def fit(source: Source, seed: int = 0, *, steps: int | None = None) -> dict[str, Any]:
    """Trains a Classifier on a labelled set, with images shifted by up to a fourteenth of their size.

    Args:
        source: The Source.
        seed: Seed of everything random.
        steps: Optimizer steps of 128 images; None for `usual_steps`.

    Returns:
        Its variables, a dict of `params`, `carry`, and `scale`, by which its features are divided: their
        root mean square over the first images of the set, so that values of different data are of one order
        of magnitude.

    Raises:
        UsageError: The data has no labels.
    """
    if not source.classes:
        raise UsageError(f"a classifier of {source.name} cannot be trained: the data has no labels")
    net, modality = from_linen(Classifier(len(source.classes))), source.modality
    mesh = parallel.mesh(BATCH, jax.local_devices()[:1])
    # Rows as evaluations see them, not the parts from which training makes others.
    fed = batches(source._replace(parts=()), BATCH, 1, seed, mesh, lambda key, rows: modality.decode(rows))
    steps = usual_steps(source.size) if steps is None else steps
    optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, steps))
    key = jax.random.key(seed)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, resident, rows, key, number):
        (params, carry, opt), keys = state, jax.random.split(jax.random.fold_in(key, number))
        decoded = fed.decode(resident, jax.tree.map(lambda of_step: of_step[0], rows), keys[0])
        batch = jax.tree.map(lambda array: array[0], decoded)
        shifted = augment.shift(keys[0], batch["real"], ratio=SHIFT)

        def loss(params):
            outputs, changed = net.apply(params, carry, shifted, key=keys[1], train=True)
            each = optax.softmax_cross_entropy_with_integer_labels(outputs["class_logits"], batch["label"])
            return jnp.mean(each), changed

        grads, carry = jax.grad(loss, has_aux=True)(params)
        updates, opt = optimizer.update(grads, opt)
        return optax.apply_updates(params, updates), carry, opt

    params, carry = net.init(key, jnp.zeros((1, *source.spec["real"].shape)))
    # Placed like the outputs of a step, or the second step would be compiled again.
    state = jax.device_put((params, carry, optimizer.init(params)), parallel.replicated(mesh))
    for number, rows in progress.shown(enumerate(fed.feed(0, steps)), steps, "classifier"):
        state = step(state, fed.resident, rows, key, number)
        if number % WAIT == 0:
            jax.block_until_ready(state)  # Progress is what the device has done, not what it was asked for.
    variables = dict(zip(("params", "carry"), jax.device_get(state[:2])))
    some = modality.decode({"real": source.read(np.arange(min(source.size, SCALED)))["real"]})["real"]
    outputs = jax.jit(use(len(source.classes)))({**variables, "scale": np.float32(1)}, some)
    return {**variables, "scale": np.float32(np.sqrt(np.mean(np.square(outputs["features"]))))}


def use(classes: int) -> Callable[[Any, jax.Array], dict[str, jax.Array]]:
    """A trained classifier as a function.

    Args:
        classes: Number of classes.

    Returns:
        Function `(variables, images float32 in [-1, 1]) -> dict` of `features` and `class_logits`.
    """
    net = from_linen(Classifier(classes))

    def apply(variables, images):
        outputs, _ = net.apply(variables["params"], variables["carry"], images, key=None, train=False)
        features = outputs["features"] / variables["scale"]
        return {"features": features, "class_logits": outputs["class_logits"]}

    return apply


def classifier_maps(features: Features, *, layers: Sequence[str] = ()) -> Maps:
    """What a data set's classifier sees at each of its convolutions, for perceptual losses without a VGG.

    No paper: VGG's layers are those of Johnson et al. 2016, arXiv:1603.08155.

    Args:
        features: Features of `classifier`, loaded or not.
        layers: Names of layers, `conv1`, `conv2`, ..., each behind its ReLU; empty for all.

    Returns:
        The Maps, loaded if the features are. Their images have any size; grey ones are coloured ones whose
        channels are equal, and where the classifier saw grey ones, coloured ones become grey.

    Raises:
        UsageError: There is no such layer.
    """
    known = [f"conv{number}" for number in range(1, 1 + _convolutions(features.params["params"]))]
    for layer in layers:
        if layer not in known:
            raise unknown(f"layers of the {features.name}", layer, known, shown=len(known))

    def own(variables):
        return {name: variables[name] for name in ("params", "carry")}

    def facts(variables):
        return {"weights": fingerprint(variables), "layers": " ".join(layers or known)}

    def load():
        variables = own(features.loaded().params)
        return variables, facts(variables)

    def maps(variables: Any, images: jax.Array) -> dict[str, jax.Array]:
        return {
            name: value for name, value in _values(variables, images).items() if name in (layers or known)
        }

    pending, variables = features.load is not None, own(features.params)
    return Maps(
        features.name, variables, maps, {} if pending else facts(variables), load if pending else None
    )


def _convolutions(params):
    """The number of a classifier's convolutions."""
    return sum(name.startswith("Conv_") for name in params)


def _values(variables, images):
    """The output of each convolution of a trained Classifier, by name, for images of any size."""
    params, statistics = variables["params"], variables["carry"]["batch_stats"]
    count, channels = _convolutions(params), params["Conv_0"]["kernel"].shape[2]
    x, values = jnp.float32(images), {}
    if x.shape[-1] != channels:
        x = jnp.repeat(jnp.mean(x, axis=-1, keepdims=True), channels, axis=-1)
    for number in range(count):
        stride = 2 if number < count - 1 else 1
        x = conv(x, params[f"Conv_{number}"]["kernel"], (stride, stride))
        learned, running = params[f"BatchNorm_{number}"], statistics[f"BatchNorm_{number}"]
        gain = learned["scale"] * jax.lax.rsqrt(running["var"] + 1e-5)
        x = nn.relu((x - running["mean"]) * gain + learned["bias"])
        values[f"conv{number + 1}"] = x
    return values


def accuracy(variables: dict[str, Any], source: Source) -> float:
    """Share of a labelled set that a classifier classifies correctly.

    Args:
        variables: The classifier's variables, from `fit`.
        source: The Source.

    Returns:
        float in [0, 1].
    """
    apply, decode = use(len(source.classes)), source.modality.decode

    @jax.jit
    def predict(variables, rows):
        return apply(variables, decode({"real": rows})["real"])["class_logits"]

    right = 0
    for start in range(0, source.size, BATCH):
        batch = source.read(np.arange(start, min(start + BATCH, source.size)))
        right += np.sum(np.argmax(predict(variables, batch["real"]), axis=1) == batch["label"])
    return float(right / source.size)


def classifier(real: Source, heldout: Source | None) -> Features:
    """Features and class logits of a data set's classifier: one that ships, one of the cache, or a new one.

    No paper: the network is ours and replaces Inception-v3 (Heusel et al. 2017, arXiv:1706.08500). `load`
    takes the reference classifier of the data if there is one that knows the images; else it trains one, or
    takes it from the cache.

    Args:
        real: Labelled Source to train on.
        heldout: Labelled Source to measure the accuracy on; None holds out a tenth of `real`.

    Returns:
        The Features, to be loaded; their facts are the weights' hash and the accuracy.

    Raises:
        UsageError: The data has no labels, or no images.
    """
    shape = real.spec["real"].shape
    if len(shape) != 3:
        raise UsageError(f"{real.name}: a classifier is trained on images only; give other features")
    if not real.classes:
        raise UsageError(
            f"{real.name} has no labels to train a classifier on; give other features: pixels or inception"
        )
    if "real" not in real.label_of:
        raise UsageError(
            f"{real.name}: its labels are those of sources, and a classifier is trained on `real` images; give "
            "other features: pixels or inception"
        )
    known, (trained_on, tested) = reference.found(real), _parts(real, heldout)

    def load():
        return (known and _shipped(known, real)) or _kept(trained_on, tested)

    return Features(
        name=f"classifier of {known.about['data'] if known else trained_on.name}, {shape[0]} x {shape[1]} px",
        params=_abstract(len(real.classes), shape),
        apply=use(len(real.classes)),
        facts={},
        load=load,
    )


def _parts(real, heldout):
    """The Sources to train on and to measure the accuracy on."""
    if heldout is not None:
        return real, heldout
    order = np.random.default_rng(0).permutation(real.size)
    tested, trained_on = np.split(order, [-(-real.size // 10)])
    return subset(real, np.sort(trained_on)), subset(real, np.sort(tested))


def _shipped(known, source):
    """Variables and facts of a reference classifier; None, with a warning, if it does not know the images."""
    variables, count = reference.variables(known), min(reference.TRIED, source.size)
    some = subset(source, np.linspace(0, source.size - 1, count).astype(int))
    right, least = accuracy(variables, some), reference.least_accuracy(known)
    if right >= least:
        return variables, known.about["facts"]
    log.warning(
        "%s: these are other images than those of the classifier that ships with gan_jax: it gets %.1f %% of %d right, "
        "expected at least %.1f %%; the data get a classifier of their own, and values another scale",
        source.name, 100 * right, count, 100 * least,
    )  # fmt: skip
    return None


def _kept(real, tested):
    """Variables and facts of the cached classifier, which is trained if there is none."""
    folder = cache.folder("classifiers")
    path = folder and os.path.join(folder, f"{_identity(real)}.msgpack")
    if path and (kept := _read(path)):
        return kept["variables"], kept["facts"]
    where = f"kept in {folder}" if folder else "not kept, without a cache"
    log.info(
        "training a classifier of %s: evaluations compare its features of real and generated images; it is "
        "trained once and %s", real.name, where,
    )  # fmt: skip
    variables, facts = _trained(real, tested)
    if path:
        _write(path, variables, facts)
    return variables, facts


def _abstract(classes, shape):
    """Shapes and dtypes of a classifier's variables."""
    net = from_linen(Classifier(classes))
    params, carry = jax.eval_shape(lambda: net.init(jax.random.key(0), jnp.zeros((1, *shape))))
    return {"params": params, "carry": carry, "scale": jax.ShapeDtypeStruct((), np.float32)}


def _trained(real, tested):
    """A new classifier's variables and facts."""
    begun = time.perf_counter()
    variables = fit(real)
    facts = facts_of(variables, tested)
    log.info(
        "classifier %s: accuracy %.4f on %s, after %.0f s",
        facts["weights"], facts["accuracy"], facts["accuracy_on"], time.perf_counter() - begun,
    )  # fmt: skip
    return variables, facts


def facts_of(variables: dict[str, Any], tested: Source) -> dict[str, Any]:
    """The facts that make the values of a classifier's features comparable.

    Args:
        variables: The classifier's variables, from `fit`.
        tested: Labelled Source to measure the accuracy on.

    Returns:
        Dict that JSON can hold.
    """
    return {
        "weights": fingerprint(variables),
        "accuracy": round(accuracy(variables, tested), 4),
        "accuracy_on": f"{tested.size} images of {tested.name}",
        "layer": f"{SIZE} units in front of the classes, of mean square 1",
        "resize": "none",
    }


def _identity(source):
    """The identity of a classifier: the data, by its facts and some of its images, and how it is trained."""
    some = source.read(np.linspace(0, source.size - 1, min(source.size, 64)).astype(int))
    recipe = [BATCH, EPOCHS, STEPS, LEARNING_RATE, SHIFT, SIZE, SCALED]
    facts = [source.name, source.size, source.spec["real"].shape, source.classes, recipe]
    return hashlib.sha256(json.dumps([facts, fingerprint(some)]).encode()).hexdigest()[:16]


def _write(path, variables, facts):
    """Caches a classifier, the whole file or none."""
    kept = {"variables": variables, "facts": facts}
    with write_atomically(path, "wb") as file:
        file.write(serialization.msgpack_serialize(kept))


def _read(path):
    """A cached classifier; None if there is none or it is damaged."""
    if not os.path.exists(path):
        return None
    try:
        with open(path, "rb") as file:
            kept = serialization.msgpack_restore(file.read())
        if fingerprint(kept["variables"]) == kept["facts"]["weights"]:
            return kept
        reason = "its weights have another hash"
    except Exception as error:  # msgpack fails in many ways on damaged files.
        reason = type(error).__name__
    log.warning("%s is damaged (%s) and will be trained again", path, reason)
    return None
