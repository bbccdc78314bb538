"""What `benchmark.device` asks of a process with JAX. Arguments and results are values that JSON can hold."""

import contextlib
import dataclasses
import math
import os
import platform
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from typing import Any

import jax
import numpy as np

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import ours, tiny
from gan_jax.benchmark.worker import timed
from gan_jax.data.batches import batches
from gan_jax.recipe import Recipe
from gan_jax.runtime import parallel
from gan_jax.sampling import samples
from gan_jax.training import report, train

# `precision` and `matmul_precision` of a recipe by the names in tables.
PRECISIONS = {
    "float32": ("float32", "highest"),
    "tf32": ("float32", "high"),
    "bfloat16": ("bfloat16", "default"),
}


def describe() -> dict[str, Any]:
    """The devices, their memory in GiB and driver, None where unknown, and versions."""
    devices = jax.devices()
    memory = (devices[0].memory_stats() or {}).get("bytes_limit")
    return {
        "device": devices[0].device_kind,
        "platform": devices[0].platform,
        "count": len(devices),
        "memory_gib": memory and memory / 2**30,
        "driver": _driver(),
        "runtime": devices[0].client.platform_version.splitlines()[0],
        "python": platform.python_version(),
        "jax": jax.__version__,
        "processors": os.cpu_count(),
    }


# How often this process has looked for a program in the compilation cache, by what it found.
_LOOKS = {"/jax/compilation_cache/cache_hits": 0, "/jax/compilation_cache/cache_misses": 0}


def _count_look(event: str, **_: Any) -> None:
    if event in _LOOKS:
        _LOOKS[event] += 1


jax.monitoring.register_event_listener(_count_look)


def programs() -> dict[str, Any]:
    """Numbers of programs of this process: `cached`, found in the compilation cache, and `compiled`."""
    cached, compiled = _LOOKS.values()
    return {"cached": cached, "compiled": compiled}


def _driver():
    """The version of NVIDIA's driver, or None."""
    ask = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.splitlines()[0].strip() if said.stdout and not said.returncode else None


def _in_precision(recipe: Recipe, name: str) -> Recipe:
    precision, products = PRECISIONS[name]
    return dataclasses.replace(recipe, precision=precision, matmul_precision=products)


def _to_train(config: str, few_pixels: bool) -> Recipe:
    """A recipe as one would train it here: in bfloat16, except on a CPU."""
    on_cpu = jax.devices()[0].platform == "cpu"
    return _in_precision(_config(config, few_pixels), "float32" if on_cpu else "bfloat16")


def smoke(config: str, workdir: str, few_pixels: bool) -> dict[str, Any]:
    """Trains a recipe for two steps, with a diagnosis, a grid and a checkpoint.

    Args:
        config: A recipe of configs/.
        workdir: Folder of the run.
        few_pixels: Whether networks and images are tiny.

    Returns:
        Dict of `losses`, by name the values of both steps, `finite`, whether losses, diagnostics and samples
        are, and `seconds`.
    """
    begun, recipe = time.monotonic(), _in_precision(_config(config, few_pixels), "float32")
    recipe = dataclasses.replace(
        recipe, steps=2, log_every=1, grid_every=2, checkpoint_every=2, diagnostics_every=2, eval_every=0,
        steps_per_call=1, max_rollbacks=0,
    )  # fmt: skip
    train.run(recipe, workdir)
    records = report.read_metrics(os.path.join(workdir, report.METRICS))
    losses = {name: [record[name] for record in records] for name in records[0] if "/" in name}
    (alerts,) = report.read_metrics(os.path.join(workdir, report.ALERTS))
    numbers = [value for _, value in recipe_lib.numbers([losses, alerts])]
    finite = all(map(math.isfinite, numbers)) and _samples_are_finite(workdir)
    return {"losses": losses, "finite": finite, "seconds": time.monotonic() - begun}


def restored(workdir: str) -> dict[str, Any]:
    """Samples a checkpoint that another device has written.

    Args:
        workdir: Folder of the run.

    Returns:
        Dict of `finite`.
    """
    return {"finite": _samples_are_finite(workdir)}


