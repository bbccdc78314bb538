"""One mesh axis `data`: the state on every device, the batch spread; `jit` makes one program of both."""

import jax

from gan_jax.errors import UsageError


def mesh(batch_size, devices=None):
    """The mesh over all devices, once the batch is known to divide among them.

    Args:
        batch_size: Images a move, over all devices.
        devices: Devices to use; all of them by default.

    Returns:
        A `jax.sharding.Mesh` with the axis `data`.

    Raises:
        UsageError: The number of devices does not divide the batch.
    """
    devices = jax.devices() if devices is None else devices
    if batch_size % len(devices):
        raise UsageError(f"batch_size={batch_size} is not divisible by {len(devices)} devices")
    return jax.make_mesh(
        (len(devices),), ("data",), axis_types=(jax.sharding.AxisType.Auto,), devices=devices
    )


def replicated(mesh):
    """The sharding of what every device has whole."""
    return jax.NamedSharding(mesh, jax.P())


def sharded(mesh, axis=0):
    """The sharding of arrays whose given axis is the batch."""
    return jax.NamedSharding(mesh, jax.P(*(None,) * axis, "data"))


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
    """This process's own copy of replicated arrays, on one of its devices: nothing is sent, nothing copied.

    Args:
        tree: Pytree of replicated arrays.

    Returns:
        The same pytree. It goes with the original where that is donated.
    """
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


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
