"""Mistakes of a user's functions in one line."""

import jax
import numpy as np
import pytest

from gan_jax import seams
from gan_jax.errors import Fault, UsageError


def _broken(x, *, scale=1.0):
    raise KeyError("no\nsuch thing")


def test_an_error_says_where_it_comes_from():
    line = _broken.__code__.co_firstlineno + 1
    with pytest.raises(
        UsageError, match=rf"^losses.mine: KeyError: .*no.* \(.*test_seams.py:{line}\)$"
    ) as caught:
        seams.guarded(_broken, "losses.mine")(1)
    assert "\n" not in str(caught.value) and isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [UsageError("a"), Fault("b"), OSError("c"), MemoryError("d")])
def test_errors_that_speak_for_themselves_pass(error):
    def fail():
        raise error

    with pytest.raises(type(error), match=str(error)):
        seams.guarded(fail, "x")()


def test_a_wrong_result_says_what_was_expected():
    check = seams.guarded(lambda x: x, "metric mine", lambda r: "" if isinstance(r, dict) else "a dict")
    assert check({"a": 1}) == {"a": 1}
    with pytest.raises(UsageError, match=r"^metric mine: expected a dict, got an array float32\[3\]$"):
        check(np.zeros(3, np.float32))
    with pytest.raises(UsageError, match="^x: expected a function that returns int or str, got None$"):
        seams.made(lambda: None, {}, int | str, "x")


def test_the_guard_keeps_the_signature():
    import inspect

    assert inspect.signature(seams.guarded(_broken, "x")) == inspect.signature(_broken)


@pytest.mark.parametrize(
    "value, words",
    [
        (np.zeros((2, 3), np.uint8), "an array uint8[2, 3]"),
        (jax.ShapeDtypeStruct((4,), np.float32), "an array float32[4]"),
        ({"a": 1, "b": 2}, "a dict of a, b"),
        ((None, {}), "a tuple of None, a dict of nothing"),
        (3, "a value of type int"),
    ],
)
def test_values_in_words(value, words):
    assert seams.described(value) == words