def _samples_are_finite(workdir):
    """Whether all numbers of a few samples are finite; names of classes lie beside them."""
    with np.load(samples.run(workdir, num_images=4)) as made:
        arrays = [made[name] for name in made.files]
    return all(bool(np.isfinite(array).all()) for array in arrays if array.dtype.kind in "biuf")


def peak(precision: str, seconds: float, size: int) -> dict[str, Any]:
    """The best rate of matrix products of a precision.

    Args:
        precision: A name in PRECISIONS.
        seconds: Duration of the measurement.
        size: Rows and columns.

    Returns:
        Dict of `flops`, per second.
    """
    dtype, products = PRECISIONS[precision]
    return {"flops": ours.matrix_product_peak(seconds, size, dtype, products)}


def _config(config: str, few_pixels: bool) -> Recipe:
    recipe = recipe_lib.load(config)
    return dataclasses.replace(tiny.of_few_pixels(recipe), eval_features="pixels") if few_pixels else recipe


def operations(case: str, few_pixels: bool) -> dict[str, Any]:
    """XLA's count of a step's floating point operations.

    Args:
        case: A name in `cases.DEVICE_CASES`.
        few_pixels: Whether networks and images are tiny.

    Returns:
        Dict of `flops`.
    """
    return {"flops": ours.prepare(tiny.case(case, few_pixels)).flops()}


def speed(case: str, precision: str, steps_per_call: int, seconds: float, few_pixels: bool) -> dict[str, Any]:
    """Trains a case and measures it.

    Args:
        case: A name in `cases.DEVICE_CASES`.
        precision: A name in PRECISIONS.
        steps_per_call: Steps in one call of the program.
        seconds: Approximate duration of each block of steps; 0 to compile only.
        few_pixels: Whether networks and images are tiny.

    Returns:
        Dict of `milliseconds` per step, `images` per step, `first_call_seconds`, most of which compile, and
        `memory_mib`.
    """
    recipe = _in_precision(tiny.case(case, few_pixels), precision)
    recipe = dataclasses.replace(recipe, steps_per_call=steps_per_call)
    subject, begun = ours.prepare(recipe), time.perf_counter()
    subject.advance(steps_per_call)
    first = time.perf_counter() - begun
    result = {"images": recipe.samples_per_step, "first_call_seconds": first}
    if not seconds:
        return result
    blocks = timed(lambda calls: subject.advance(calls * steps_per_call), seconds)[1]
    memory = subject.memory()
    return {
        **result,
        "milliseconds": statistics.median(blocks) / steps_per_call,
        "memory_mib": memory and memory / 2**20,
    }


