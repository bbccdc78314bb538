"""How processes agree on values, and how one of them ends; test_multihost.py has two real processes."""

import logging
import math
import os
import signal

import jax
import numpy as np
import pytest

from gan_jax.errors import Divergence, Fault, UsageError
from gan_jax.runtime import processes


def _others(monkeypatch, *values):
    """Lets other processes give these values wherever this one gives its own."""
    gather = processes.gather
    monkeypatch.setattr(processes, "gather", lambda value: [*gather(value), *values])


@pytest.mark.parametrize(
    "value", [None, 0.1 + 0.2, -math.inf, [3, 6], {"name": "\N{GREEK SMALL LETTER GAMMA}" * 2000}]
)
def test_a_value_comes_back_bit_for_bit(value):
    assert processes.gather(value) == [value]


def test_gathered_of_many_processes_in_their_order(monkeypatch):
    def allgather(array):
        others = {0: np.int32(1500)}.get(array.ndim)
        row = others if others is not None else np.frombuffer(b'{"a": 1.5}'.ljust(array.size), np.uint8)
        return np.stack([array, row])

    monkeypatch.setattr(processes.multihost_utils, "process_allgather", allgather)
    assert processes.gather(2) == [2, {"a": 1.5}]


def test_done_together_unless_somebody_made_a_mistake(monkeypatch):
    def wrong():
        raise UsageError("batch_size=3: odd")

    assert processes.together(lambda: 5) == 5
    with pytest.raises(UsageError, match="^batch_size=3: odd$"):
        processes.together(wrong)
    _others(monkeypatch, None, "no such folder")
    with pytest.raises(UsageError, match="^process 2: no such folder$"):
        processes.together(lambda: 5)
    with pytest.raises(UsageError, match="^batch_size=3: odd$"):
        processes.together(wrong)


def test_only_the_first_computes(monkeypatch):
    assert processes.from_first(lambda: [1, 2]) == [1, 2]
    monkeypatch.setattr(processes, "is_first", lambda: False)
    assert processes.from_first(lambda: pytest.fail("computed")) is None


def test_a_value_that_differs_between_processes_is_named(monkeypatch):
    processes.check_alike("recipe", {"widths": (1, 2)})
    _others(monkeypatch, {"widths": [1, 2]}, {"widths": [1]})
    with pytest.raises(UsageError, match="recipe differs between process 0 and process 2"):
        processes.check_alike("recipe", {"widths": (1, 2)})


class _Ended(BaseException):
    """In the place of the end of the process."""


def test_an_error_of_one_of_many_ends_it_at_once(monkeypatch, capsys, caplog):
    def end(code):
        raise _Ended(code)

    def fail(error):
        with processes.or_end():
            raise error

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(OSError, match="disk full"):
        fail(OSError("disk full"))
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    for known in (UsageError("mistake"), Divergence("inf")):
        with pytest.raises(type(known)):
            fail(known)
    with caplog.at_level(logging.ERROR, "gan_jax"), pytest.raises(_Ended, match="1"):
        fail(OSError("disk full"))
    assert "OSError: disk full" in capsys.readouterr().err
    with caplog.at_level(logging.ERROR, "gan_jax"), pytest.raises(_Ended, match="1"):
        fail(Fault("the disk is full"))
    assert capsys.readouterr().err == "error: the disk is full\n"
    assert "stopping all processes; rerun to resume" in caplog.text


def test_ctrl_c_is_passed_on_as_sigterm():
    received, before = [], signal.getsignal(signal.SIGINT)
    term = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    manager = type("Manager", (), {"reached_preemption": staticmethod(lambda step: step == 7)})
    try:
        with processes.stop_requests(manager) as stop:
            signal.raise_signal(signal.SIGINT)
            assert received == [signal.SIGTERM] and signal.getsignal(signal.SIGINT) == signal.SIG_DFL
            assert stop(7) and not stop(6)
    finally:
        signal.signal(signal.SIGTERM, term)
    assert signal.getsignal(signal.SIGINT) == before


def test_what_libraries_print_past_python_stays_out_of_the_results(capfd):
    with processes._no_output():
        os.write(1, b"[Gloo] Rank 0 is connected\n")
    os.write(1, b"a result\n")
    assert capfd.readouterr().out == "a result\n"
