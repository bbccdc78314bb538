"""Alternating rounds of processes, one per framework: other load on the machine affects all equally."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gan_jax.benchmark import cases
from gan_jax.benchmark.frameworks import FRAMEWORKS
from gan_jax.errors import Fault, UsageError

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def check(framework: str, interpreter: str) -> None:
    """Makes sure that an interpreter has a framework.

    Args:
        framework: A name in FRAMEWORKS.
        interpreter: Path of a Python interpreter.

    Raises:
        UsageError: There is no such interpreter, or it does not have the framework.
    """
    package = FRAMEWORKS[framework].package
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    try:
        answer = subprocess.run([interpreter, "-c", look], capture_output=True, cwd=os.sep)
    except OSError as error:
        raise UsageError(f"--python: {interpreter} cannot be run: {error.strerror}") from None
    if answer.returncode:
        raise UsageError(
            f"{framework} needs {package}, which {interpreter} does not have: install the extra `benchmark`, "
            f"or name another interpreter, as in --python={package}:/path/to/python"
        )


def run(
    case_names: Sequence[str],
    frameworks: Sequence[str],
    interpreters: Mapping[str, str],
    repeats: int,
    seconds: float,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measures cases in frameworks, in alternating rounds.

    The first process of a case in a framework compiles everything; processes of later rounds use the
    compilation cache of this run.

    Args:
        case_names: Names that `cases.find` knows.
        frameworks: Names in FRAMEWORKS, in the order within a round.
        interpreters: Python interpreter by package; this one for all other packages.
        repeats: Rounds, at least 1.
        seconds: Length of a block of steps.
        say: Function that prints a line about progress.

    Returns:
        `{"peak": [FLOP/s of each round], "cases": {case: [{framework: measurement}, ...]}}`.

    Raises:
        Fault: A worker failed; with its last line of output.
    """
    with tempfile.TemporaryDirectory() as cache:

        def worker(framework, case):
            package = FRAMEWORKS[framework].package if framework in FRAMEWORKS else "jax"
            say(f"{case or 'machine'}: {framework}")
            return _worker(
                [interpreters.get(package, sys.executable), "-m", "gan_jax.benchmark.worker"]
                + [f"--framework={framework}", f"--case={case}", f"--seconds={seconds}"],
                _environment(os.path.join(cache, framework), cases.devices(case)),
            )

        peaks: list[float] = []
        rounds: dict[str, list[dict[str, Any]]] = {case: [] for case in case_names}
        for _ in range(repeats):
            peaks.append(worker("peak", "")["peak"])
            for case in case_names:
                rounds[case].append({name: worker(name, case) for name in frameworks})
    return {"peak": peaks, "cases": rounds}


def _environment(cache, devices):
    """A worker's environment: this package, the CPU, and a compilation cache of this run and framework."""
    paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(devices),
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def _worker(command, environment):
    """Runs a worker and returns the measurement that it prints."""
    started = f"--started={time.time()}"
    ended = subprocess.run([*command, started], env=environment, capture_output=True, text=True)
    if ended.returncode:
        last = (ended.stderr.strip() or f"exit code {ended.returncode}").splitlines()[-1]
        raise Fault(f"{' '.join(command)} failed: {last}")
    return json.loads(ended.stdout.strip().splitlines()[-1])
