"""A process that does tasks one after the other, and may be killed.

It is started as `python -m gan_jax.benchmark.helper MODULE`. Tasks come as lines of JSON on stdin, and
results go as lines of JSON to stdout. So a task that crashes, hangs or needs all memory ends its process and
no other, and processes that live on need not start JAX again.
"""

import importlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any

from gan_jax.errors import Fault

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Helper:
    """Asks a process, which starts at the first task and again after one that ended it.

    Args:
        module: Dotted path of the module whose functions are tasks; it is imported in the process only.
        environment: Variables that differ from this process's.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.module, self.environment = module, environment
        self.process: subprocess.Popen | None = None

    def send(self, name: str, **arguments: Any) -> None:
        """Sends a task.

        Args:
            name: The function.
            **arguments: Its arguments, values that JSON can hold.
        """
        if self.process is None:
            self._start()
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"name": name, "arguments": arguments}) + "\n")
            self.process.stdin.flush()
        except OSError:  # It has ended, and `result` says why.
            pass

    def result(self, deadline: float) -> dict[str, Any]:
        """Waits for the result of the task that was sent.

        Args:
            deadline: On the clock of `time.monotonic`; then the process is killed.

        Returns:
            The result.

        Raises:
            Fault: The task failed, the process ended, or the time is up.
        """
        try:
            line = self.answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self.close()
            raise Fault("did not fit into its time") from None
        if line is None:
            raise Fault(self._end())
        answer = json.loads(line)
        if "error" in answer:
            raise Fault(answer["error"])
        return answer["result"]

    def ask(self, deadline: float, name: str, **arguments: Any) -> dict[str, Any]:
        """`send` and `result` in one; nothing is sent after the deadline."""
        if time.monotonic() > deadline:
            raise Fault("did not fit into its time")
        self.send(name, **arguments)
        return self.result(deadline)

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _end(self):
        """Why the process ended by itself."""
        assert self.process is not None
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # It has closed its output, and lives.
            code = 0
        self.close()
        self.log.seek(0)
        by = f" by {signal.Signals(-code).name}" if code < 0 else ""
        return f"its process ended{by}: {reason(self.log.read())}"

    def _start(self):
        paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.log = tempfile.TemporaryFile("w+")
        self.answers: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gan_jax.benchmark.helper", self.module], text=True, stderr=self.log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **self.environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        threading.Thread(target=_read, args=(self.process.stdout, self.answers), daemon=True).start()


def _read(lines, answers):
    """Puts lines into a queue, and None after the last."""
    try:
        for line in lines:
            answers.put(line)
    except ValueError:  # The file has been closed.
        pass
    answers.put(None)


def reason(log: str) -> str:
    """The line of a process's log that says why it ended.

    Args:
        log: The log.

    Returns:
        The last line that names an error, since a crash is followed by the state of threads, or else the last
        line; at most 200 characters.
    """
    lines = log.strip().splitlines() or ["no message"]
    words = re.compile("error|fatal|exhausted|out of memory|check failed", re.IGNORECASE)
    return (list(filter(words.search, lines)) or lines)[-1].strip()[:200]


def main() -> None:
    """Does the tasks on stdin until it is closed; then the process ends, whatever it does."""
    # What libraries print must not be taken for a result.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module = importlib.import_module(sys.argv[1])
    tasks: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_receive, args=(tasks,), daemon=True).start()
    while True:
        task = json.loads(tasks.get())
        try:
            answer = json.dumps({"result": getattr(module, task["name"])(**task["arguments"])})
        except Exception as error:  # A task may fail in any way, and the next one may not.
            answer = json.dumps({"error": described(error)})
        out.write(answer + "\n")
        out.flush()


def described(error: Exception) -> str:
    """An exception in one line of at most about 200 characters."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _receive(tasks):
    """Puts lines of stdin into a queue. At its end nobody waits, and a task would hold the device."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
