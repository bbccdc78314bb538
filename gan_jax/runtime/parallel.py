"""A mesh: the batch over its axis `data`, large parameters over `model`; `jit` makes one program of both."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError

# Elements. What has fewer is whole on every device: there is little to save, and sending takes time.
WHOLE_BELOW = 2**12


def mesh(batch_size, devices=None, *, slices=1, model_devices=1):
    """The mesh over all devices, once the batch is known to divide among them.

    Args:
        batch_size: Images a move, over all devices.
        devices: Devices to use; all of them by default.
        slices: Of a batch, each of which is spread over the axis `data`.
        model_devices: Length of the axis `model`.

    Returns:
        A `jax.sharding.Mesh` with the axes `data` and `model`.

    Raises:
        UsageError: The devices do not divide the batch, or `model_devices` those of a process.
    """
    devices = sorted(devices or jax.devices(), key=lambda device: (device.process_index, device.id))
    here = sum(device.process_index == devices[0].process_index for device in devices)
    if here % model_devices:
        raise UsageError(
            f"model_devices={model_devices}: expected a divisor of the {here} devices of a process"
        )
    # In the order of processes, so that one has all parts of what lies along `model`.
    grid = np.array(devices).reshape(-1, model_devices)
    _check_divisible(batch_size, slices, *grid.shape)
    return jax.sharding.Mesh(grid, ("data", "model"), axis_types=(jax.sharding.AxisType.Auto,) * 2)


def _check_divisible(batch_size, slices, groups, model_devices):
    """Makes sure that every slice of the batch divides among groups of devices."""
    if batch_size % (slices * groups):
        among = f"{groups} groups of {model_devices} devices" if model_devices > 1 else f"{groups} devices"
        cut = f" in accumulate={slices} slices" if slices > 1 else ""
        raise UsageError(f"batch_size={batch_size}{cut} is not divisible by {among}")


def replicated(mesh):
    """The sharding of what every device has whole."""
    return jax.NamedSharding(mesh, jax.P())


def sharded(mesh, axis=0):
    """The sharding of arrays whose given axis is the batch."""
    return jax.NamedSharding(mesh, jax.P(*(None,) * axis, "data"))


def partitioned(tree, mesh):
    """A state's shapes, large arrays in parts over the axis `model`: along their longest axis that divides.

    Args:
        tree: Pytree of `jax.ShapeDtypeStruct`.
        mesh: The mesh.

    Returns:
        The same pytree, with the sharding of each array; small ones are whole on every device.
    """

    def part(leaf):
        divided = [axis for axis, length in enumerate(leaf.shape) if length % mesh.shape["model"] == 0]
        if leaf.size < WHOLE_BELOW or not divided:
            return leaf.update(sharding=replicated(mesh))
        longest = max(divided, key=lambda axis: (leaf.shape[axis], axis))
        return leaf.update(sharding=jax.NamedSharding(mesh, jax.P(*(None,) * longest, "model")))

    return jax.tree.map(part, tree)


def spread(mesh):
    """A function that, inside `jit`, spreads an array [B, ...] over the devices.

    Whatever is drawn inside a step needs it: left alone, every device would draw and process all of it.
    """
    return lambda array: jax.lax.with_sharding_constraint(array, sharded(mesh))


def place(array, sharding):
    """A host's array, the same on every host, as one array over the devices of all hosts.

    Args:
        array: NumPy array of the global shape.
        sharding: Where each part goes.

    Returns:
        jax.Array.
    """
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def local(tree):
    """This process's own copy of arrays, whole on one of its devices: nothing is sent between processes.

    Args:
        tree: Pytree of arrays, replicated or in parts that this process has all of.

    Returns:
        The same pytree. A replicated array is not copied, and goes with the original where that is donated.
    """

    def one(leaf):
        return leaf.addressable_data(0) if leaf.is_fully_replicated else jnp.asarray(on_host(leaf))

    return jax.tree.map(one, tree)


def on_host(array):
    """An array in this process's memory, put together from the parts on its devices.

    Args:
        array: jax.Array, replicated or in parts that this process has all of.

    Returns:
        NumPy array; a copy.
    """
    whole = np.empty(array.shape, array.dtype)
    # By what they are parts of, since several devices may have the same.
    for part in {str(part.index): part for part in array.addressable_shards}.values():
        whole[part.index] = part.data
    return whole


def abstract(make, key, sharding):
    """The shapes, dtypes and shardings of what a function of a key would make, without making it.

    Args:
        make: Function of a random key.
        key: The key.
        sharding: Of every array.

    Returns:
        The same pytree, of `jax.ShapeDtypeStruct`.
    """
    shapes = jax.eval_shape(make, key)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)
