"""The Python interface: recipes with changes, and training, sampling and evaluating without flags."""

import logging
import os
import re
import subprocess
import sys

import command_line
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gan_jax
from gan_jax.errors import UsageError
from gan_jax.images import to_uint8


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Path of a config file of a tiny conditional GAN."""
    path = tmp_path_factory.mktemp("api") / "tiny.py"
    latents = 'latents=dict(name="normal", size=4)'
    text = command_line.CONFIG.replace(latents, f'{latents}, condition_on=("label",)')
    assert text != command_line.CONFIG
    path.write_text(text)
    return str(path)


def _python(code, *arguments):
    """Runs a program on one device, as a user does; what it wrote on stdout and stderr."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XLA_FLAGS")}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=command_line.ROOT,
        env={**clean, "JAX_PLATFORMS": "cpu"}, text=True, capture_output=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("jax", "flax", "optax", "orbax", "absl", "numpy")
    code = f"import sys, gan_jax; print([name for name in {heavy!r} if name in sys.modules])"
    assert _python(code) == ("[]\n", "")


def test_the_package_offers_the_interface_and_nothing_by_chance():
    assert {"Model", "load", "load_data", "load_recipe", "picture", "train"} <= set(dir(gan_jax))
    with pytest.raises(AttributeError, match="module 'gan_jax' has no attribute 'trian'"):
        gan_jax.trian


def test_load_recipe_changes_what_it_is_asked_to(config):
    plain = gan_jax.load_recipe(config)
    recipe = gan_jax.load_recipe(
        f"{config}:stacked_digits",
        steps=7,
        data=dict(resolution=(8, 12)),
        losses=dict(discriminator=dict(r1=dict(weight=2.0, every=4))),
        nets=dict(discriminator=dict(dropout=None)),
        updates=dict(discriminator=3),
    )
    assert (recipe.steps, recipe.batch_size) == (7, plain.batch_size) == (7, 8)
    assert recipe.data == dict(name="stacked_digits", resolution=(8, 12))
    assert recipe.losses == dict(
        discriminator=dict(non_saturating_discriminator=1.0, r1=dict(weight=2.0, every=4)),
        generator=dict(non_saturating_generator=1.0),
    )
    assert recipe.nets["discriminator"] == dict(name="mlp.Discriminator", widths=(16,))
    assert recipe.nets["generator"] == plain.nets["generator"]
    assert recipe.updates == dict(discriminator=3, generator=1)


def test_load_recipe_removes_a_field_whose_default_is_empty(config):
    assert gan_jax.load_recipe(config, average=None).average == {}


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(batchsize=3), "recipe: unknown name 'batchsize'; did you mean batch_size.*"),
        (dict(batch_size=0), "batch_size=0: expected at least 1"),
        (dict(losses=None), "incomplete recipe: .*'losses'"),
        (dict(losses=dict(generator=None)), "losses: nothing for 'generator', which has updates"),
        (dict(data=dict(name=None)), "data={.*}: expected a dict with a 'name'"),
    ],
)
def test_load_recipe_refuses_a_mistake_in_one_line(config, changes, message):
    with pytest.raises(UsageError, match=f"^{message}$") as error:
        gan_jax.load_recipe(config, **changes)
    assert "\n" not in str(error.value)


def test_load_recipe_of_no_file(tmp_path):
    with pytest.raises(UsageError, match=f"^config file '{tmp_path}/none.py' does not exist$"):
        gan_jax.load_recipe(f"{tmp_path}/none.py")


