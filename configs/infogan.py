"""InfoGAN: Chen et al. 2016, arXiv:1606.03657.

    python -m gan_jax.main --config=configs/infogan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/infogan.py:mnist    any TFDS name with images

From the paper, its appendix on MNIST: 62 numbers of noise, a code of ten values and two continuous ones,
Adam with learning rate 2e-4 for the discriminator and 1e-3 for the generator, beta1 0.5, weight 1 of the
discrete code and 0.1 of the others. A grid varies one code a row.
"""

import copy

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    information = dict(
        code_information_discrete=dict(weight=1.0, start=62),
        code_information_gaussian=dict(weight=0.1, start=72),
    )
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="codes", noise=62, discrete=(10,), continuous=2)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(
                name="dcgan.Discriminator",
                width=32,
                heads=dict(logits={}, codes=dict(values=10, count=1, continuous=2)),
            ),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0, **information),
            generator=dict(non_saturating_generator=1.0, **copy.deepcopy(information)),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=1e-3, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        grid_size=100,
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