def loop(
    config: str, data_dir: str | None, period: int, steps_per_call: int, seconds: float, few_pixels: bool
) -> dict[str, Any]:
    """The speed of a whole run and of its steps alone.

    The run has logs, grids, diagnoses, checkpoints and evaluations.

    Args:
        config: A recipe of configs/, perhaps with `:data`.
        data_dir: Folder of prepared TFDS data, or None.
        period: Most steps between two grids, checkpoints and evaluations; the third such period is measured.
        steps_per_call: Steps in one call of the program.
        seconds: Approximate duration of the steps of the whole run; the steps alone take a tenth of it more.
        few_pixels: Whether networks and images are tiny.

    Returns:
        Dict of `images_per_second`, `bare_images_per_second` and `period`.
    """
    recipe = dataclasses.replace(_to_train(config, few_pixels), steps_per_call=steps_per_call)
    source, mesh = build.source(recipe, data_dir), parallel.mesh(recipe.batch_size)
    decode = build.decoder(recipe, source.modality)
    fed = batches(source, recipe.batch_size, recipe.batches_per_step, recipe.seed, mesh, decode)
    bare = ours.running(recipe, source, fed, mesh)
    blocks = timed(lambda calls: bare.advance(calls * steps_per_call), seconds / 30)[1]
    step = 1e-3 * statistics.median(blocks) / steps_per_call
    period = _period(min(period, int(seconds / 3 / step)))
    recipe = dataclasses.replace(
        recipe, steps=3 * period, log_every=max(period // 10, steps_per_call), grid_every=period,
        checkpoint_every=period, eval_every=period, diagnostics_every=max(period // 2, steps_per_call),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as workdir:
        train.run(recipe, workdir, data_dir)
        records = report.read_metrics(os.path.join(workdir, report.METRICS))
    third = [record["samples_per_second"] for record in records if record["step"] > 2 * period]
    return {
        "images_per_second": statistics.harmonic_mean(third),
        "bare_images_per_second": recipe.samples_per_step / step,
        "period": period,
    }


def _period(steps):
    """At most so many steps, but 20, a number that calls of ten steps divide, and the log lines between."""
    return max(20, steps // 100 * 100 or steps // 20 * 20)


def quality(
    config: str,
    data_dir: str | None,
    steps_per_call: int,
    seconds: float,
    picture: str | None,
    few_pixels: bool,
) -> dict[str, Any]:
    """Trains for a given time, and evaluates about five times.

    A short run measures the speed, from which follows the number of steps. If the time runs out before, the
    run stops as after SIGTERM.

    Args:
        config: A recipe of configs/, perhaps with `:data`.
        data_dir: Folder of prepared TFDS data, or None.
        steps_per_call: Steps in one call of the program.
        seconds: Duration.
        picture: Path of the last grid, or None.
        few_pixels: Whether networks and images are tiny.

    Returns:
        Dict of `data`, `images`, real ones seen, their median number `images_per_second`, with evaluations,
        and `evaluations`: dicts of `step`, `seconds` at this speed, and the values by name.
    """
    until, recipe = time.monotonic() + seconds, _to_train(config, few_pixels)
    probe = (2 if few_pixels else 20) * steps_per_call
    recipe = dataclasses.replace(
        recipe, steps=probe, log_every=probe // 2, grid_every=probe, checkpoint_every=probe, eval_every=probe,
        diagnostics_every=0, steps_per_call=steps_per_call,
        eval_metrics=dict(frechet_distance={}, kernel_distance={}), eval_samples=10_000,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as workdir:
        metrics = os.path.join(workdir, report.METRICS)
        train.run(recipe, workdir, data_dir)
        rate = report.read_metrics(metrics)[-1]["samples_per_second"] / recipe.samples_per_step
        left = max(0.0, until - time.monotonic())
        more = max(5 * steps_per_call, int(0.6 * left * rate))  # The rest is for evaluations.
        every = more // 5 // steps_per_call * steps_per_call
        more = 5 * every
        longer = dataclasses.replace(
            recipe, steps=probe + more, log_every=every, grid_every=every, checkpoint_every=every,
            eval_every=every,
        )  # fmt: skip
        with _stopped_after(0.95 * left):
            train.run(longer, workdir, data_dir)
        grids = sorted(os.listdir(os.path.join(workdir, "grids")))
        if picture:
            shutil.copy(os.path.join(workdir, "grids", grids[-1]), picture)
        evaluations, records = report.evaluations(workdir), report.read_metrics(metrics)
    # A window of one call after a start has no speed.
    speed = statistics.median(filter(None, [record["samples_per_second"] for record in records]))
    return {
        "data": recipe.data["name"],
        "images": records[-1]["step"] * recipe.samples_per_step,
        "images_per_second": speed,
        "evaluations": [
            {
                "step": record["step"],
                "seconds": record["step"] * recipe.samples_per_step / speed,
                **{name: value["value"] for name, value in record["values"].items()},
            }
            for record in evaluations
        ],
    }


@contextlib.contextmanager
def _stopped_after(seconds):
    """Asks a run to stop after a while, as a scheduler would, and again until it has stopped."""
    done, before = threading.Event(), signal.signal(signal.SIGTERM, lambda number, frame: None)

    def ask():
        wait = seconds
        while not done.wait(wait):
            os.kill(os.getpid(), signal.SIGTERM)
            wait = 1.0

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()
        signal.signal(signal.SIGTERM, before)
