"""Large parameters in parts over the mesh axis `model`: the same training, a part of the bytes a device."""

import dataclasses
import functools
import os
import runpy
import shutil
import socket

import command_line
import jax
import numpy as np
import pytest

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint, checksums
from gan_jax.data.batches import batches
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel
from gan_jax.sampling import loading
from gan_jax.training import setup, train
from gan_jax.training.compiled import compiled
from gan_jax.training.diagnostics import diagnostics

KEY = jax.random.key(0)
pytestmark = pytest.mark.usefixtures("saved_in_slices", "without_curves")


def _recipe(tiny, **changes):
    """Kernels of 64 x 128, 128 x 64 and 132 x 128 elements; all else is small."""
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(132, 128)),
        discriminator=dict(name="mlp.Discriminator", widths=(128,), dropout=0.2),
    )
    momentum = dict(sgd=dict(learning_rate=0.05, momentum=0.9))
    return tiny(optimizer=momentum, nets=nets, batch_size=16, **changes)


def _programs(recipe, devices, model_devices):
    mesh = parallel.mesh(recipe.batch_size, jax.devices()[:devices], model_devices=model_devices)
    source = build.source(recipe)
    train_spec = build.train_spec(recipe, source.modality, parallel.spread(mesh))
    decode = build.decoder(recipe, source.modality)
    fed = batches(source, recipe.batch_size, recipe.batches_per_step, recipe.seed, mesh, decode)
    diagnose = functools.partial(diagnostics, train_spec)
    return compiled(train_spec, diagnose, source.modality, recipe.batch_size, fed.decode, mesh, KEY), fed


def _go_on(recipe, workdir, devices, model_devices, steps):
    """Trains from the last checkpoint to a step on so many devices, of which so many share what is large."""
    programs, fed = _programs(recipe, devices, model_devices)
    state = checkpoint.restore_latest(workdir, programs.abstract) or programs.init(KEY)
    for part in fed.feed(int(state.step), steps):
        state, _ = programs.step(state, fed.resident, part, KEY)
    os.makedirs(workdir, exist_ok=True)
    with checkpoint.manager(workdir, keep=1) as manager:
        checkpoint.save(manager, steps, state)
    return jax.device_get(state), jax.tree.map(lambda leaf: leaf.sharding, state)


@pytest.fixture(scope="module")
def runs(tiny, tmp_path_factory):
    """The same training on one device, and from mesh to mesh: both states at the end."""
    folder = tmp_path_factory.mktemp("partitioned")
    for devices, model_devices, steps in ((8, 4, 1), (1, 1, 2)):
        _go_on(_recipe(tiny), str(folder / "crossing"), devices, model_devices, steps)
    crossed, placed = _go_on(_recipe(tiny), str(folder / "crossing"), 8, 2, 4)
    return _go_on(_recipe(tiny), str(folder / "one"), 1, 1, 4)[0], crossed, placed


def test_checkpoints_cross_from_mesh_to_mesh_and_training_is_the_same(runs):
    one, crossed, _ = runs
    assert one.step == crossed.step == 4
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=5e-6), crossed, one)


def test_what_comes_out_of_a_step_is_in_parts_again(runs):
    _, _, placed = runs
    for of in (placed.params, placed.average, placed.opt):
        assert jax.P("model") in {sharding.spec for sharding in jax.tree.leaves(of["generator"])}


