"""What a dry run says."""

import os

import pytest

from gan_jax.training import plan, setup, train


def _wide(tiny, width=256, **changes):
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(width,)),
        discriminator=dict(name="mlp.Discriminator", widths=(width,)),
    )
    return tiny(nets=nets, **changes)


def test_work_is_that_of_the_products_and_a_little_more(tiny, tmp_path):
    """Forwards, and backwards to parameters; each multiplication and addition counts."""
    recipe, width = _wide(tiny, batch_size=64), 256
    prepared = setup.prepare(recipe, str(tmp_path / "run"))
    generator, discriminator = 4 * width + width * 64, 64 * width + width
    # The discriminator's move: fakes; both kinds forwards, and to the kernels. The generator's: fakes and their
    # logits forwards, down to the samples, and to the kernels.
    least = 2 * 64 * (generator + 4 * discriminator + generator + 2 * discriminator + generator)
    counted = plan.work(prepared, prepared.whole)
    assert least < counted < 2 * least
    sliced = setup.prepare(_wide(tiny, batch_size=64, accumulate=4), str(tmp_path / "run"))
    assert plan.work(sliced, sliced.whole) == pytest.approx(counted, rel=0.01)


def test_says_sizes_and_numbers_of_files_and_writes_none(tiny, tmp_path):
    workdir = str(tmp_path / "run")
    recipe = tiny(steps=1_001, checkpoint_every=100, grid_every=500, keep_checkpoints=3)
    lines = plan.plan(recipe, workdir).splitlines()
    assert (
        "optimizers.generator.adam.learning_rate=0.001" in lines
        and "losses.generator.non_saturating_generator=1.0" in lines
    )
    params = {"generator": 4 * 16 + 16 + 16 * 64 + 64, "discriminator": 64 * 16 + 16 + 16 + 1}
    for player, count in params.items():
        assert f"network   {player}: {count:,} parameters" in lines
    # Parameters, Adam's two moments, and the generator's average, of four bytes each; a few counters more.
    size = 4 * (3 * sum(params.values()) + params["generator"]) / 2**20
    (checkpoints,) = [line for line in lines if "checkpoints/:" in line]
    assert (
        f"{size:.3g} MiB every 100 steps, of which the newest 3 are kept: at most {3 * size:.3g} MiB"
        in checkpoints
    )
    assert "          grids/: 3 pictures of 4 images, and one of real ones" in lines
    assert not os.path.exists(workdir)


def test_grids_of_a_conditional_model_name_their_classes(tiny, tmp_path):
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    recipe = tiny(game=game, grid_size=16)
    prepared = setup.prepare(recipe, str(tmp_path / "run"))
    # 16 samples are 4 rows of 4, a class each.
    line = "grids     classes of samples, from 0 on: 0 to 3: 0, 4 to 7: 1, 8 to 11: 2, 12 to 15: 3"
    assert line in train.introduction(recipe, prepared, "run", 0)
    plain = setup.prepare(tiny(), str(tmp_path / "run"))
    assert not [line for line in train.introduction(tiny(), plain, "run", 0) if line.startswith("grids")]
