"""The command line, in processes of its own, or in this one where none of them differs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import command_line
import in_process
import numpy as np
import pytest
from PIL import Image

DCGAN = "--config=configs/dcgan.py"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(command_line.ROOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Config files good and bad, a finished run, and a copy of it whose recipe was changed by hand."""
    folder = tmp_path_factory.mktemp("command_line")
    tiny = command_line.CONFIG
    files = {
        "tiny": tiny,
        "broken": "def get_config(:\n",
        "none": "x = 1\n",
        "dict": "get_config = dict\n",
        "own": tiny.replace("generator=dict(non_saturating_generator=1.0)", "generator={own_loss: 1.0}"),
        "loss": tiny.replace("non_saturating_generator", "non_saturating_genrator"),
        "optimizer": tiny.replace("dict(adam=", "dict(adm="),
        "conditional_metric": tiny.replace(
            "batch_size=8,",
            "batch_size=8, eval_every=5, eval_metrics=dict(intra_class_frechet_distance={}), "
            'eval_features="pixels",',
        ),
    }
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    run = command_line.start(f"--config={folder}/tiny.py", f"--workdir={folder}/run")
    assert command_line.finish(run)[0] == 0
    shutil.copytree(folder / "run", folder / "wider")
    recipe = folder / "wider" / "recipe.json"
    stored = json.loads(recipe.read_text())
    stored["recipe"]["nets"]["generator"]["widths"] = [17]
    recipe.write_text(json.dumps(stored))
    return folder


