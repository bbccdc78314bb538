"""Signals that ask a run to stop, and those that a process ignores."""

import signal

import pytest

from gan_jax.runtime import signals


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_a_request_and_the_second_one_is_the_system_s(kind):
    received = []
    before = signal.signal(kind, lambda number, frame: received.append(number))
    try:
        with signals.stop_requests() as stop:
            assert not stop(1)
            signal.raise_signal(kind)
            assert stop(2) and received == []
            signal.raise_signal(kind)
            assert received == [kind]
        signal.raise_signal(kind)
        assert received == [kind, kind]
    finally:
        signal.signal(kind, before)


def test_a_hang_up_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stop_requests() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop(1) and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
