"""The cases to measure: recipes on noise. Imports no framework, so that every worker can read them."""

from gan_jax import recipe as recipe_lib
from gan_jax.errors import unknown
from gan_jax.recipe import Recipe


def mlp() -> Recipe:
    """Fully connected GAN, 100-128-128-784 and 784-128-128-1, batch 128: configs/gan.py without dropout."""
    recipe = _config("gan", resolution=28, channels=1)
    for player in recipe.nets:
        recipe.nets[player]["widths"] = (128, 128)
    recipe.nets["discriminator"]["dropout"] = 0.0
    recipe.batch_size = 128
    return recipe


def dcgan28() -> Recipe:
    """DCGAN of TensorFlow's tutorial, 28x28x1, batch 64: its networks, hyperparameters and latents."""
    adam = dict(learning_rate=1e-4, b1=0.9, b2=0.999, eps=1e-7)
    return Recipe(
        data=_noise(resolution=28, channels=1),
        game=dict(name="gan", latents=dict(name="normal", size=100)),
        nets=dict(
            generator=dict(name="gan_jax.benchmark.tutorial.Generator"),
            discriminator=dict(name="gan_jax.benchmark.tutorial.Discriminator"),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(non_saturating_generator=1.0),
        ),
        optimizers=dict(discriminator=dict(adam=adam), generator=dict(adam=dict(adam))),
        updates=dict(discriminator=1, generator=1),
        batch_size=64,
    )


def dcgan64() -> Recipe:
    """DCGAN in the paper's widths, 64x64x3, batch 64: configs/dcgan.py."""
    recipe = _config("dcgan", resolution=64, channels=3)
    recipe.nets["generator"]["width"], recipe.nets["discriminator"]["width"] = 128, 64
    return recipe


def wgan_gp() -> Recipe:
    """WGAN-GP with five critic steps, 28x28x1, batch 64: configs/wgan_gp.py."""
    return _config("wgan_gp", resolution=28, channels=1)


def sngan() -> Recipe:
    """SNGAN's ResNet with spectral norm and five critic steps, 32x32x3, batch 64: configs/sngan.py."""
    return _config("sngan", resolution=32, channels=3)


def r3gan() -> Recipe:
    """R3GAN with R1 and R2 in every step, 32x32x3, batch 64: configs/r3gan.py."""
    return _config("r3gan", resolution=32, channels=3)


def sagan() -> Recipe:
    """SAGAN: self-attention at 16 pixels, spectral norm in both networks, 32x32x3: configs/sagan.py."""
    return _config("sagan", resolution=32, channels=3)


def r3gan_wide() -> Recipe:
    """R3GAN as the paper has it for CIFAR-10, 768 channels and two blocks a stage, 32x32x3, batch 64."""
    recipe = r3gan()
    for net in recipe.nets.values():
        net.update(widths=(768,), blocks=2)
    return recipe


CASES = {case.__name__: case for case in (mlp, dcgan28, dcgan64, wgan_gp, sngan, r3gan)}
# Those of `benchmark.device`, which are more than a CPU can do in a few seconds.
DEVICE_CASES = {case.__name__: case for case in (mlp, dcgan28, dcgan64, sngan, sagan, r3gan_wide)}


# Values of the one number in which the DCGAN of `varied` differs from its defaults.
AXES = {
    "batch_size": (16, 32, 64, 128, 256),
    "resolution": (16, 32, 64, 128),
    "width": (16, 32, 64, 128),
    "devices": (1, 2, 4, 8),
}


def varied(axis: str, value: int) -> Recipe:
    """DCGAN with 64 channels in both networks, 32x32x3, batch 64, with one of these numbers changed.

    Args:
        axis: A name in AXES.
        value: A whole number.

    Returns:
        The Recipe. It does not hold the number of devices; see `devices`.
    """
    recipe = _config("dcgan", resolution=value if axis == "resolution" else 32, channels=3)
    for net in recipe.nets.values():
        net["width"] = value if axis == "width" else 64
    recipe.batch_size = value if axis == "batch_size" else 64
    return recipe


def devices(name: str) -> int:
    """The number of devices of a case; more than 1 are simulated by one processor."""
    axis, _, value = name.partition("=")
    return int(value) if axis == "devices" else 1


def find(name: str) -> Recipe:
    """The recipe of a case.

    Args:
        name: A name in CASES or DEVICE_CASES, or `axis=value` for one of `varied`.

    Returns:
        The Recipe.

    Raises:
        UsageError: There is no such case.
    """
    axis, _, value = name.partition("=")
    if axis in AXES:
        return varied(axis, int(value))
    known = CASES | DEVICE_CASES
    if name not in known:
        raise unknown("cases", name, known)
    return known[name]()


def _noise(resolution, channels):
    return dict(
        name="gan_jax.benchmark.synthetic.images", resolution=resolution, channels=channels, size=2_048
    )


def _config(name, resolution, channels):
    """The recipe of a file in configs/, on noise."""
    recipe = recipe_lib.load(name)
    recipe.data = _noise(resolution, channels)
    return recipe
