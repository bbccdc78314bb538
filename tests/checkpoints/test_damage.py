"""Damage to a real checkpoint: it is detected, or the restored state equals the saved one."""

import os
import shutil

import jax
import pytest
import sources
from damages import deleted, emptied, equal, files, flipped, noticed, truncated

from gan_jax import build, modalities
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.runtime import lock, parallel
from gan_jax.sampling import loading

MODALITY = sources.modality(classes=10)
pytestmark = pytest.mark.usefixtures("saved_in_slices")


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    """A workdir with checkpoints 1 and 2, each with a cost; the abstract state; and the states."""
    recipe, workdir = tiny(), str(tmp_path_factory.mktemp("damage") / "run")
    start = build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size)
    mesh = parallel.mesh(recipe.batch_size, jax.devices()[:1])
    abstract = parallel.abstract(start, jax.random.key(0), parallel.replicated(mesh))
    states = {
        step: jax.jit(start)(jax.random.key(step)).replace(step=jax.numpy.int32(step)) for step in (1, 2)
    }
    with checkpoint.manager(workdir, keep=5) as manager:
        for step, state in states.items():
            checkpoint.save(manager, step, state, cost=1.0 / step)
    checkpoint.write_recipe(workdir, recipe, modalities.to_plain(MODALITY.spec, MODALITY.facts))
    return workdir, abstract, states


@pytest.fixture
def copied(run, tmp_path):
    """The same in a copy of the workdir, which tests damage."""
    workdir, abstract, states = run
    shutil.copytree(workdir, tmp_path / "run")
    return str(tmp_path / "run"), abstract, states


def _newest(workdir):
    return os.path.join(workdir, "checkpoints", "2")


def _data(folder):
    """The largest file of the storage library: the arrays of one save."""
    return max(files(os.path.join(folder, "state", "ocdbt.process_0", "d")), key=os.path.getsize)


@pytest.mark.parametrize("damage", [truncated, emptied, deleted, flipped])
def test_each_file_damaged(run, tmp_path, damage, caplog):
    whole, abstract, states = run
    verdicts = {}
    for number, path in enumerate(files(_newest(whole))):
        workdir = str(tmp_path / str(number))
        shutil.copytree(whole, workdir)
        place = os.path.relpath(path, whole)
        damage(os.path.join(workdir, place), number)
        verdicts[place] = noticed(workdir, abstract, states, caplog)
    assert len(verdicts) >= 15
    harmful = {"truncated": 8, "emptied": 8, "deleted": 4, "flipped": 4}[damage.__name__]
    assert sum(verdicts.values()) >= harmful, verdicts


@pytest.mark.parametrize("seed", range(12))
def test_one_bit_flipped_among_the_arrays(copied, seed, caplog):
    workdir, abstract, states = copied
    flipped(_data(_newest(workdir)), seed)
    noticed(workdir, abstract, states, caplog)


@pytest.mark.parametrize("item", ["state", "checksums", "metrics", "."])
def test_each_folder_gone(copied, item, caplog):
    workdir, abstract, states = copied
    for name in os.listdir(_newest(workdir)) if item == "." else [item]:
        path = os.path.join(_newest(workdir), name)
        (shutil.rmtree if os.path.isdir(path) else os.remove)(path)
    # A checkpoint without a folder of its cost is one that was saved without a cost.
    assert noticed(workdir, abstract, states, caplog) == (item != "metrics")


def _other_kernel(copied):
    """Replaces one array of the newest checkpoint; all files of orbax are valid."""
    workdir, _, states = copied
    generator = states[2].params["generator"]
    layer = {**generator["Dense_1"], "kernel": generator["Dense_1"]["kernel"].at[3, 5].add(1e-6)}
    params = {**states[2].params, "generator": {**generator, "Dense_1": layer}}
    other = os.path.join(workdir, "other")
    with checkpoint.manager(other, keep=1) as manager:
        checkpoint.save(manager, 2, states[2].replace(params=params))
    shutil.rmtree(os.path.join(_newest(workdir), "state"))
    shutil.move(os.path.join(_newest(other), "state"), os.path.join(_newest(workdir), "state"))
    return workdir


def test_an_array_that_changed_is_named(copied, caplog):
    _other_kernel(copied)
    assert noticed(*copied, caplog)
    assert "checksum mismatch: params/generator/Dense_1/kernel; trying" in caplog.text


def test_a_damaged_step_that_is_asked_for_is_refused_and_stays(copied):
    workdir = _other_kernel(copied)
    for step in (2, "best", None):
        with pytest.raises(UsageError, match="checkpoint 2 in .* is damaged: checksum mismatch"):
            loading.load(workdir, step)
    with lock.held(workdir):  # Readers need no lock.
        assert checkpoint.steps(workdir) == [1, 2] and loading.load(workdir, 1).step == 1


def test_a_checkpoint_without_checksums_is_damaged(copied):
    workdir, _, _ = copied
    shutil.rmtree(os.path.join(_newest(workdir), "checksums"))
    with pytest.raises(UsageError, match="checkpoint 2 in .* is damaged: FileNotFoundError: .*crc32.json'$"):
        loading.load(workdir, 2)


@pytest.mark.parametrize("damage", [truncated, flipped, deleted])
def test_an_earlier_checkpoint_with_a_damaged_cost_is_moved_away(copied, damage, caplog):
    workdir, abstract, states = copied
    damage(os.path.join(workdir, "checkpoints", "1", "metrics", "metrics"), 3)
    assert checkpoint.best_step(workdir) == 2 and "the cost of checkpoint 1 in" in caplog.text
    assert equal(checkpoint.restore_latest(workdir, abstract), states[2])
    assert checkpoint.steps(workdir) == [2] and os.listdir(os.path.join(workdir, "damaged")) == ["1"]


def test_training_saves_again_at_the_step_of_a_checkpoint_that_was_moved_away(copied, caplog):
    workdir, abstract, states = copied
    truncated(_data(_newest(workdir)), 0)
    state = checkpoint.restore_latest(workdir, abstract)
    with checkpoint.manager(workdir, keep=1) as manager:
        assert checkpoint.best_cost(manager) == 1.0
        checkpoint.save(manager, 2, state.replace(step=jax.numpy.int32(2)), cost=2.0)
    assert checkpoint.steps(workdir) == [1, 2] and checkpoint.best_step(workdir) == 1
    assert os.listdir(os.path.join(workdir, "damaged")) == ["2"]
