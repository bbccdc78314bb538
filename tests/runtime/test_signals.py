"""Signals that ask a run to stop, and those that a process ignores."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gan_jax.runtime import signals

# A process within `at_once` that says `ready`, and then computes for a minute in one call of C, as compilations do.
PROCESS = """
import contextlib, hashlib, time
from gan_jax.runtime import files, signals
with contextlib.ExitStack() as stack:
    stack.enter_context(signals.at_once())
    {}
    print("ready", flush=True)
    {}
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)
"""
WRITING = 'file = stack.enter_context(files.write_atomically("whole.txt")); file.write("half"); file.flush()'
RUNNING = "stop = stack.enter_context(signals.stop_requests())"
# After the first finished step.
SAVING = "while not stop(1): time.sleep(0.01)\n    print('saved', flush=True)"


def _ready(folder, before="pass", after="pass"):
    """The process, once it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(before, after)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def _ended(process, kind):
    """Makes sure that a signal ends the process at once."""
    began = time.monotonic()
    process.send_signal(kind)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + kind and time.monotonic() - began < 5
    assert err == f"{kind.name}: stopped\n"


@pytest.mark.parametrize(
    "kind, before",
    [(signal.SIGTERM, "pass"), (signal.SIGINT, "pass"), (signal.SIGHUP, RUNNING)],
    ids=["terminated", "Ctrl-C", "hang-up before the first step"],
)
def test_a_signal_ends_a_long_call_of_c(tmp_path, kind, before):
    _ended(_ready(tmp_path, before), kind)


def test_a_signal_ends_it_also_where_nobody_reads_what_it_says(tmp_path):
    process = _ready(tmp_path)
    process.stderr.close()
    process.terminate()
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    process.stdout.close()


def test_a_file_that_is_being_written_does_not_stay(tmp_path):
    process = _ready(tmp_path, WRITING)
    assert len(os.listdir(tmp_path)) == 1
    _ended(process, signal.SIGTERM)
    assert os.listdir(tmp_path) == []


def test_a_run_with_steps_saves_first_and_a_second_signal_ends_it(tmp_path):
    process = _ready(tmp_path, RUNNING, SAVING)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "saved\n" and process.poll() is None
    _ended(process, signal.SIGINT)


def test_a_request_to_stop_interrupts_an_evaluation_and_nothing_else():
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with signals.stop_requests() as stop:
            with pytest.raises(signals.Interrupted), signals.interruptible():
                signal.raise_signal(signal.SIGTERM)
            assert stop(1)
        with signals.stop_requests() as stop:
            with signals.interruptible():
                pass
            signal.raise_signal(signal.SIGTERM)
            assert stop(1)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_handlers_are_as_before_afterwards():
    before = signals.handlers()
    with signals.at_once():
        assert signals.handlers() != before
    assert signals.handlers() == before and signal.set_wakeup_fd(-1) == -1


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
