"""Losses of the recipes of translation at their papers' weights, against NumPy in float64 on tiny networks.

The generator is x -> w x + v x^2 (repeated where it enlarges), the discriminator has logits a y + b x + c y^2
for every pixel and layers 2 y and y^2, and features are k y and products of neighbouring rows. Gradients are
differences of the paper's formula in float64.
"""

import os
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build, modalities, step
from gan_jax.data.source import row
from gan_jax.features.types import Maps
from gan_jax.types import Context, Net

CONFIGS = os.path.join(os.path.dirname(__file__), "..", "..", "configs")
RANDOM = np.random.default_rng(5)
GENERATOR = {"w": 0.7, "v": 0.2}
DISCRIMINATOR = {"a": 0.8, "b": -0.5, "c": 0.3}
K = 1.5


def _repeated(x, scale):
    return x.repeat(scale, 1).repeat(scale, 2)


def _net(values, outputs):
    params = {name: jnp.float32(value) for name, value in values.items()}

    def apply(params, carry, *inputs, key, train):
        return outputs(params, *inputs), carry

    return Net(lambda key, *inputs: (params, ()), apply)


def generator(scale: int = 1):
    """The generator of these tests; it looks at the first channels of its input."""
    return _net(GENERATOR, lambda p, x: _generated(p, x[..., :1], scale))


def discriminator():
    """The discriminator of these tests."""
    return _net(DISCRIMINATOR, lambda p, y, x=None: {"logits": _logits(p, y, x), "layers": (2 * y, y**2)})


def features():
    """The features of these tests."""
    return Maps("it", {"k": jnp.float32(K)}, lambda p, y: _maps(p["k"], y), {})


def _generated(p, x, scale):
    return _repeated(p["w"] * x + p["v"] * x**2, scale)


def _logits(p, y, x):
    beside = 0 if x is None else p["b"] * x[..., :1]
    return (p["a"] * y + beside + p["c"] * y**2)[..., 0]


def _maps(k, y):
    return {"first": k * y, "second": y[:, 1:] * y[:, :-1]}


def _softplus(x):
    return np.logaddexp(0, x)


def _cross_entropy(logits, real):
    """Mean binary cross entropy of logits with a label of 1 or 0."""
    return np.mean(_softplus(-logits if real else logits))


def _absolute(a, b):
    return np.mean(np.abs(a - b))


class Seen:
    """What a move sees, in float64, with the parameters that it has."""

    def __init__(self, batch, scale, options, generator=None, discriminator=None):
        g, d = {**GENERATOR, **(generator or {})}, {**DISCRIMINATOR, **(discriminator or {})}
        source = np.float64(batch["source"])
        self.target, self.mask = np.float64(batch["real"]), np.float64(batch.get("mask", 0))
        self.sharpened = np.float64(batch.get("sharpened", 0))
        made = _generated(g, source[..., :1], scale)
        if options.get("residual"):
            made = made + (_enlarged(source, scale) if scale > 1 else source)
        if options.get("paste"):
            made = self.mask * made + (1 - self.mask) * source
        beside = source if options.get("conditional", True) else None
        self.output, self.real, self.fake = made, _logits(d, self.target, beside), _logits(d, made, beside)

    def layers(self):
        return _absolute(2 * self.output, 2 * self.target) + _absolute(self.output**2, self.target**2)


def _enlarged(images, scale):
    """By Pillow's bicubic filter, in float."""
    from PIL import Image

    def one(image):
        size = (scale * image.shape[1], scale * image.shape[0])
        return np.asarray(Image.fromarray(np.float32(image[..., 0])).resize(size, Image.Resampling.BICUBIC))

    return np.stack([one(image) for image in images])[..., None]


def _pix2pix(s):
    return _cross_entropy(s.fake, True) + 100 * _absolute(s.output, s.target)


def _pix2pix_discriminator(s):
    return (_cross_entropy(s.real, True) + _cross_entropy(s.fake, False)) / 2


def _srgan(s):
    return np.mean((s.output - s.target) ** 2) + 1e-3 * -np.mean(np.log(1 / (1 + np.exp(-s.fake))))


def _standard(s):
    sigmoid = [1 / (1 + np.exp(-logits)) for logits in (s.real, s.fake)]
    return -np.mean(np.log(sigmoid[0])) - np.mean(np.log(1 - sigmoid[1]))


def _vgg54(s):
    """Features divided by 12.75 in the mean squared error, and the adversary."""
    found, wanted = (_maps(K, image)["first"] / 12.75 for image in (s.output, s.target))
    return np.mean((found - wanted) ** 2) + 1e-3 * _cross_entropy(s.fake, True)


def _relative(s):
    return s.real - s.fake.mean(), s.fake - s.real.mean()


def _esrgan(s):
    """Images in [0, 1], as in the authors' code: half of our distances."""
    real, fake = _relative(s)
    adversary = (_cross_entropy(real, False) + _cross_entropy(fake, True)) / 2
    return 1e-2 * _absolute(s.output / 2, s.target / 2) + s.layers() + 5e-3 * adversary


def _esrgan_with_features(s):
    found, wanted = (_maps(K, image)["second"] for image in (s.output, s.target))
    real, fake = _relative(s)
    adversary = (_cross_entropy(real, False) + _cross_entropy(fake, True)) / 2
    return 1e-2 * _absolute(s.output / 2, s.target / 2) + _absolute(found, wanted) + 5e-3 * adversary


def _esrgan_discriminator(s):
    real, fake = _relative(s)
    return (_cross_entropy(real, True) + _cross_entropy(fake, False)) / 2


