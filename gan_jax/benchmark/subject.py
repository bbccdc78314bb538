"""The record of a case that is ready to be measured."""

from collections.abc import Callable
from typing import NamedTuple


class Subject(NamedTuple):
    """A case in a framework, ready to train.

    Attributes:
        advance: Function of a number of steps, at least 1, that takes these steps and waits for the last one.
            A step has all updates of all players, and moves the average.
        parameters: Number of trained parameters by player.
        versions: Versions of libraries and the like, by name.
        compile_seconds: Function without arguments that returns the seconds spent in compilers so far; None
            if unknown.
        flops: Function without arguments that returns the floating point operations of a step; None if
            unknown.
        memory: Function without arguments that returns the bytes that a step needs on its device; None if
            unknown.
    """

    advance: Callable[[int], None]
    parameters: dict[str, int]
    versions: dict[str, str | int]
    compile_seconds: Callable[[], float | None] = lambda: None
    flops: Callable[[], float | None] = lambda: None
    memory: Callable[[], float | None] = lambda: None
