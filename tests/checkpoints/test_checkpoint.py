"""Saving and restoring: round trips, damage, other device counts, and shapes that do not fit."""

import os
import runpy
import shutil

import command_line
import jax
import numpy as np
import pytest
import sources

from gan_jax import build, modalities
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel
from gan_jax.sampling import loading
from gan_jax.training import train

MODALITY = sources.modality(classes=10)
pytestmark = pytest.mark.usefixtures("saved_in_slices")


def _abstract(recipe, devices=1):
    start = build.start(build.train_spec(recipe, MODALITY), MODALITY, recipe.batch_size)
    mesh = parallel.mesh(recipe.batch_size, jax.devices()[:devices])
    return jax.jit(start), parallel.abstract(start, jax.random.key(0), parallel.replicated(mesh))


@pytest.fixture
def saved(tiny, tmp_path):
    start, abstract = _abstract(tiny())
    states = {step: start(jax.random.key(step)).replace(step=jax.numpy.int32(step)) for step in (1, 2, 3)}
    with checkpoint.manager(str(tmp_path), keep=5) as manager:
        for step, state in states.items():
            checkpoint.save(manager, step, state)
    return str(tmp_path), abstract, states


def _assert_equal(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


def _with(abstract, part, change):
    """The abstract state with changed leaves of one part."""
    return abstract.replace(**{part: jax.tree.map(change, getattr(abstract, part))})


def _as(dtype):
    def change(leaf):
        other = dtype if np.issubdtype(leaf.dtype, np.floating) else leaf.dtype
        return jax.ShapeDtypeStruct(leaf.shape, other, sharding=leaf.sharding)

    return change


@pytest.mark.parametrize(
    "part, restore",
    [("params", checkpoint.restore_latest), ("opt", lambda *args: checkpoint.restore(*args, 3))],
    ids=["params", "opt"],
)
def test_numbers_of_other_types_are_no_damage(saved, tmp_path, part, restore):
    """A run of 32 bits that is opened with JAX_ENABLE_X64=1, and one of 64 bits that is opened without it."""
    workdir, abstract, states = saved
    with jax.enable_x64(True):
        wide = _with(abstract, part, _as(np.float64))
        with pytest.raises(UsageError) as caught:
            restore(workdir, wide)
        assert not isinstance(caught.value, checkpoint.Damaged)
        assert f"checkpoint 3 in {workdir} has numbers of other types: {part}/" in str(caught.value)
        assert " is float32 there and float64 here" in str(caught.value)
        assert str(caught.value).endswith("trained without JAX_ENABLE_X64=1: unset that here too")
        state = states[3].replace(**{part: jax.tree.map(lambda leaf: leaf.astype(_as(np.float64)(leaf).dtype),
                                                        getattr(states[3], part))})  # fmt: skip
        with checkpoint.manager(str(tmp_path / "wide"), keep=1) as manager:
            checkpoint.save(manager, 3, state)
        restored = checkpoint.restore(str(tmp_path / "wide"), wide, 3)
        assert any(leaf.dtype == np.float64 for leaf in jax.tree.leaves(getattr(restored, part)))
    with pytest.raises(UsageError, match="trained with JAX_ENABLE_X64=1: set that here too$") as caught:
        restore(str(tmp_path / "wide"), abstract)
    assert not isinstance(caught.value, checkpoint.Damaged)


def test_a_type_of_another_version_is_no_damage(saved):
    workdir, abstract, _ = saved
    with pytest.raises(
        UsageError, match="is float32 there and bfloat16 here.*; another version of gan_jax or of"
    ):
        checkpoint.restore(workdir, _with(abstract, "params", _as(jax.numpy.bfloat16)), 3)


def test_optimizers_of_another_version_are_no_damage(saved, tiny):
    workdir, _, _ = saved
    _, abstract = _abstract(tiny(optimizer=dict(sgd=dict(learning_rate=0.1, momentum=0.9))))
    with pytest.raises(
        UsageError, match="has optimizers of other arrays: opt/.* another version of optax"
    ) as caught:
        checkpoint.restore_latest(workdir, abstract)
    assert not isinstance(caught.value, checkpoint.Damaged) and checkpoint.steps(workdir) == [1, 2, 3]


def test_round_trip(saved):
    workdir, abstract, states = saved
    assert checkpoint.steps(workdir) == [1, 2, 3]
    restored = checkpoint.restore(workdir, abstract, 2)
    assert jax.tree.structure(restored) == jax.tree.structure(states[2])
    _assert_equal(restored, states[2])


def test_saved_on_one_device_restored_on_eight(saved, tiny):
    workdir, _, states = saved
    _, abstract = _abstract(tiny(), devices=8)
    restored = checkpoint.restore(workdir, abstract, 3)
    assert len(jax.tree.leaves(restored)[0].devices()) == 8
    _assert_equal(restored, states[3])


def test_the_best_is_kept_beside_the_newest(tiny, tmp_path):
    start, _ = _abstract(tiny())
    state, workdir = start(jax.random.key(0)), str(tmp_path)
    with checkpoint.manager(workdir, keep=2) as manager:
        assert checkpoint.best_cost(manager) == np.inf
        for step, cost in [(1, 5.0), (2, 3.0), (3, None), (4, 4.0), (5, None), (6, 3.5)]:
            checkpoint.save(manager, step, state, cost)
    assert checkpoint.steps(workdir) == [2, 5, 6] and checkpoint.best_step(workdir) == 2
    with checkpoint.manager(workdir, keep=2) as manager:
        assert checkpoint.best_cost(manager) == 3.0
        checkpoint.save(manager, 7, state, 2.5)
    assert checkpoint.steps(workdir) == [6, 7] and checkpoint.best_step(workdir) == 7


def test_costs_that_come_after_their_checkpoints(tiny, tmp_path):
    """As if they had come with them; a checkpoint whose cost never comes is one without."""
    start, _ = _abstract(tiny())
    state, workdir = start(jax.random.key(0)), str(tmp_path)
    left = {1: [1], 2: [1, 2], 3: [2, 3], 4: [2, 3, 4], 5: [2, 4, 5], 6: [5, 6]}
    with checkpoint.manager(workdir, keep=2) as manager:
        for step, cost in [(1, 5.0), (2, 3.0), (3, None), (4, 4.0), (5, None), (6, 2.5)]:
            checkpoint.save(manager, step, state)
            manager.wait_until_finished()
            assert checkpoint.is_without_cost(workdir, step)
            checkpoint.add_cost(manager, step, cost, keep=2)
            assert checkpoint.is_without_cost(workdir, step) == (cost is None)
            assert checkpoint.steps(workdir) == left[step]
        assert checkpoint.best_cost(manager) == 2.5
    assert checkpoint.best_step(workdir) == 6 and not checkpoint.is_without_cost(workdir, 7)


def test_without_costs_there_is_no_best(saved, tmp_path):
    assert checkpoint.best_step(saved[0]) is None and checkpoint.best_step(str(tmp_path / "none")) is None


@pytest.mark.parametrize("use", [loading.load, lambda workdir: train.run(_digits(), workdir)])
def test_a_workdir_in_a_bucket_is_refused_and_no_folder_made(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="workdir=gs://bucket/run: expected a folder of a file system"):
        use("gs://bucket/run")
    assert os.listdir(tmp_path) == []


def _digits():
    return runpy.run_path(os.path.join(command_line.ROOT, "configs", "dcgan.py"))["get_config"]()


def test_oldest_go_first_and_a_step_is_saved_once(tiny, tmp_path):
    start, _ = _abstract(tiny())
    state = start(jax.random.key(0))
    with checkpoint.manager(str(tmp_path), keep=2) as manager:
        for step in (1, 2, 3, 3):
            checkpoint.save(manager, step, state)
    assert checkpoint.steps(str(tmp_path)) == [2, 3]


def _largest(folder):
    files = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
    return max(files, key=os.path.getsize)


def _truncate(folder):
    path = _largest(folder)
    os.truncate(path, os.path.getsize(path) // 2)


def _delete_state(folder):
    shutil.rmtree(os.path.join(folder, "state"))


def _spoil_metadata(folder):
    with open(os.path.join(folder, "state", "_METADATA"), "w") as file:
        file.write("{")


@pytest.mark.parametrize(
    "damage", [_truncate, _delete_state, _spoil_metadata, lambda f: os.remove(_largest(f))]
)
def test_falls_back_past_a_damaged_checkpoint_and_moves_it_away(saved, damage, caplog):
    workdir, abstract, states = saved
    damage(os.path.join(workdir, "checkpoints", "3"))
    with pytest.raises(UsageError, match="checkpoint 3 in .* is damaged"):
        checkpoint.restore(workdir, abstract, 3)
    _assert_equal(checkpoint.restore_latest(workdir, abstract), states[2])
    assert "checkpoint 3" in caplog.text and "trying the previous one" in caplog.text
    assert checkpoint.steps(workdir) == [1, 2] and os.listdir(os.path.join(workdir, "damaged")) == ["3"]


def test_when_all_are_damaged_none_is_moved(saved):
    workdir, abstract, _ = saved
    for step in (1, 2, 3):
        _truncate(os.path.join(workdir, "checkpoints", str(step)))
    with pytest.raises(UsageError, match="no checkpoint in .* can be read"):
        checkpoint.restore_latest(workdir, abstract)
    assert checkpoint.steps(workdir) == [1, 2, 3]


def test_leftovers_of_a_killed_save_are_ignored(saved):
    workdir, abstract, states = saved
    os.makedirs(os.path.join(workdir, "checkpoints", "4.orbax-checkpoint-tmp", "state"))
    os.makedirs(os.path.join(workdir, "checkpoints", "notes"))
    assert checkpoint.steps(workdir) == [1, 2, 3]
    _assert_equal(checkpoint.restore_latest(workdir, abstract), states[3])


def test_empty_and_missing_workdirs_have_no_checkpoint(tmp_path, saved):
    _, abstract, _ = saved
    assert checkpoint.restore_latest(str(tmp_path / "none"), abstract) is None
    assert checkpoint.steps(str(tmp_path / "none")) == []


def test_other_shapes_are_named(saved, tiny):
    workdir, _, _ = saved
    nets = tiny().nets
    nets["generator"]["widths"] = (17,)
    _, wider = _abstract(tiny(nets=nets))
    message = (
        r"checkpoint 3 .* has other shapes: params/generator/Dense_0/bias is \(16,\) there and \(17,\) here"
    )
    with pytest.raises(UsageError, match=message):
        checkpoint.restore_latest(workdir, wider)
    nets["generator"]["widths"] = (16, 16)
    _, deeper = _abstract(tiny(nets=nets))
    with pytest.raises(UsageError, match="params/generator/Dense_2/bias is absent there"):
        checkpoint.restore(workdir, deeper, 3)


def test_missing_step_says_which_exist(saved):
    workdir, abstract, _ = saved
    with pytest.raises(UsageError, match="step 9 has no checkpoint in .*; these exist: 1, 2, 3"):
        checkpoint.restore(workdir, abstract, 9)


def test_recipe_file(tiny, tmp_path):
    assert checkpoint.read_recipe(str(tmp_path)) == (None, None)
    description = modalities.to_plain(MODALITY.spec, MODALITY.facts)
    checkpoint.write_recipe(str(tmp_path), tiny(), description)
    plain, data = checkpoint.read_recipe(str(tmp_path))
    assert plain["batch_size"] == 8
    assert data["spec"] == {"real": [[8, 8, 1], "uint8"], "label": [[], "int32"]}
    assert data["facts"]["class_names"] == list("0123456789")
    assert modalities.from_plain(data).spec == MODALITY.spec
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(UsageError, match="recipe.json cannot be read: JSONDecodeError"):
        checkpoint.read_recipe(str(tmp_path))


@pytest.mark.parametrize("name", ["a[lr=0.1]", "b\\c", "d*", "e?"])
def test_a_path_that_orbax_takes_for_a_pattern_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="in a path is a pattern for orbax.*give another folder, or a link"):
        checkpoint.read_recipe(str(tmp_path / name))
    (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert checkpoint.read_recipe(str(tmp_path / "link")) == (None, None)