def test_load_of_an_empty_folder_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=f"^{tmp_path} holds no checkpoint of a run; [^\n]*$"):
        gan_jax.load(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def model(config, tmp_path_factory):
    """A trained conditional model."""
    return gan_jax.train(gan_jax.load_recipe(config, steps=10), tmp_path_factory.mktemp("run"))


def test_a_model_says_what_it_is(model):
    assert model.step == 10 and os.path.isdir(os.path.join(model.workdir, "checkpoints"))
    assert repr(model) == f"Model(workdir={model.workdir!r}, step=10)"
    assert model.recipe.game["condition_on"] == ["label"]


def test_other_checkpoints(model):
    assert gan_jax.load(model.workdir, 5).step == 5 and gan_jax.load(model.workdir).step == 10
    with pytest.raises(UsageError, match="step 7 has no checkpoint in .*; these exist: 5, 10"):
        gan_jax.load(model.workdir, 7)


def test_a_sample_depends_on_its_row_seed_and_label(model):
    few, many = model.sample(3, labels=[3, 7]), model.sample(70, labels=[3, 7])
    assert many.shape == (70, 8, 8, 1) and many.dtype == np.uint8
    np.testing.assert_array_equal(few, many[:3])
    assert not np.array_equal(few, model.sample(3, labels=[3, 8]))
    assert not np.array_equal(few, model.sample(3, labels=[3, 7], seed=1))
    assert not np.array_equal(few, model.sample(3, labels=[3, 7], averaged=False))
    np.testing.assert_array_equal(few, model.sample(3, conditions={"label": np.array([3, 7, 3])}))


@pytest.mark.parametrize(
    "asked, message",
    [
        (dict(count=0), "num_images=0: expected at least 1"),
        (dict(count=2, labels=[10]), "labels=10: expected 0 to 9, or names: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (dict(count=2, conditions={}), r"conditions: 'label' is missing, \[2\]"),
        (dict(count=2, conditions={"label": [1]}), r"conditions\['label'\]: expected \[2\], got \[1\]"),
    ],
)
def test_samples_that_a_model_cannot_draw(model, asked, message):
    with pytest.raises(UsageError, match=f"^{message}$"):
        model.sample(**asked)


def test_the_generator_is_a_pure_function_of_latents_and_conditions(model):
    # The latents of a sampler's first chunk.
    latents = model.loaded.game.draw(jax.random.fold_in(jax.random.key(0), 0), 64)
    labels = jnp.full((64,), 3, jnp.int32)
    images = jax.jit(model.generator)(latents, label=labels)
    assert images.shape == (64, 8, 8, 1) and images.dtype == jnp.float32
    expected = model.sample(64, labels=[3]).astype(int)
    assert (
        np.abs(np.asarray(to_uint8(images)).astype(int) - expected).max() <= 1
    )  # Rounding of other programs.
    slope = jax.grad(lambda latents: jnp.mean(model.generator(latents, label=labels)))(latents)
    assert slope.shape == (64, 4) and np.all(np.isfinite(slope)) and np.any(slope != 0)


def test_latents_are_those_of_the_recipe(model):
    latents = model.latents(1000, seed=1)
    assert latents.shape == (1000, 4) and abs(float(jnp.std(latents)) - 1) < 0.05
    np.testing.assert_array_equal(latents, model.latents(1000, seed=1))


def test_latents_are_those_of_the_samples(model):
    images = model.generator(model.latents(70, seed=1), label=jnp.full((70,), 3, jnp.int32))
    expected = model.sample(70, seed=1, labels=["3"]).astype(int)
    assert np.abs(np.asarray(to_uint8(images)).astype(int) - expected).max() <= 1


def test_progress_goes_to_stderr_and_to_no_other_handler(model, caplog, capsys):
    gan_jax.train(model.recipe, model.workdir)
    assert capsys.readouterr().err.count("finished 10 steps") == 1 and caplog.text == ""


def test_a_program_that_has_set_up_logging_gets_the_lines_itself(model, caplog, capsys):
    with caplog.at_level(logging.INFO, logger="gan_jax"):
        gan_jax.train(model.recipe, model.workdir)
    assert caplog.text.count("finished 10 steps") == 1 and capsys.readouterr().err == ""


# Everything once, without absl flags; in a notebook's cell an event loop is already running.
USE = """
import asyncio, json, sys
from absl import flags
import numpy as np
import gan_jax

config, workdir, output, place = sys.argv[1:]

def use():
    recipe = gan_jax.load_recipe(config, steps=10)
    trained = gan_jax.train(recipe, workdir)
    model = gan_jax.load(workdir)
    assert model.step == trained.step == 10
    images = model.generator(model.latents(4, seed=1), label=np.array([3, 7, 3, 7]))
    values = model.evaluate(["frechet_distance"], features="pixels", num_samples=50)
    np.savez(output, sample=model.sample(4, labels=[3, 7]), images=images)
    assert not flags.FLAGS.is_parsed()
    print(json.dumps(values))

async def main():
    use()

asyncio.run(main()) if place == "notebook" else use()
"""
LINES = r"(data|network|devices|grids|workdir|compiling|memory|step|finished|stopped|frechet_distance:|alert) .*"


@pytest.mark.parametrize("place", ["program", "notebook"])
def test_all_of_it_in_a_program_and_in_a_notebook(config, tmp_path, place):
    out, err = _python(USE, config, tmp_path / "run", tmp_path / "saved.npz", place)
    # Progress on stderr, one line each, and not a word by other packages.
    lines = err.splitlines()
    assert lines and all(re.fullmatch(LINES, line.strip()) for line in lines), err
    assert any(line.startswith("step 10/10  ") for line in lines)
    assert [line for line in lines if line.startswith("finished 10 steps; ")] != []
    (line,) = out.splitlines()
    assert re.fullmatch(r'{"frechet_distance": {"value": [0-9.e-]+, "real_baseline": [0-9.e-]+}}', line)
    saved = np.load(tmp_path / "saved.npz")
    assert saved["images"].shape == (4, 8, 8, 1) and np.abs(saved["images"]).max() <= 1
    flags = ["--mode=sample", f"--workdir={tmp_path}/run", "--num_images=4", "--labels=3,7"]
    code, _, err = command_line.finish(command_line.start(*flags))
    assert code == 0, err
    written = np.load(tmp_path / "run" / "samples" / "step_0000010_seed_0_4_images_averaged_labels_3_7.npz")
    np.testing.assert_array_equal(written["images"], saved["sample"])
    np.testing.assert_array_equal(written["label"], [3, 7, 3, 7])


def test_data_of_a_recipe_can_be_looked_at(config):
    digits = gan_jax.load_data(gan_jax.load_recipe(config, data=dict(resolution=(8, 12))))
    rows = digits.read(np.arange(5))
    assert digits.size == 1297 and digits.classes == tuple("0123456789")
    assert rows["real"].shape == (5, 8, 12, 1) and rows["real"].dtype == np.uint8
    with pytest.raises(UsageError, match="data.name: unknown name 'digitz'; did you mean digits"):
        gan_jax.load_data(gan_jax.load_recipe(config, data=dict(name="digitz", resolution=None)))


def test_a_picture_is_the_same_of_bytes_and_of_floats():
    rows = np.random.default_rng(0).integers(0, 256, (6, 4, 8, 3), np.uint8)
    picture = gan_jax.picture(rows, columns=3)
    # Tiles are 16 times as large, to have 64 pixels on their shorter side, with lines of 2 pixels between.
    assert picture.mode == "RGB" and picture.size == (3 * (128 + 2) + 2, 2 * (64 + 2) + 2)
    np.testing.assert_array_equal(np.asarray(picture)[2:66:16, 2:130:16], rows[0])
    floats = np.float32(rows) / 127.5 - 1.0
    assert np.array_equal(np.asarray(gan_jax.picture(floats, columns=3)), np.asarray(picture))
    assert gan_jax.picture(rows[:1, ..., :1]).mode == "L"


@pytest.mark.parametrize("shape", [(0, 8, 8, 1), (5, 2), (8, 8, 1), (4, 8, 8, 2)])
def test_what_is_no_image_has_no_picture(shape):
    with pytest.raises(UsageError, match=r"picture: expected images \[N, H, W, 1 or 3\], got \["):
        gan_jax.picture(np.zeros(shape, np.uint8))