# Flags (with {f} for the folder), and what the one line on stderr says.
MISTAKES = {
    "no config": ([], "--config is missing"),
    "no such config": (["--config=configs/dcgna.py"], "config file 'configs/dcgna.py' does not exist"),
    "broken config": (["--config={f}/broken.py"], "config {f}/broken.py: SyntaxError"),
    "config without get_config": (["--config={f}/none.py"], "get_config"),
    "config without a recipe": (["--config={f}/dict.py"], "must return a gan_jax.recipe.Recipe, got"),
    "unknown flag": ([DCGAN, "--wrkdir=x"], "Unknown command line flag 'wrkdir'. Did you mean: workdir"),
    "unknown mode": (
        ["--mode=smple"],
        "--mode=smple: value should be one of <train|sample|evaluate|encode|interpolate|augment|translate>",
    ),
    "a kind of names that does not exist": (
        ["--list=loses"],
        "--list: unknown name 'loses'; did you mean losses",
    ),
    "a checkpoint to train from without its run": (
        [DCGAN, "--step=best"],
        "--step: in --mode=train it belongs to --init_from, which is missing",
    ),
    "own data that is not there": (
        [DCGAN, "--data=mnist"],
        "data=mnist: expected a folder of images, or an .npz or .npy file; other data is named after the recipe",
    ),
    "two data sets": (
        [f"{DCGAN}:mnist", "--data={f}"],
        "--data={f}: --config names other data, mnist; give one of the two",
    ),
    "parameters of a run that is not there": (
        ["--config={f}/tiny.py", "--init_from={f}/none"],
        "{f}/none holds no checkpoint of a run",
    ),
    "unknown tracker": ([DCGAN, "--tracker=wandd"], "tracker: unknown name 'wandd'; did you mean wandb?"),
    "leftover argument": ([DCGAN, "extra"], "unexpected argument 'extra'"),
    "unknown field": ([DCGAN, "--config.batchsize=3"], "unknown name 'batchsize'; did you mean batch_size"),
    "unknown inner field": (
        [DCGAN, "--config.optimizers.generator.adm.learning_rate=1"],
        "optimizers.generator: unknown name 'adm'; did you mean adam",
    ),
    "wrong type": ([DCGAN, "--config.batch_size=abc"], "batch_size='abc': expected int"),
    "negative size": ([DCGAN, "--config.batch_size=-5"], "batch_size=-5: expected at least 1"),
    "zero size": ([DCGAN, "--config.nets.generator.width=0"], "nets.generator.width=0: expected at least 1"),
    "not a number": (
        [DCGAN, "--config.optimizers.generator.adam.learning_rate=nan"],
        "optimizers.generator.adam.learning_rate=nan: expected a finite number",
    ),
    "odd resolution": (
        [DCGAN, "--config.data.resolution=27"],
        "resolution=(27, 27): expected an even height and width of at least 8 pixels",
    ),
    "two sides of no pixels": (
        [DCGAN, "--config.data.resolution=(64, 0)"],
        "data.resolution=(64, 0): expected at least 1 in it, not 0",
    ),
    "two sides of a batch": ([DCGAN, "--config.batch_size=64x96"], "batch_size=(64, 96): expected int"),
    "devices": ([DCGAN, "--config.batch_size=12"], "batch_size=12 is not divisible by 8 devices"),
    "override of a trick": (
        [
            "--config=configs/tricks/instance_noise.py:mnist",
            "--config.data.name=digits",
            "--config.game.augment.instance_noise.steps=0",
        ],
        "game.augment.instance_noise.steps=0: expected at least 1",
    ),
    "unknown net": ([DCGAN, "--config.nets.generator.name=dcgn.Generator"], "did you mean dcgan.Generator"),
    "unknown game": ([DCGAN, "--config.game.name=gam"], "game.name: unknown name 'gam'; did you mean gan"),
    "unknown latents": ([DCGAN, "--config.game.latents.name=norml"], "did you mean normal"),
    "unknown data": (["--config=configs/dcgan.py:mnits"], "unknown name 'mnits'; did you mean"),
    "data not prepared": (
        ["--config=configs/dcgan.py:mnist", "--data_dir={f}/empty"],
        "data set 'mnist' is not prepared in {f}/empty",
    ),
    "input of a loss that its game does not offer": (
        ["--config={f}/tiny.py", "--config.losses.generator.classification_real=1"],
        "losses.generator.classification_real needs 'real_class_logits', which this game does not offer",
    ),
    "a loss that no other process can import": (
        ["--config={f}/own.py"],
        "own_loss of the config file cannot be imported again later: put it at the top level of a module",
    ),
    "unknown hyperparameter": (
        [DCGAN, "--config.optimizers.generator.adam.b3=0.9"],
        "optimizers.generator.adam: unknown name 'b3'; did you mean b2 or b1?; these exist: b1, b2, eps",
    ),
    "hyperparameter of the wrong type": (
        [DCGAN, "--config.optimizers.generator.adam.b2=high"],
        "optimizers.generator.adam.b2='high': expected float",
    ),
    "unknown part of a loss": (
        [DCGAN, "--config.losses.discriminator.r1.evry=16"],
        "losses.discriminator.r1: unknown name 'evry'; did you mean every?; these exist: every, reads, weight, wrap",
    ),
    "nothing to remove": (
        [DCGAN, "--config.losses.discriminator.r1=None"],
        "losses.discriminator: unknown name 'r1'; these exist: non_saturating_discriminator",
    ),
    "a part of a number": ([DCGAN, "--config.steps.many=3"], "steps=4000 has no parts, so no 'many'"),
    "a flag that replaces another": (
        [DCGAN, "--config.data.name=folder", "--config.data=7"],
        "--config.data would replace what --config.data.name says; give it before that",
    ),
    "config after a blank": (
        ["--config", "configs/dcgna.py"],
        "config file 'configs/dcgna.py' does not exist",
    ),
    "labels of codes": (
        ["--mode=encode", "--workdir={f}/run", "--labels=3"],
        "--labels: --mode=encode does not take it; only sample, interpolate do",
    ),
    "metrics of samples": (
        ["--mode=sample", "--workdir={f}/run", "--metrics=quick"],
        "--metrics: --mode=sample does not take it; only evaluate does",
    ),
    "recipe of a finished run": (
        ["--mode=sample", "--workdir={f}/run", "--config.steps=3"],
        "--config: --mode=sample does not take it; only train does",
    ),
    "a folder of images as data_dir": (
        [DCGAN, "--data_dir={f}"],
        "data_dir={f}: data 'digits' reads no folder of TFDS; a folder of images is --config.data.name=folder",
    ),
    "a workdir that orbax takes for a pattern": (
        [DCGAN, "--workdir={f}/a[lr=0.1]"],
        "workdir={f}/a[lr=0.1]: [ ] in a path is a pattern for orbax",
    ),
    "unknown loss": (
        ["--config={f}/loss.py"],
        "losses.generator: unknown name 'non_saturating_genrator'; did you mean non_saturating_generator",
    ),
    "unknown optimizer": (
        ["--config={f}/optimizer.py"],
        "optimizers.discriminator: unknown name 'adm'; did you mean adam",
    ),
    "checkpoint of other shapes": (
        ["--mode=sample", "--workdir={f}/wider"],
        "has other shapes: params/generator/Dense_0/bias is (16,) there and (17,) here",
    ),
    "workdir is no folder": ([DCGAN, "--workdir={f}/tiny.py/run"], "cannot be written: Not a directory"),
    "another recipe": (
        ["--config={f}/tiny.py", "--workdir={f}/run", "--config.batch_size=16"],
        "{f}/run holds a run of another recipe (batch_size: 8 -> 16)",
    ),
    "evaluate without workdir": (["--mode=evaluate"], "--workdir is missing"),
    "evaluate nothing": (["--mode=evaluate", "--workdir={f}/none"], "{f}/none holds no checkpoint"),
    "evaluate by a metric that does not exist": (
        ["--mode=evaluate", "--workdir={f}/run", "--metrics=frechet", "--features=tests.test_names.thing"],
        "features='tests.test_names.thing': module tests.test_names has no function 'thing'",
    ),
    "no best": (
        ["--mode=evaluate", "--workdir={f}/run", "--step=best"],
        "step=best: {f}/run was not evaluated in training; set eval_every",
    ),
    "step that is no number": (
        ["--mode=sample", "--workdir={f}/run", "--step=ten"],
        "step='ten': expected a",
    ),
    "evaluation of nothing": (
        ["--config={f}/tiny.py", "--config.eval_every=5", "--config.eval_features=missing"],
        "features: unknown name 'missing'",
    ),
    "input of a metric that is not available": (
        ["--config={f}/conditional_metric.py"],
        "metric intra_class_frechet_distance needs 'fake_labels', which is not available here",
    ),
    "sample without workdir": (["--mode=sample"], "--workdir is missing"),
    "sample from nothing": (["--mode=sample", "--workdir={f}/none"], "{f}/none holds no checkpoint"),
    "no such step": (
        ["--mode=sample", "--workdir={f}/run", "--step=7"],
        "step 7 has no checkpoint in {f}/run; these exist: 15, 20",
    ),
    "labels of an unconditional model": (
        ["--mode=sample", "--workdir={f}/run", "--labels=1"],
        "labels=1: the networks of {f}/run are not conditioned on labels",
    ),
    "encode without workdir": (["--mode=encode"], "--workdir is missing"),
    "encode without encoder": (
        ["--mode=encode", "--workdir={f}/run"],
        "{f}/run: the game gan has no encoder; bigan and vaegan have one",
    ),
    "interpolate without workdir": (["--mode=interpolate"], "--workdir is missing"),
    "one latent has nowhere to go": (
        ["--mode=interpolate", "--workdir={f}/run", "--num_images=1"],
        "num_images=1: expected at least 2 latents to walk between",
    ),
    "half of a cluster": (
        ["--config={f}/tiny.py", "--num_processes=2"],
        "--coordinator_address and --process_id: missing; these come together",
    ),
    "more processes than there are": (
        ["--config={f}/tiny.py", "--coordinator_address=a:1", "--num_processes=2", "--process_id=2"],
        "process_id=2: expected 0 to 1",
    ),
    "coordinator without port": (
        ["--config={f}/tiny.py", "--coordinator_address=a", "--num_processes=2", "--process_id=1"],
        "coordinator_address=a: expected host:port",
    ),
    "many processes on no cluster": (
        ["--config={f}/tiny.py", "--multihost"],
        "--multihost: ValueError: coordinator_address should be defined.; without a cluster that JAX knows",
    ),
    "many processes that sample": (
        ["--mode=sample", "--workdir={f}/run", "--multihost"],
        "--multihost: --mode=sample does not take it; only train does",
    ),
    "train in a bucket": (
        ["--config={f}/tiny.py", "--workdir=gs://bucket/run"],
        "workdir=gs://bucket/run: expected a folder of a file system; gs:// and the like are not supported",
    ),
    "sample from a bucket": (
        ["--mode=sample", "--workdir=gs://bucket/run"],
        "workdir=gs://bucket/run: expected a folder of a file system",
    ),
    "augment without workdir": (["--mode=augment"], "--workdir is missing"),
    "augment by an unconditional model": (
        ["--mode=augment", "--workdir={f}/run", "--images_per_class=2"],
        "{f}/run: this model is not conditioned on labels alone, so its images have no classes to learn",
    ),
    "a share without another run": (
        ["--mode=translate", "--workdir={f}/run", "--share=0.5"],
        "--share: it belongs to --blend_with, which is missing",
    ),
    "translate by a model of latents": (
        ["--mode=translate", "--workdir={f}/run", "--input={f}", "--output={f}/unborn"],
        "{f}/run: the game gan translates no images: it has no `source` of images",
    ),
    "more of a class than there are": (
        ["--config={f}/tiny.py", "--config.data.per_class=132"],
        "132 images of each class of digits of scikit-learn, train: there are only",
    ),
    "less than no image of a class": (
        [DCGAN, "--config.data.per_class=-1"],
        "data.per_class=-1: expected a whole number, at least 0",
    ),
    "no images": (
        ["--mode=sample", "--workdir={f}/run", "--num_images=0"],
        "num_images=0: expected at least 1",
    ),
}