def test_every_device_has_its_part_of_the_large_arrays(tiny):
    def bytes_of(tree, model_devices):
        mesh = jax.tree.leaves(tree)[0].sharding.mesh
        assert dict(mesh.shape) == {"data": 8 // model_devices, "model": model_devices}
        each = jax.tree.map(
            lambda leaf: np.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize, tree
        )
        return sum(jax.tree.leaves(each))

    whole, half, quarter = (bytes_of(_programs(_recipe(tiny), 8, m)[0].abstract, m) for m in (1, 2, 4))
    # Kernels of 128 x 64 once and of 132 x 128, 64 x 128 once, twice with momentum, thrice with an average.
    large = 4 * (2 * 64 * 128 + 3 * (132 * 128 + 128 * 64))
    assert (whole - half, whole - quarter) == (large // 2, large * 3 // 4)
    assert large > 0.9 * whole


def test_parts_are_along_the_longest_axis_that_divides():
    mesh = parallel.mesh(8, model_devices=4)
    shapes = {
        "kernel": (5, 5, 30, 64),
        "odd": (99, 64),
        "square": (64, 64),
        "small": (64, 32),
        "prime": (97, 97),
    }
    leaves = {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes.items()}
    specs = {name: leaf.sharding.spec for name, leaf in parallel.partitioned(leaves, mesh).items()}
    assert specs == {
        "kernel": jax.P(None, None, None, "model"), "odd": jax.P(None, "model"),
        "square": jax.P(None, "model"), "small": jax.P(), "prime": jax.P(),
    }  # fmt: skip


def test_parts_are_put_together_here():
    mesh = parallel.mesh(8, model_devices=4)
    array = np.arange(24.0, dtype=np.float32).reshape(2, 12)
    parts = jax.device_put(array, jax.NamedSharding(mesh, jax.P(None, "model")))
    np.testing.assert_array_equal(parallel.on_host(parts), array)
    copy = parallel.local({"parts": parts})["parts"]
    np.testing.assert_array_equal(copy, array)
    assert len(copy.devices()) == 1
    assert checksums.checksums(checksums.on_host([parts])) == checksums.checksums([array])


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(model_devices=3), "model_devices=3: expected a divisor of the 8 devices of a process"),
        (dict(model_devices=2, batch_size=6), "batch_size=6 is not divisible by 4 groups of 2 devices"),
        (
            dict(model_devices=4, batch_size=6, accumulate=2),
            "batch_size=6 in accumulate=2 slices is not divisible by 2 groups of 4 devices",
        ),
    ],
)
def test_sizes_that_do_not_divide(tiny, tmp_path, changes, message):
    with pytest.raises(UsageError, match=f"^{message}$"):
        setup.prepare(tiny(**changes), str(tmp_path / "unborn"))


def test_a_resumed_run_may_have_another_mesh_but_not_another_batch(tiny):
    plain = recipe_lib.to_dict(tiny())
    assert recipe_lib.differences(plain, recipe_lib.to_dict(tiny(model_devices=4))) == []
    assert recipe_lib.differences(plain, recipe_lib.to_dict(tiny(accumulate=2))) == ["accumulate: 1 -> 2"]


CONFIG = (
    command_line.CONFIG.replace("adam=dict(learning_rate=1e-3, b1=0.5)", "sgd=dict(learning_rate=0.05)")
    .replace("widths=(16,)", "widths=(64, 64)")
    .replace("steps=20, log_every=5, grid_every=10", "steps=2, log_every=2, grid_every=4")
)


def test_two_processes_go_on_from_eight_devices(tmp_path):
    """Each has two devices, which share large parameters; its checkpoint is read by one device again."""
    (tmp_path / "large.py").write_text(CONFIG)
    recipe = runpy.run_path(str(tmp_path / "large.py"))["get_config"]()
    train.run(dataclasses.replace(recipe, model_devices=4), str(tmp_path / "eight"))
    shutil.copytree(tmp_path / "eight", tmp_path / "two")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"--coordinator_address=localhost:{free.getsockname()[1]}"
    flags = [f"--config={tmp_path}/large.py", f"--workdir={tmp_path}/two", "--config.steps=4"]
    pair = [
        command_line.start(
            *flags, "--config.model_devices=2", address, "--num_processes=2", f"--process_id={number}",
            JAX_NUM_CPU_DEVICES="2",
        )
        for number in range(2)
    ]  # fmt: skip
    train.run(dataclasses.replace(recipe, steps=4, model_devices=4), str(tmp_path / "eight"))
    ended = [command_line.finish(process) for process in pair]
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert "resuming from step 2" in ended[0][2] and os.listdir(tmp_path / "two" / "grids")
    eight, two = (loading.load(str(tmp_path / name), 4).state for name in ("eight", "two"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=5e-6), two, eight)
    assert all(len(leaf.devices()) == 1 for leaf in jax.tree.leaves(two))
