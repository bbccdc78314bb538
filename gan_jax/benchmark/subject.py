"""What a framework hands over to be measured."""

from typing import Callable, NamedTuple


class Subject(NamedTuple):
    """A case in a framework, ready to train.

    Attributes:
        advance: Function of a number of steps, at least 1, that trains so many and waits for the last one. A
            step is a whole round: all turns of all players, and the average.
        parameters: LoadedModel numbers by player.
        versions: Versions by name of what computes.
        compile_seconds: Function of nothing to the seconds spent in compilers so far; None if unknown.
        flops: Function of nothing to the floating point operations of a step; None if unknown.
    """

    advance: Callable
    parameters: dict
    versions: dict
    compile_seconds: Callable = lambda: None
    flops: Callable = lambda: None