# These end processes of their own: before JAX is imported, with a checkpoint open, and outside a cluster, which JAX
# looks for only before its first array.
IN_PROCESSES = ["unknown flag", "checkpoint of other shapes", "many processes on no cluster"]


def _flags(folder, name):
    flags = [flag.format(f=folder) for flag in MISTAKES[name][0]]
    elsewhere = any(flag.startswith(("--workdir", "--mode")) for flag in flags)
    return flags if elsewhere else [*flags, f"--workdir={folder}/unborn"]


def _assert_one_line(folder, name, code, out, err):
    assert code == 2, err
    assert err.count("\n") == 1 and err.startswith("error: ") and "Traceback" not in err + out
    assert MISTAKES[name][1].format(f=folder) in err
    assert not (folder / "unborn").exists()


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in IN_PROCESSES])
def test_a_mistake_is_one_line_and_exit_code_2(folder, name, monkeypatch):
    monkeypatch.syspath_prepend(command_line.ROOT)
    _assert_one_line(folder, name, *in_process.run(*_flags(folder, name)))


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_a_mistake_ends_a_process_with_one_line_and_exit_code_2(folder, name):
    _assert_one_line(folder, name, *command_line.finish(command_line.start(*_flags(folder, name))))


def test_flags_are_parsed_before_jax_is_imported():
    assert _imported("gan_jax.main, gan_jax.recipe", ("jax", "flax", "optax")) == "[]"


