"""One measurement in one process: `python -m gan_jax.benchmark.worker --case=mlp --framework=torch`.

Prints one line of JSON. Imports the framework that it measures and no other.
"""

import argparse
import importlib
import json
import os
import platform
import time
from collections.abc import Callable
from typing import Any

from gan_jax.benchmark import cases
from gan_jax.benchmark.frameworks import FRAMEWORKS
from gan_jax.runtime import memory

# Blocks of steps that a process times one after the other.
BLOCKS = 3


def measure(framework: str, case: str, seconds: float, started: float) -> dict[str, Any]:
    """Trains a case and measures it.

    Args:
        framework: A name in FRAMEWORKS.
        case: A name in `cases.CASES`.
        seconds: Approximate duration of each block of steps.
        started: Start of the process, seconds since the epoch.

    Returns:
        Dict of `milliseconds` per step for each block, `steps` in a block, `first_step_seconds` since the
        start, `compile_seconds` and `flops` of a step or None, the peak `memory_mib`, `parameters` by player,
        real `images` per step, `threads` that may run, and `versions`.
    """
    recipe = cases.find(case)
    home = FRAMEWORKS[framework]
    subject = getattr(importlib.import_module(home.module), home.prepare)(recipe)
    subject.advance(1)
    first = time.time() - started
    compiling = subject.compile_seconds()
    steps, milliseconds = timed(subject.advance, seconds)
    return {
        "case": case,
        "framework": framework,
        "milliseconds": milliseconds,
        "steps": steps,
        "first_step_seconds": first,
        "compile_seconds": compiling,
        "memory_mib": memory.peak_on_host() / 2**20,
        "flops": subject.flops(),  # Last: it compiles once more, and `memory_mib` must not include that.
        "parameters": subject.parameters,
        "images": recipe.samples_per_step,
        "threads": _threads(),
        "versions": {"python": platform.python_version(), **subject.versions},
    }


def timed(advance: Callable[[int], None], seconds: float) -> tuple[int, list[float]]:
    """Trains in BLOCKS blocks.

    Args:
        advance: As in Subject.
        seconds: Approximate duration of a block.

    Returns:
        Steps in a block, and milliseconds per step of each block.
    """
    steps, taken = 1, clocked(advance, 1)
    while taken < seconds / 4:  # This warms up too.
        steps, taken = 4 * steps, clocked(advance, 4 * steps)
    steps = max(1, round(steps * seconds / taken))
    return steps, [1e3 * clocked(advance, steps) / steps for _ in range(BLOCKS)]


def clocked(advance: Callable[[int], None], steps: int) -> float:
    """The duration of a number of steps, seconds."""
    begun = time.perf_counter()
    advance(steps)
    return time.perf_counter() - begun


def _threads():
    """Logical processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _peak(seconds):
    from gan_jax.benchmark.ours import matrix_product_peak

    return {"peak": matrix_product_peak(seconds)}


def main() -> None:
    """Measures the case of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", default="mlp", help="Case to train.")
    parser.add_argument("--framework", default="gan_jax", choices=[*FRAMEWORKS, "peak"])
    parser.add_argument("--seconds", type=float, default=2.0, help="Length of a block.")
    parser.add_argument("--started", type=float, default=time.time(), help="Seconds since the epoch.")
    options = parser.parse_args()
    if options.framework == "peak":
        result = _peak(options.seconds)
    else:
        result = measure(options.framework, options.case, options.seconds, options.started)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
