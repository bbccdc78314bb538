"""A mesh of devices: the axis `data` splits the batch, the axis `model` splits large parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError

# Elements. Smaller arrays are replicated: splitting them saves little, and sending takes time.
WHOLE_BELOW = 2**12


def mesh(
    batch_size: int, devices: Sequence[jax.Device] | None = None, *, slices: int = 1, model_devices: int = 1
) -> jax.sharding.Mesh:
    """The mesh over all devices; makes sure that they divide the batch.

    Args:
        batch_size: Samples per move, over all devices.
        devices: Devices to use; None for all.
        slices: Number of slices of a batch; the axis `data` splits each of them.
        model_devices: Length of the axis `model`.

    Returns:
        A mesh with the axes `data` and `model`.

    Raises:
        UsageError: The devices do not divide the batch, or `model_devices` does not divide the number of
            devices of a process.
    """
    devices = sorted(devices or jax.devices(), key=lambda device: (device.process_index, device.id))
    here = sum(device.process_index == devices[0].process_index for device in devices)
    if here % model_devices:
        raise UsageError(
            f"model_devices={model_devices}: expected a divisor of the {here} devices of a process"
        )
    # Sorted by process, so that the devices along `model` belong to one process.
    grid = np.array(devices).reshape(-1, model_devices)
    _check_divisible(batch_size, slices, *grid.shape)
    return jax.sharding.Mesh(grid, ("data", "model"), axis_types=(jax.sharding.AxisType.Auto,) * 2)


def _check_divisible(batch_size, slices, groups, model_devices):
    """Makes sure that the groups of devices divide every slice of the batch."""
    if batch_size % (slices * groups):
        among = f"{groups} groups of {model_devices} devices" if model_devices > 1 else f"{groups} devices"
        sliced = f" in accumulate={slices} slices" if slices > 1 else ""
        raise UsageError(f"batch_size={batch_size}{sliced} is not divisible by {among}")


def replicated(mesh: jax.sharding.Mesh) -> jax.NamedSharding:
    """The sharding of arrays of which every device has a full copy."""
    return jax.NamedSharding(mesh, jax.P())


def sharded(mesh: jax.sharding.Mesh, axis: int = 0) -> jax.NamedSharding:
    """The sharding of arrays with the batch along the given axis."""
    return jax.NamedSharding(mesh, jax.P(*(None,) * axis, "data"))


def partitioned(tree: Any, mesh: jax.sharding.Mesh) -> Any:
    """Adds shardings to the shapes of a state: `model` splits the longest divisible axis of large arrays.

    Args:
        tree: Pytree of `jax.ShapeDtypeStruct`.
        mesh: The mesh.

    Returns:
        The same pytree with the sharding of each array; small arrays are replicated.
    """

    def part(leaf):
        divided = [axis for axis, length in enumerate(leaf.shape) if length % mesh.shape["model"] == 0]
        if leaf.size < WHOLE_BELOW or not divided:
            return leaf.update(sharding=replicated(mesh))
        longest = max(divided, key=lambda axis: (leaf.shape[axis], axis))
        return leaf.update(sharding=jax.NamedSharding(mesh, jax.P(*(None,) * longest, "model")))

    return jax.tree.map(part, tree)


def spread(mesh: jax.sharding.Mesh) -> Callable[[jax.Array], jax.Array]:
    """A function that splits an array [B, ...] over the devices, inside `jit`.

    Random draws inside a step need it: without it, every device would draw and process all of them.
    """
    return lambda array: jax.lax.with_sharding_constraint(array, sharded(mesh))


def place(array: np.ndarray, sharding: jax.sharding.Sharding) -> jax.Array:
    """Makes one array over the devices of all hosts from an array that is equal on every host.

    Args:
        array: Array of the global shape.
        sharding: The sharding of the result.

    Returns:
        The global array.
    """
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def local(tree: Any) -> Any:
    """Full arrays on one device of this process; nothing is sent between processes.

    Args:
        tree: Pytree of arrays that are replicated, or whose parts are all on this process.

    Returns:
        The same pytree. A replicated array is not copied, so donating the original deletes it too.
    """

    def one(leaf):
        return leaf.addressable_data(0) if leaf.is_fully_replicated else jnp.asarray(on_host(leaf))

    return jax.tree.map(one, tree)


def on_host(array: jax.Array) -> np.ndarray:
    """A copy of an array in host memory, assembled from its parts on the devices of this process.

    Args:
        array: An array that is replicated, or whose parts are all on this process.

    Returns:
        The copy.
    """
    whole = np.empty(array.shape, array.dtype)
    # By index, since several devices may have the same part.
    for part in {str(part.index): part for part in array.addressable_shards}.values():
        whole[part.index] = part.data
    return whole


def abstract(make: Callable[[jax.Array], Any], key: jax.Array, sharding: jax.sharding.Sharding | None) -> Any:
    """The shapes, dtypes and shardings of a function's result, without computing it.

    Args:
        make: Function of a random key.
        key: The key.
        sharding: Sharding of every array of the result.

    Returns:
        Pytree of `jax.ShapeDtypeStruct`, of the structure of the result.
    """
    shapes = jax.eval_shape(make, key)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)