def _inpaint(s):
    squares = [((o - t) ** 2)[m == 1].mean() for o, t, m in zip(s.output, s.target, s.mask)]
    return 0.999 * np.mean(squares) + 1e-3 * _cross_entropy(s.fake, True)


def _restore(s):
    """Images in [0, 1], distances from sharpened ones, features with the paper's kind of weights."""
    layers = [[_maps(K, image)[name] for image in (s.output, s.sharpened)] for name in ("first", "second")]
    perceptual = 0.1 * _absolute(*layers[0]) + 1.0 * _absolute(*layers[1])
    return _absolute(s.output / 2, s.sharpened / 2) + perceptual + 0.1 * _cross_entropy(s.fake, True)


PERCEPTUAL = dict(weight=1.0, distance="l1", weights=dict(first=0.1, second=1.0))
# By test: the recipe, the player, its loss, and changes of the recipe's losses for features.
CASES = {
    "pix2pix": ("pix2pix", "generator", _pix2pix, {}),
    "pix2pix discriminator": ("pix2pix", "discriminator", _pix2pix_discriminator, {}),
    "colourise": ("colourise", "generator", _pix2pix, {}),
    "srgan": ("srgan", "generator", _srgan, {}),
    "srgan discriminator": ("srgan", "discriminator", _standard, {}),
    "srgan with features": (
        "srgan", "generator", _vgg54, dict(l2=None, perceptual=dict(weight=12.75**-2, weights=dict(first=1.0))),
    ),
    "srresnet": ("srresnet", "generator", lambda s: np.mean((s.output - s.target) ** 2), {}),
    "rrdb": ("rrdb", "generator", lambda s: _absolute(s.output, s.target), {}),
    "esrgan": ("esrgan", "generator", _esrgan, {}),
    "esrgan discriminator": ("esrgan", "discriminator", _esrgan_discriminator, {}),
    "esrgan with features": (
        "esrgan", "generator", _esrgan_with_features,
        dict(layer_matching=None, perceptual=dict(weight=1.0, distance="l1", weights=dict(second=1.0))),
    ),
    "inpaint": ("inpaint", "generator", _inpaint, {}),
    "inpaint discriminator": ("inpaint", "discriminator", _standard, {}),
    "denoise": ("denoise", "generator", lambda s: np.mean((s.output - s.target) ** 2), {}),
    "restore": (
        "restore", "generator", _restore,
        dict(
            perceptual=dict(**PERCEPTUAL, reads=dict(target="sharpened")), non_saturating_generator=0.1
        ),
    ),
}  # fmt: skip


def _tiny_recipe(name, changes):
    """The recipe with the networks of these tests; schedules stand at their end."""
    recipe = runpy.run_path(os.path.join(CONFIGS, f"{name}.py"))["get_config"]()
    scale = {"srresnet": 4, "srgan": 4, "rrdb": 4, "esrgan": 4, "restore": 2}.get(name, 1)
    nets = {"generator": dict(name=f"{__name__}.generator", scale=scale)}
    if "discriminator" in recipe.nets:
        nets["discriminator"] = dict(name=f"{__name__}.discriminator")
    recipe.nets = nets
    losses = {**recipe.losses["generator"], **changes}
    recipe.losses["generator"] = {name: spec for name, spec in losses.items() if spec is not None}
    if changes:
        recipe.game["features"] = dict(name=f"{__name__}.features")
    return recipe, scale


def _rows(scale, mask, sharpened):
    real = RANDOM.uniform(-1, 1, (3, 8, 4, 1)).astype(np.float32)
    source = RANDOM.uniform(-1, 1, (3, 8 // scale, 4 // scale, 1)).astype(np.float32)
    hole = np.zeros((3, 8, 4, 1), np.float32)
    hole[0, 2:4, 1:3], hole[1, :5], hole[2, 7, 3] = 1, 1, 1
    return {
        "real": real,
        "source": source,
        **({"mask": hole} if mask else {}),
        **({"sharpened": RANDOM.uniform(-1, 1, real.shape).astype(np.float32)} if sharpened else {}),
    }


@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients_are_the_papers(case):
    name, player, formula, changes = CASES[case]
    recipe, scale = _tiny_recipe(name, changes)
    batch = _rows(scale, recipe.game.get("paste"), "sharpened_target" in recipe.data["degrade"])
    spec = {
        entry: row(array.shape[1:], np.float32 if entry == "mask" else np.uint8)
        for entry, array in batch.items()
    }
    modality = modalities.bound(spec, {"modality": "images"})
    train_spec = build.train_spec(recipe, modality, features=features() if changes else None)

    @jax.jit
    def descended(batch):
        params, carry = train_spec.game.init(jax.random.key(0), batch)
        late = jnp.int32(10_000)
        state = step.TrainState(step=late, params=params, carry=carry, opt={}, average={})
        grads, _, _ = step.gradient(
            player, train_spec.game, train_spec.terms, state, batch, jax.random.key(1)
        )
        outputs, _ = train_spec.game.play(Context(params, carry, batch, jax.random.key(1), late))
        return grads, step.terms_lib.total(train_spec.terms[player], outputs, late)[0]

    grads, loss = jax.device_get(descended(batch))

    def at(name=None, moved=0.0):
        own = GENERATOR if player == "generator" else DISCRIMINATOR
        params = {player: {name: own[name] + moved}} if name else {}
        return formula(Seen(batch, scale, recipe.game, **params))

    np.testing.assert_allclose(loss, at(), rtol=1e-4)
    for name, gradient in grads.items():
        slope = (at(name, 1e-5) - at(name, -1e-5)) / 2e-5
        np.testing.assert_allclose(gradient, slope, rtol=2e-3, atol=1e-5, err_msg=name)
