"""A workdir is locked by one run, until its process exits."""

import errno
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys

import command_line
import pytest

from gan_jax.errors import UsageError
from gan_jax.runtime import lock


def test_held_by_one_and_free_afterwards(tmp_path):
    workdir = str(tmp_path)
    with lock.held(workdir):
        with pytest.raises(UsageError) as error:
            with lock.held(workdir):
                pass
        who = rf"process {os.getpid()} on {re.escape(socket.gethostname())}"
        since = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}"
        assert re.fullmatch(f"{workdir} is held by another run: {who} {since}", str(error.value))
        assert "\n" not in str(error.value)
    with lock.held(workdir):
        pass


def test_an_error_lets_go(tmp_path):
    with pytest.raises(KeyError), lock.held(str(tmp_path)):
        raise KeyError
    with lock.held(str(tmp_path)):
        pass


def test_a_kill_lets_go(tmp_path):
    holding = f"with lock.held({str(tmp_path)!r}): print('held', flush=True); input()"
    code = f"from gan_jax.runtime import lock\n{holding}"
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=command_line.ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match=f"is held by another run: process {holder.pid} on "):
        with lock.held(str(tmp_path)):
            pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with lock.held(str(tmp_path)):
        assert f"process {os.getpid()} on" in (tmp_path / lock.FILE).read_text()


def test_a_holder_that_has_not_yet_said_who_it_is(tmp_path):
    with open(tmp_path / lock.FILE, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="held by another run: one that has just started"):
            with lock.held(str(tmp_path)):
                pass


def _refusing(number):
    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    return flock


def test_without_locks_it_warns(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(fcntl, "flock", _refusing(errno.ENOLCK))
    with lock.held(str(tmp_path)):
        assert (
            f"{tmp_path} cannot be locked (No locks available): concurrent runs cannot be detected"
            in caplog.text
        )
    monkeypatch.setattr(fcntl, "flock", _refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"), lock.held(str(tmp_path)):
        pass


def test_only_the_first_process_takes_it(tmp_path, monkeypatch):
    with lock.held(str(tmp_path)):
        monkeypatch.setattr(lock.processes, "is_first", lambda: False)
        with lock.held(str(tmp_path)):
            pass


def test_a_second_run_is_refused_by_the_command_line(tmp_path):
    (tmp_path / "tiny.py").write_text(command_line.CONFIG)
    with lock.held(str(tmp_path)):
        process = command_line.start(f"--config={tmp_path}/tiny.py", f"--workdir={tmp_path}")
        code, _, err = command_line.finish(process)
    assert code == 2 and err.count("\n") == 1
    assert err.startswith(f"error: {tmp_path} is held by another run: process {os.getpid()} on ")
    assert sorted(os.listdir(tmp_path)) == [lock.FILE, "tiny.py"]
