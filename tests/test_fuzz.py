"""No command line and no recipe ends in a traceback: exit code 0, 2, or 1, and one line that says why."""

import contextlib
import copy
import glob
import os
import runpy

import command_line
import in_process
import jax
import pytest
import sources
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gan_jax import build, features, modalities
from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import tiny as tiny_recipes
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.training import setup, train

CONFIGS = sorted(glob.glob(os.path.join(command_line.ROOT, "configs", "**", "*.py"), recursive=True))
# Recipes that are traced quickly; the slow tests take all.
QUICK = [path for path in CONFIGS if os.path.basename(path) in ("gan.py", "toy.py", "infogan.py", "cgan.py")]

NAMES = (
    "", " ", ".", "a.", ".a", "a.b", "..", "None", "nan", "é", "two words", "name", "wrap", "adam", "gan",
    "r1", "labels", "normal", "codes", "mlp.Generator", "dcgan.Discriminator", "linear_schedule",
    "spectral_norm", "discriminator", "logits", "digits", "ring", "tfds", "archive", "folder", "relu",
)  # fmt: skip
NUMBERS = (-1, 0, 1, 2, 3, 7, 12, 64, -0.5, 0.0, 0.5, 1.0, 1e-9, 1e38, float("nan"), float("inf"), -(10**30))
# Numbers that say how much is drawn or computed, where a large one is no mistake but a long wait.
AMOUNTS = ("size", "resolution", "modes", "side", "padding", "per_class", "width", "widths")
HUGE = (10**6, 2**31, 10**19)


def _values():
    """What may stand anywhere in a recipe, plausible or not."""
    plain = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(NAMES))
    return st.recursive(
        plain,
        lambda parts: (
            st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(NAMES), parts, max_size=2)
        ),
        max_leaves=4,
    )


@st.composite
def _misspelt(draw, word):
    """A name with one letter left out or written twice."""
    at = draw(st.integers(0, max(len(word) - 1, 0)))
    return word[:at] + draw(st.sampled_from(("", 2 * word[at : at + 1]))) + word[at + 1 :]


def _like(old):
    """Values of the type that stands there."""
    same = [value for value in (*NUMBERS, *NAMES) if type(value) is type(old)]
    several = st.lists(st.sampled_from((*NUMBERS, *NAMES)), max_size=3)
    return st.sampled_from(same) if same else several


def _places(tree):
    """Every dict in nested dicts, with each of its names."""
    for name, part in tree.items():
        yield tree, name
        if isinstance(part, dict):
            yield from _places(part)


@st.composite
def _changed(draw, configs):
    """A recipe that ships, as a dict, with one or two changes of any kind anywhere."""
    recipe = tiny_recipes.of_few_pixels(runpy.run_path(draw(st.sampled_from(configs)))["get_config"]())
    plain = copy.deepcopy(recipe_lib.to_dict(recipe))
    for _ in range(draw(st.integers(1, 2))):
        tree, name = draw(st.sampled_from([*_places(plain)]))
        old = tree.pop(name)
        huge = st.nothing() if name in AMOUNTS else st.sampled_from(HUGE)
        value = draw(st.sampled_from((_like(old), _like(old), _like(old), _values(), huge | _values())))
        changes = [*[{name: draw(value)}] * 8, {draw(_misspelt(name)): old}, {}]
        tree.update(draw(st.sampled_from(changes)))
    return plain


@pytest.fixture(scope="module", autouse=True)
def quick(folder):
    """Nothing trains: neither a run nor a classifier; and nobody joins a cluster."""

    def no_cluster(*given):
        raise RuntimeError("no cluster")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_resume", lambda *given: None)
        patch.setattr(features, "classifier", lambda real, heldout: features.pixels())
        patch.setattr(jax.distributed, "initialize", no_cluster)
        yield


def _prepared(plain, workdir):
    """Everything that a run does before it writes; its mistakes are UsageErrors."""
    with contextlib.suppress(UsageError):
        recipe = recipe_lib.from_dict(plain)
        recipe_lib.validate(recipe)
        recipe_lib.to_dict(recipe)
        setup.prepare(recipe, workdir)


def _often(examples):
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=checks)


@_often(60)
@given(plain=_changed(QUICK))
def test_no_recipe_ends_in_a_traceback(plain, tmp_path_factory):
    _prepared(plain, str(tmp_path_factory.getbasetemp() / "never"))


def test_a_batch_that_no_memory_holds_is_checked_all_the_same(tiny):
    recipe, modality = tiny(batch_size=2**30), sources.modality(classes=10)
    setup.check(recipe, build.train_spec(recipe, modality), modality)


@pytest.mark.slow
@_often(2000)
@given(plain=_changed(CONFIGS))
def test_no_recipe_of_all_ends_in_a_traceback(plain, tmp_path_factory):
    _prepared(plain, str(tmp_path_factory.getbasetemp() / "never"))


