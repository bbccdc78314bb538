"""AC-GAN: Odena et al. 2017, arXiv:1610.09585.

    python -m gan_jax.main --config=configs/acgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/acgan.py:mnist    any TFDS name with images and labels

From the paper: the generator gets the class, the discriminator predicts it, and the losses of both players
fall when the prediction is right, on real and on generated images; Adam with learning rate 2e-4 and beta1
0.5, dropout 0.5. The networks are those of dcgan.py.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=100), condition_on=("label",)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(
                name="dcgan.Discriminator", width=32, dropout=0.5, heads=dict(logits={}, class_logits={})
            ),
        ),
        losses=dict(
            discriminator=dict(
                non_saturating_discriminator=1.0, classification_real=1.0, classification_fake=1.0
            ),
            generator=dict(non_saturating_generator=1.0, classification_fake=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