def test_importing_the_pieces_brings_no_data_set_checkpoint_or_flags():
    heavy = ("tensorflow_datasets", "orbax", "flax", "tensorboardX")
    assert _imported("gan_jax.losses, gan_jax.penalties", (*heavy, "absl")) == "[]"
    # optax itself imports absl for its log.
    assert _imported("gan_jax.transforms", (*heavy, "absl.app")) == "[]"


def _imported(modules, looked_for):
    """Which of some modules a fresh interpreter has after importing others."""
    code = f"import sys, {modules}; print([name for name in {looked_for!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=command_line.ROOT, text=True, capture_output=True)
    return done.stdout.strip() or done.stderr


def test_help_shows_every_mode_with_its_flags_and_an_example_that_it_takes():
    code, out, _ = command_line.finish(command_line.start("--mode=sample", "--help"))
    assert code == 0 and max(map(len, out.splitlines())) <= 110
    for mode in ("train", "sample", "evaluate", "encode", "interpolate", "augment", "translate"):
        (part,) = [part for part in out.split("\n\n") if part.startswith(f"--mode={mode}")]
        (example,) = [
            line.split("gan_jax.main ")[1] for line in part.splitlines() if "python -m gan_jax.main" in line
        ]
        for word in example.split():
            flag = re.match(r"--(\w+)", word)[1]
            assert flag in ("mode",) or re.search(rf"--{flag}\b", part.replace(example, "")), (mode, word)
    assert "--sample_seed          Seed of the latents." in out and "--logtostderr" not in out


