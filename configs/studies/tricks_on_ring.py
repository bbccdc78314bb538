"""Which trick keeps a plain GAN on all 8 modes of the ring? Each trick alone, with 8 seeds.

    python -m gan_jax.study --config=configs/studies/tricks_on_ring.py
    python -m gan_jax.study --config=configs/studies/tricks_on_ring.py --only=plain,r1,pacgan4 --seeds=4
    python -m gan_jax.study --config=configs/studies/tricks_on_ring.py --config.base.steps=20000 \
        --output=runs/longer

The data, the 2,500 samples and the definition of a mode are those of Lin et al. 2018, arXiv:1712.04086,
section 4.1, and so are the two normal latents and batches of 100 samples, or of 100 packs. Networks and
training are smaller here, so that a run takes seconds: two hidden layers of 128 ReLU instead of four of 400
with batch norm and three of 200 maxout units, 4,000 steps instead of 400,000, and Adam at 1e-3 with its
default beta1, 0.9, instead of 1e-4 and 0.8. Tricks that are in `configs/tricks` have the numbers of that
folder. Other weights are for modes 0.008 wide, where weights for images would forbid every useful slope: 0.1
for WGAN-GP is from its authors' code for points; 0.01 for R1, R2 and mode seeking is ours, and so are clip
and rate of WGAN, ten times its paper's. `best` combines several tricks, and trains six times as long.
"""

from gan_jax.recipe import Recipe
from gan_jax.study import Study


def _plain(data):
    return Recipe(
        data=dict(name=data, size=100_000, seed=0),
        game=dict(name="gan", latents=dict(name="normal", size=2)),
        nets=dict(
            generator=dict(name="points.Generator", widths=(128, 128), batch_norm=False),
            discriminator=dict(name="mlp.Discriminator", widths=(128, 128), slope=0.0),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(non_saturating_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=1e-3, b1=0.9)),
            generator=dict(adam=dict(learning_rate=1e-3, b1=0.9)),
        ),
        updates=dict(discriminator=1, generator=1),
        batch_size=100,
        steps=4_000,
        eval_every=400,
        eval_metrics=dict(captured_modes={}, uniform_modes_kl={}),
        eval_samples=2_500,
        grid_size=2_500,
    )


def _losses(name, **penalties):
    """Both losses of a family, and penalties of the discriminator."""
    return {
        "losses.discriminator": {f"{name}_discriminator": 1.0, **penalties},
        "losses.generator": {f"{name}_generator": 1.0},
    }


def _before_adam(**transforms):
    """Transforms of both players' gradients."""
    return _chains(lambda adam: {**transforms, "adam": adam})


def _chains(chain):
    """Both players' optimizers, from the base's Adam."""

    def change(recipe):
        for player, optimizer in recipe.optimizers.items():
            recipe.optimizers[player] = chain(optimizer["adam"])
        return recipe

    return change


def _instance_noise(recipe):
    recipe.game["augment"] = dict(instance_noise=dict(start=0.1, end=0.0, steps=recipe.steps))
    return recipe


def _packed(samples):
    """As many packs as the base has samples, as in the code of the paper's authors."""

    def change(recipe):
        recipe.nets["discriminator"]["wrap"] = dict(packed=dict(samples=samples))
        recipe.batch_size *= samples
        return recipe

    return change


def _best(recipe):
    """Finds all modes and draws them sharply: R3GAN's losses, with rates and penalties that fall to the end.

    Huang et al. 2024, arXiv:2501.05441, whose schedules end earlier and higher. Deeper networks with
    LeakyReLU, the generator's average. A large penalty finds the modes, a small one lets them be narrow.
    """
    recipe.steps, recipe.eval_every = 6 * recipe.steps, 6 * recipe.eval_every

    def falling(value, share):
        return dict(cosine_decay_schedule=dict(init_value=value, decay_steps=recipe.steps, alpha=share))

    recipe.nets["generator"]["widths"] = (128, 128, 128, 128)
    recipe.nets["discriminator"].update(widths=(128, 128, 128), slope=0.2)
    recipe.losses["discriminator"] = dict(
        relativistic_discriminator=1.0,
        r1=dict(weight=falling(0.01, 0.1)),
        r2=dict(weight=falling(0.01, 0.1)),
    )
    recipe.losses["generator"] = dict(relativistic_generator=1.0)
    for player in recipe.optimizers:
        recipe.optimizers[player] = dict(adam=dict(learning_rate=falling(2e-3, 0.0), b1=0.0, b2=0.99))
    recipe.average = dict(generator=dict(half_life=100_000))
    return recipe


TRICKS = {
    "plain": {},
    "instance_noise": _instance_noise,
    "clip_by_value": _before_adam(clip=dict(max_delta=0.01)),
    "clip_by_norm": _before_adam(clip_by_global_norm=dict(max_norm=1.0)),
    "normalize_mean_square": _before_adam(normalize_by_mean_square={}),
    "normalize_root_mean_square": _before_adam(normalize_by_root_mean_square={}),
    "normalize_global_norm": _before_adam(normalize_by_global_norm={}),
    "normalize_layer_norm": _before_adam(normalize_by_layer_norm={}),
    "deeper_discriminator": {"nets.discriminator.widths": (128, 128, 128, 128)},
    "least_squares": _losses("least_squares"),
    "label_smoothing": {"losses.discriminator": dict(non_saturating_discriminator=dict(real_label=0.9))},
    "leaky_relu": {"nets.discriminator.slope": 0.2},
    "dropout": {"nets.discriminator.dropout": 0.3},
    "weight_decay": _chains(lambda adam: dict(adam=adam, weight_decay=dict(strength=1e-4))),
    "spectral_norm": {"nets.discriminator.wrap": dict(spectral_norm={})},
    "wgan": {
        **_losses("wasserstein"),
        "updates": dict(discriminator=5, generator=1),
        "optimizers.discriminator": dict(rmsprop=dict(learning_rate=5e-4), clip_weights=dict(max_value=0.1)),
        "optimizers.generator": dict(rmsprop=dict(learning_rate=5e-4)),
    },
    "wgan_gp": {
        **_losses("wasserstein", gradient_penalty=0.1),
        "updates": dict(discriminator=5, generator=1),
    },
    "r1": {"losses.discriminator.r1": 0.01},
    "r1_r2": {"losses.discriminator.r1": 0.01, "losses.discriminator.r2": 0.01},
    "relativistic_r1": _losses("relativistic", r1=0.01),
    "relativistic_r1_r2": _losses("relativistic", r1=0.01, r2=0.01),
    "lecam": {
        "losses.discriminator.lecam": 0.3,
        "game.averages": dict(discriminator=("real_logits", "fake_logits")),
    },
    "pacgan2": _packed(2),
    "pacgan4": _packed(4),
    "unrolled": {"moves": dict(generator=dict(name="unrolled", learning_rate=1e-2, steps=5))},
    "mode_seeking": {"losses.generator.mode_seeking": 0.01},
    "ttur": {"optimizers.generator.adam.learning_rate": 2.5e-4},
    # A decay of 0.999 a step.
    "average": {"average": dict(generator=dict(half_life=69_300))},
    "best": _best,
}


def get_config(data="ring"):
    """The study on a ring or a grid of modes."""
    return Study(title=f"Tricks of the trade, each alone, on the {data}", base=_plain(data), variants=TRICKS)