# What flags may be given, with {f} for a folder that holds a finished run and no good one.
FLAGS = {
    "config": (
        "{f}/tiny.py",
        "{f}/broken.py",
        "{f}/none.py",
        "{f}",
        "",
        ":",
        "{f}/tiny.py:",
        "{f}/tiny.py:a/b",
    ),
    "workdir": ("{f}/run", "{f}/none", "{f}/tiny.py", "{f}/tiny.py/x", "{f}/text", "gs://bucket/run"),
    "mode": ("train", "sample", "evaluate", "encode", "interpolate", "augment", "translate", "trian", ""),
    "multihost": ("true", "maybe"),
    "coordinator_address": ("localhost:1", "localhost", ":", ""),
    "num_processes": ("1", "2", "0", "two"),
    "process_id": ("0", "1", "-1", ""),
    "data_dir": ("{f}/none", "{f}/tiny.py", ""),
    "num_images": ("-1", "0", "1", "3", "1e3", "", "three"),
    "step": ("10", "5", "7", "best", "-1", "", "latest", "1" * 30),
    "averaged": ("false", "perhaps"),
    "sample_seed": ("3", "-1", "1" * 30, "x"),
    "input": ("{f}/none", "{f}/tiny.py", "{f}", ""),
    "output": ("{f}/tiny.py", "{f}/tiny.py/x", ""),
    "tile": ("64", "0", "-1", "x"),
    "overlap": ("4", "-1", "x"),
    "backward": ("true", "maybe"),
    "mask": ("{f}/none", "{f}/tiny.py", ""),
    "blend_with": ("{f}/run", "{f}/none", ""),
    "share": ("0.5", "2", "-1", "x"),
    "split": ("train", "nowhere", ""),
    "label": ("1", "1,2", "-1", "a", ",", ""),
    "metrics": ("modes", "no_such", "", ",", "power_spectrum_distance"),
    "features": ("pixels", "inception", "no_such", "a.b", "{f}/tiny.py", "{f}", ""),
    "eval_seed": ("1", "-1", "1" * 30),
    "all_steps": ("true", "2"),
    "images_per_class": ("0", "2", "-1", "many"),
    "seeds": ("0", "1", "-1"),
    "flagfile": ("{f}/none", "{f}/text"),
    "help": ("",),
}


@st.composite
def _command(draw):
    """A command line: a few flags, perhaps misspelt, in any order, and changes of the recipe's numbers."""
    chosen = {"config", *draw(st.lists(st.sampled_from(sorted(FLAGS)), max_size=5))}
    given = [f"--{name}={draw(st.sampled_from(FLAGS[name]))}" for name in sorted(chosen)]
    wrong = [
        f"--{draw(_misspelt(draw(st.sampled_from(sorted(FLAGS)))))}=1",
        "stray",
        "-",
        "--",
        "--config.=1",
    ]
    given += draw(st.lists(st.sampled_from(wrong), max_size=1))
    return [*given, *draw(st.lists(_override(), max_size=2))]


@st.composite
def _override(draw):
    """A change of one of the recipe's fields, or of one that it does not have."""
    fields = recipe_lib.flatten(recipe_lib.to_dict(_tiny()))
    name = draw(st.sampled_from(sorted(fields)))
    spelt = draw(
        st.sampled_from((name, name, name, draw(_misspelt(name)), f"{name}.more", name.split(".")[0]))
    )
    values = (*map(str, NUMBERS), *NAMES, "(1,2)", "8x12", "('a',)", "{}", "[", "1" * 30)
    return f"--config.{spelt}={draw(st.sampled_from(values))}"


def _tiny():
    folder = {}
    exec(command_line.CONFIG, folder)
    return folder["get_config"]()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run, config files good and bad, and a file that is no folder."""
    folder = tmp_path_factory.mktemp("fuzz")
    texts = {
        "tiny.py": command_line.CONFIG,
        "broken.py": "def get_config(:\n",
        "none.py": "x = 1\n",
        "text": "?",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    _run(str(folder / "run"))
    return folder


def _run(workdir):
    """A workdir as training leaves it: a recipe and two checkpoints."""
    recipe, modality = _tiny(), sources.modality(classes=10)
    start = build.start(build.train_spec(recipe, modality), modality, recipe.batch_size)
    state = jax.jit(start)(jax.random.key(0))
    with checkpoint.manager(workdir, keep=2) as manager:
        for step in (5, 10):
            checkpoint.save(manager, step, state)
    checkpoint.write_recipe(workdir, recipe, modalities.to_plain(modality.spec, modality.facts))


def _answers(folder, flags):
    """Gives a command line, which must answer with exit code 0 or with one line."""
    with contextlib.chdir(folder):  # A run without a workdir of its own makes one where it is.
        code, _, err = in_process.run(*(flag.replace("{f}", str(folder)) for flag in flags))
    assert code in (0, 1, 2) and "Traceback" not in err
    if code:
        assert err.splitlines()[-1].startswith("error: ") and err.count("error: ") == 1, err


@_often(60)
@given(flags=_command())
@example(flags=["--config={f}/tiny.py", "--flagfile={f}/none"])
@example(flags=["--config={f}/tiny.py", "--config.accumulate={}"])
def test_no_command_line_ends_in_a_traceback(folder, flags):
    _answers(folder, flags)


@pytest.mark.slow
@_often(2000)
@given(flags=_command())
def test_no_command_line_of_many_ends_in_a_traceback(folder, flags):
    _answers(folder, flags)
