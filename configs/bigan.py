"""BiGAN: Donahue et al. 2017, arXiv:1605.09782, and ALI: Dumoulin et al. 2017, arXiv:1606.00704.

    python -m gan_jax.main --config=configs/bigan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/bigan.py:mnist    any TFDS name with images

From the papers: a discriminator of pairs of image and latents, an encoder and a generator that both try to
make it mistake one kind of pair for the other; Adam with learning rate 2e-4 and beta1 0.5, 50 uniform
latents on MNIST. With `encoders.GaussianEncoder` instead of `encoders.Encoder` it is ALI. A grid shows
originals above reconstructions.
"""

import copy

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    swapped = dict(non_saturating_discriminator=dict(wrap=dict(swapped={})))
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="bigan", latents=dict(name="uniform", size=50)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            encoder=dict(name="encoders.Encoder", size=50, width=32),
            discriminator=dict(name="discriminators.PairDiscriminator", width=32),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=swapped,
            encoder=copy.deepcopy(swapped),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            encoder=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1, encoder=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