def test_list_prints_names_and_no_jax_is_needed_for_recipes():
    code, out, err = command_line.finish(command_line.start("--list=recipes", JAX_PLATFORMS="none"))
    assert (code, err) == (0, "") and re.search(r"^wgan_gp  +WGAN-GP: Gulrajani et al. 2017", out, re.M)


def test_a_dry_run_says_what_would_be_and_writes_nothing(folder):
    command = [f"--config={folder}/tiny.py", f"--workdir={folder}/dry", "--dry_run", "--config.steps=30"]
    code, out, err = command_line.finish(command_line.start(*command))
    assert code == 0, err
    lines = out.splitlines()
    # Latents of 4, 16 units, 64 pixels; their weights and biases.
    assert f"network   generator: {4 * 16 + 16 + 16 * 64 + 64:,} parameters" in lines
    assert "steps=30" in lines and f"workdir   {folder}/dry, new" in lines
    assert "grids/: 3 pictures of 4 images" in out and "FLOP a step" in out
    assert not (folder / "dry").exists()


def test_a_packaged_recipe_and_an_own_folder(folder):
    """The name of the workdir is that of the recipe and the folder; only a dry run, which trains nothing."""
    pictures = folder / "cats"
    pictures.mkdir()
    for number, size in enumerate([(90, 70), (80, 80)] * 10):
        Image.new("RGB", size, (number, 0, 0)).save(pictures / f"{number}.png")
    code, out, err = in_process.run("--config=dcgan", f"--data={pictures}", "--dry_run")
    assert code == 0, err
    lines = out.splitlines()
    assert "data.resolution=64" in lines and "eval_features=pixels" in lines
    assert (
        f"{pictures}: images become 64x64 pixels (--config.data.resolution changes it); without classes"
        in err
    )
    assert any(line.endswith("18 images of 64x64x3, no labels") for line in lines)
    assert "workdir   runs/dcgan-cats, new" in lines


