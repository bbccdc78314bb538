"""The frameworks to measure, and their modules. Imports no framework."""

from typing import NamedTuple


class Framework(NamedTuple):
    """The module of a framework's version of the cases.

    Attributes:
        module: Dotted path of the module.
        prepare: The module's function from a Recipe to a Subject.
        package: Package that must be installed.
        description: For people.
    """

    module: str
    prepare: str
    package: str
    description: str


FRAMEWORKS = {
    "gan_jax": Framework("gan_jax.benchmark.ours", "prepare", "jax", "the program that trains"),
    "plain": Framework(
        "gan_jax.benchmark.ours", "prepare_plain", "jax", "the same with the convolutions of jax.lax"
    ),
    "torch": Framework("gan_jax.benchmark.torch_peer", "prepare", "torch", "PyTorch, eager"),
    "tensorflow": Framework(
        "gan_jax.benchmark.tensorflow_peer", "prepare", "tensorflow", "Keras in one tf.function"
    ),
    "tensorflow-xla": Framework(
        "gan_jax.benchmark.tensorflow_peer", "prepare_compiled", "tensorflow", "the same with jit_compile"
    ),
}
OURS = "gan_jax"