def test_a_run_says_what_it_does_and_how_to_sample(folder):
    process = command_line.start(f"--config={folder}/tiny.py", f"--workdir={folder}/said")
    code, _, err = command_line.finish(process)
    assert code == 0
    lines = err.splitlines()
    assert (
        lines[0]
        == "data      digits of scikit-learn, train: 1,297 images of 8x8x1, 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    )
    assert "network   generator: 1,168 parameters" in lines
    assert f"workdir   {folder}/said, new" in lines
    assert any(line.startswith("step 20/20  discriminator/non_saturating_discriminator ") for line in lines)
    assert lines[-1].startswith("finished 20 steps") and f"--mode=sample --workdir={folder}/said" in lines[-1]
    flags = lines[-1].partition("gan_jax.main ")[2].split()
    code, _, err = command_line.finish(command_line.start(*flags))
    assert code == 0 and "64 images of step 20, averaged parameters" in err


def test_a_resolution_of_two_sides_in_both_spellings(folder):
    flags = [f"--config={folder}/tiny.py", f"--workdir={folder}/wide", "--config.steps=5"]
    code, _, err = in_process.run(*flags, "--config.data.resolution=8x12")
    assert code == 0 and "1,297 images of 8x12x1, 10 classes" in err, err
    # The same recipe, so that the run resumes.
    code, _, err = in_process.run(*flags, "--config.data.resolution=(8, 12)")
    assert code == 0 and "resuming from step 5" in err, err
    assert json.loads((folder / "wide" / "recipe.json").read_text())["recipe"]["data"]["resolution"] == [
        8,
        12,
    ]


def test_interpolate_from_the_command_line(folder):
    flags = [
        "--mode=interpolate",
        f"--workdir={folder}/run",
        "--num_images=3",
        "--sample_seed=2",
        "--step=15",
    ]
    code, _, err = in_process.run(*flags)
    stem = f"{folder}/run/samples/walk_0000015_seed_2_3_images_averaged"
    assert code == 0 and f"3 walks of step 15, averaged parameters: {stem}.png and .webp" in err
    assert os.path.exists(f"{stem}.png") and os.path.exists(f"{stem}.webp")


def _final(workdir):
    """Every array of the last checkpoint, read without the code under test."""
    import orbax.checkpoint as ocp

    folder = os.path.join(workdir, "checkpoints")
    last = max(int(name) for name in os.listdir(folder) if name.isdecimal())
    tree = ocp.StandardCheckpointer().restore(os.path.join(folder, str(last), "state"))
    import jax

    return last, [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def test_kill_at_random_moments_and_resume_bit_for_bit(folder):
    steps = ["--config.steps=400", "--config.checkpoint_every=20"]
    whole, broken = f"{folder}/whole", f"{folder}/broken"
    assert (
        command_line.finish(command_line.start(f"--config={folder}/tiny.py", f"--workdir={whole}", *steps))[0]
        == 0
    )
    random, killed = np.random.default_rng(0), 0
    for _ in range(4):
        process = command_line.start(f"--config={folder}/tiny.py", f"--workdir={broken}", *steps)
        begun = os.path.join(broken, "checkpoints")
        deadline = time.time() + 60
        while not os.path.isdir(begun) and time.time() < deadline:
            time.sleep(0.05)
        time.sleep(random.uniform(0.0, 3.0))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert killed > 0
    code, _, err = command_line.finish(
        command_line.start(f"--config={folder}/tiny.py", f"--workdir={broken}", *steps)
    )
    assert code == 0, err
    (last, expected), (other, actual) = _final(whole), _final(broken)
    assert last == other == 400
    for a, b in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_saves_and_ends_cleanly(folder, kind):
    workdir = f"{folder}/{kind.name}"
    flags = [f"--config={folder}/tiny.py", f"--workdir={workdir}", "--config.steps=1000000"]
    process = command_line.start(*flags, "--config.checkpoint_every=1000000", "--config.grid_every=1000000")
    for line in process.stderr:
        if line.startswith("step 50/"):
            process.send_signal(kind)
            break
    code, _, err = command_line.finish(process)
    assert code == 0 and "saving and stopping" in err and "Traceback" not in err
    last, _ = _final(workdir)
    assert last >= 50 and f"stopped at step {last} of 1000000; the same command resumes from there" in err


def test_a_loss_that_is_not_finite_is_one_line_and_exit_code_1(folder):
    flags = [f"--config={folder}/tiny.py", f"--workdir={folder}/diverged"]
    code, _, err = in_process.run(*flags, "--config.optimizers.generator.adam.learning_rate=1e38")
    assert code == 1 and "Traceback" not in err
    assert "is not finite" in err or " is nan" in err or " is inf" in err
