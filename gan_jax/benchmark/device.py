"""One script for a machine with a GPU or TPU: `python -m gan_jax.benchmark.device --output=device.json`.

It checks every recipe, measures speed beside PyTorch, measures the loop, and trains for the time that is
left, all within `--budget` seconds and without a network. A part or a measurement that fails or does not fit
says so in the table, which is printed last, and ends nothing else. Both files, the results and the table, are
written anew after every measurement, in case that the machine is taken away.
"""

import concurrent.futures
import contextlib
import functools
import importlib.metadata
import importlib.util
import json
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import cases, device_report, shared_flags
from gan_jax.benchmark.helper import Helper, described
from gan_jax.cli import command
from gan_jax.errors import Fault
from gan_jax.runtime import cache, files

# Shares of the time that is left when a part begins, among itself and the parts after it.
PARTS = {"smoke": 0.25, "speed": 0.4, "loop": 0.1, "quality": 0.25}
PRECISIONS = ("bfloat16", "tf32", "float32")
STEPS_PER_CALL = 10
# The least that one of several measurements may take, seconds, if there is so much left: see `share`.
LEAST = 30.0
# Takes what a part has found so far.
Record = Callable[[Any], None]

_PARTS = flags.DEFINE_list("parts", list(PARTS), "Parts to run, in this order.")
_BUDGET = flags.DEFINE_float("budget", 480.0, "Seconds for everything.", 1.0)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of prepared TFDS data with cifar10; digits without it."
)
_RECIPES = flags.DEFINE_list("recipes", [], "Recipes of configs/ to check; all if none is given.")
_PRECISIONS = flags.DEFINE_list("precisions", list(PRECISIONS), "Precisions to measure.")
_RECIPE = flags.DEFINE_string("recipe", "projection", "Recipe of configs/ for the loop and for quality.")
_TINY = flags.DEFINE_bool("tiny", False, "Tiny networks and images: try the script itself, on any machine.")
for _name in ("cases", "output"):
    flags.declare_key_flag(_name)


class Setting(NamedTuple):
    """What all parts share.

    Attributes:
        configs: Recipes of configs/ to check.
        cases: Names of cases to measure.
        precisions: Names in PRECISIONS.
        recipe: Config for the loop and for quality, with its data.
        data_dir: Folder of prepared TFDS data, or None.
        picture: Path of the grid of samples.
        tiny: Whether networks and images are tiny.
        say: Function that prints a line about progress.
    """

    configs: Sequence[str]
    cases: Sequence[str]
    precisions: Sequence[str]
    recipe: str
    data_dir: str | None
    picture: str
    tiny: bool
    say: Callable[[str], None]


def deadlines(parts: Sequence[str], until: float, clock: Callable[[], float]) -> Iterator[tuple[str, float]]:
    """When each part must end: time that one leaves goes to those after it.

    Args:
        parts: Names in PARTS.
        until: End of everything, on the clock.
        clock: Function without arguments that returns the time, seconds.

    Yields:
        Pairs of a part and its deadline, each computed when the part begins.
    """
    for number, part in enumerate(parts):
        rest = sum(PARTS[name] for name in parts[number:])
        now = clock()
        yield part, now + max(0.0, until - now) * PARTS[part] / rest


def share(deadline: float, last: bool, clock: Callable[[], float] = time.monotonic) -> float:
    """When one of several measurements must end, so that one that hangs does not take the time of all others.

    Args:
        deadline: Of them all, on the clock.
        last: Whether no other comes after it.
        clock: Function without arguments that returns the time, seconds.

    Returns:
        The deadline for the last one; else half of what is left, or LEAST if that is more, but not after the
        deadline.
    """
    now = clock()
    return deadline if last else min(deadline, now + max(LEAST, (deadline - now) / 2))


class Pair(NamedTuple):
    """A process on the device and one on the CPU."""

    device: Helper
    host: Helper


@contextlib.contextmanager
def pair() -> Iterator[Pair]:
    """A Pair whose processes are ended on leaving."""
    with _helper() as device, _helper(JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="") as host:
        yield Pair(device, host)


@contextlib.contextmanager
def _helper(module="gan_jax.benchmark.tasks", **environment):
    """A Helper with the cache of all commands; it takes a GPU's memory as it needs it, as others share it."""
    fixed = {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_DEFAULT_PRNG_IMPL": "threefry2x32",  # Others draw other numbers on another device.
    }
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR") or cache.folder("compiled")
    opened = Helper(
        module, {**fixed, **({"JAX_COMPILATION_CACHE_DIR": folder} if folder else {}), **environment}
    )
    try:
        yield opened
    finally:
        opened.close()


def _attempt(do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a task, or a dict of its `error`."""
    try:
        return do()
    except Fault as error:
        return {"error": str(error)}
    except Exception as error:  # A mistake of this script's own must not end the other parts.
        return {"error": described(error)}


def workers() -> int:
    """How many processes compile at a time: four processors for each, at most four."""
    return min(4, max(1, (os.cpu_count() or 1) // 4))


def smoke(setting: Setting, first: Pair, deadline: float, record: Record) -> list[dict[str, Any]]:
    """Trains every recipe for two steps on the device and on the CPU, and compares.

    Args:
        setting: The Setting.
        first: The first of the Pairs that check, each a part of the recipes.
        deadline: On the clock of `time.monotonic`.
        record: Takes the result so far.

    Returns:
        By recipe, dicts of `recipe` and, unless there is an `error`, `differences` and `seconds`.
    """
    waiting: queue.Queue[str] = queue.Queue()
    for config in setting.configs:
        waiting.put(config)
    results: dict[str, dict[str, Any]] = {}

    def rows():
        return [{"recipe": name, **results[name]} for name in sorted(results)]

    def check_some(of):
        for name in _drained(waiting):
            result = _attempt(lambda: _checked(setting, name, of, share(deadline, waiting.empty())))  # noqa: B023
            setting.say(f"smoke: {name}: {result.get('error', 'as on the CPU')}")
            with recording:
                results[name] = result
                record(rows())

    recording = threading.Lock()

    with contextlib.ExitStack() as stack:
        pairs = [first, *[stack.enter_context(pair()) for _ in range(workers() - 1)]]
        _each_in_a_thread(check_some, pairs)
    return rows()


def _drained(waiting):
    """The items of a queue that others take from too."""
    with contextlib.suppress(queue.Empty):
        while True:
            yield waiting.get_nowait()


def _each_in_a_thread(do, items):
    with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
        list(pool.map(do, items))


def _checked(setting, config, of, deadline):
    """Two steps of a recipe on both; what the device has saved, the CPU restores."""
    if time.monotonic() > deadline:
        raise Fault("did not fit into its time")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        workdirs = [os.path.join(folder, name) for name in of._fields]
        for each, workdir in zip(of, workdirs):
            each.send("smoke", config=config, workdir=workdir, few_pixels=setting.tiny)
        # Both, whatever the first one says: an answer must not be left for the next question.
        results = [_attempt(functools.partial(each.result, deadline)) for each in of]
        for name, result in zip(of._fields, results):
            if "error" in result or not result["finite"]:
                raise Fault(f"{name}: {result.get('error', 'a number is not finite')}")
        if not of.host.ask(deadline, "restored", workdir=workdirs[0])["finite"]:
            raise Fault("host: samples of the device's checkpoint are not finite")
    return {"seconds": results[0]["seconds"], **device_report.compared(*(each["losses"] for each in results))}


def speed(setting: Setting, first: Pair, deadline: float, record: Record) -> dict[str, Any]:
    """Trains every case in every precision, step by step and several steps a call, beside PyTorch.

    At first, and for up to half of the time, operations are counted on the CPU, and programs compiled where
    there are processors for it: the process that measures then finds them in the cache.

    Args:
        setting: The Setting.
        first: The Pair: the device measures, and the CPU counts operations.
        deadline: On the clock of `time.monotonic`.
        record: Takes the result so far.

    Returns:
        Dict of `peaks`, FLOP/s by precision, `operations` of a step by case, both None where they failed, and
        `rows`, dicts of `case`, `framework`, `precision` and `steps_per_call`, with an `error` or the numbers
        of `tasks.speed`.
    """
    seconds, size = (0.02, 256) if setting.tiny else (0.3, 8_192)
    peaks: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    with _torch() as torch:
        planned = list(measurements(setting, torch is not None))
        _prepare(setting, first.host, planned, operations, (time.monotonic() + deadline) / 2)
        for name in setting.precisions:
            asked = dict(precision=name, seconds=seconds, size=size)
            until = share(deadline, last=False)
            peaks[name] = _attempt(lambda: first.device.ask(until, "peak", **asked)).get("flops")  # noqa: B023
        for number, (framework, task) in enumerate(planned, 1):
            of, asked = _asked(framework, task, setting, first.device, torch)
            until = share(deadline, last=number == len(planned))
            result = _attempt(lambda: of.ask(until, "speed", seconds=seconds, **asked))  # noqa: B023
            setting.say(f"speed: {framework} {task}: {result}")
            rows.append({**task, "framework": framework, **result})
            record({"peaks": peaks, "operations": operations, "rows": rows})
    return {"peaks": peaks, "operations": operations, "rows": rows}


def measurements(setting: Setting, with_torch: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is measured for speed, in this order: frameworks in turn, and at the end what matters least.

    Args:
        setting: The Setting.
        with_torch: Whether PyTorch is measured too.

    Yields:
        Pairs of a framework and a dict of `case`, `precision` and `steps_per_call`.
    """
    for count in (1, STEPS_PER_CALL):
        for precision in setting.precisions:
            for case in setting.cases:
                task = {"case": case, "precision": precision, "steps_per_call": count}
                yield "gan_jax", task
                if with_torch and count == 1:
                    yield "torch", task
                    if precision == "bfloat16":
                        yield "torch.compile", task


def _asked(framework, task, setting, device, torch):
    """The Helper of a measurement, and what it is asked."""
    if framework == "gan_jax":
        return device, {**task, "few_pixels": setting.tiny}
    asked = {name: task[name] for name in ("case", "precision")}
    return torch, {**asked, "compiled": framework == "torch.compile", "few_pixels": setting.tiny}


@contextlib.contextmanager
def _torch():
    """A Helper with PyTorch, or None if it is not installed."""
    if importlib.util.find_spec("torch") is None:
        yield None
        return
    with _helper("gan_jax.benchmark.torch_peer") as opened:
        yield opened


def _prepare(setting, host, planned, operations, deadline):
    """Counts operations and, where there are processors for it, fills the caches of compilers."""
    waiting: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    for framework, task in planned:
        if framework != "torch":  # It compiles nothing.
            waiting.put((framework, task))
    total = waiting.qsize()

    def count():
        for case in setting.cases:
            asked = dict(case=case, few_pixels=setting.tiny)
            operations[case] = _attempt(lambda: host.ask(deadline, "operations", **asked)).get("flops")  # noqa: B023

    def compile_some():
        with _helper() as device, _torch() as torch:
            for framework, task in _drained(waiting):
                of, asked = _asked(framework, task, setting, device, torch)
                _attempt(lambda: of.ask(deadline, "speed", seconds=0, **asked))  # noqa: B023
                if time.monotonic() > deadline:
                    return

    jobs = [count, *[compile_some] * (2 * workers() if workers() > 1 else 0)]
    _each_in_a_thread(lambda job: job(), jobs)
    setting.say(f"speed: {waiting.qsize()} of {total} programs were not compiled ahead")


def loop(setting: Setting, first: Pair, deadline: float, record: Record) -> list[dict[str, Any]]:
    """Compares whole runs with their steps alone.

    Args:
        setting: The Setting.
        first: The Pair; the device trains.
        deadline: On the clock of `time.monotonic`.
        record: Takes the result so far.

    Returns:
        For one and several steps a call, dicts of `steps_per_call`, and an `error` or the numbers of
        `tasks.loop`.
    """
    rows = []
    for count in (1, STEPS_PER_CALL):
        until = share(deadline, last=count == STEPS_PER_CALL)
        asked = dict(
            config=setting.recipe, data_dir=setting.data_dir, steps_per_call=count, few_pixels=setting.tiny,
            period=500, seconds=0.1 if setting.tiny else max(1.0, 0.3 * (until - time.monotonic())),
        )  # fmt: skip
        result = _attempt(lambda: first.device.ask(until, "loop", **asked))  # noqa: B023
        setting.say(f"loop: {count} steps a call: {result}")
        rows.append({"steps_per_call": count, **result})
        record(rows)
    return rows


def quality(setting: Setting, first: Pair, deadline: float, record: Record) -> dict[str, Any]:
    """Trains until shortly before the deadline, with evaluations.

    Args:
        setting: The Setting.
        first: The Pair; the device trains.
        deadline: On the clock of `time.monotonic`.
        record: Takes the result so far.

    Returns:
        The result of `tasks.quality`, or a dict of its `error`.
    """
    seconds = 1.0 if setting.tiny else max(1.0, 0.8 * (deadline - time.monotonic()))
    asked = dict(
        config=setting.recipe, data_dir=setting.data_dir, steps_per_call=STEPS_PER_CALL, seconds=seconds,
        picture=setting.picture, few_pixels=setting.tiny,
    )  # fmt: skip
    return _attempt(lambda: first.device.ask(deadline, "quality", **asked))


def run(
    setting: Setting, parts: Sequence[str], budget: float, keep: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Runs the parts.

    Args:
        setting: The Setting.
        parts: Names in PARTS.
        budget: Seconds for everything.
        keep: Takes the results so far, after each measurement.

    Returns:
        Dict of `machine`, `date`, `budget`, `seconds` taken, the results by part, and `programs` of the
        process that measured last. A part that failed as a whole is a dict of its `error` and of what it had
        found `so_far`.
    """
    functions: Mapping[str, Any] = dict(smoke=smoke, speed=speed, loop=loop, quality=quality)
    begun = time.monotonic()
    until = begun + budget
    results: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "budget": budget}

    def record(**found):
        results.update(found, seconds=time.monotonic() - begun)
        keep(results)

    with pair() as first:
        machine = _attempt(lambda: first.device.ask(share(until, last=False), "describe"))
        setting.say(f"device: {machine}")
        record(machine={**machine, "torch": _version("torch")})
        for part, deadline in deadlines(parts, until, time.monotonic):
            setting.say(f"{part}: until {deadline - begun:.0f} s")
            so_far = functools.partial(lambda part, found: record(**{part: found}), part)
            found = _attempt(functools.partial(functions[part], setting, first, deadline, so_far))
            if isinstance(found, dict) and "error" in found and part in results:
                found["so_far"] = results[part]
            record(**{part: found})
        if first.device.process is not None:  # A new one would know nothing.
            record(programs=_attempt(lambda: first.device.ask(time.monotonic() + 5, "programs")))
    return results


def _version(package):
    """The version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def writer(output: str) -> Callable[[dict[str, Any]], None]:
    """A function that writes the results so far, and their table beside them, as whole files.

    Args:
        output: Path of the JSON file.

    Returns:
        The function.
    """

    def keep(results: dict[str, Any]) -> None:
        with files.write_atomically(output) as file:
            json.dump(results, file, indent=1)
        with files.write_atomically(f"{os.path.splitext(output)[0]}.txt") as file:
            file.write("\n".join(device_report.table(results)) + "\n")

    return keep


def _data(data_dir):
    """CIFAR-10 where it can be read, or digits."""
    prepared = data_dir and os.path.isdir(os.path.join(data_dir, "cifar10"))
    return "cifar10" if prepared and importlib.util.find_spec("tensorflow_datasets") else "digits"


def _do() -> None:
    from gan_jax.runtime import folders

    known = [name for name in recipe_lib.packaged() if "/" not in name]
    command.check("parts", _PARTS.value, PARTS)
    names = shared_flags.cases(cases.DEVICE_CASES)
    command.check("recipes", _RECIPES.value, known)
    output = os.path.abspath(shared_flags.OUTPUT.value or "device.json")
    folders.make_writable(os.path.dirname(output))
    data_dir = command.path(_DATA_DIR.value)
    command.check("precisions", _PRECISIONS.value, PRECISIONS)
    command.check("recipe", [_RECIPE.value], known)
    setting = Setting(
        configs=_RECIPES.value or known,
        cases=names,
        precisions=_PRECISIONS.value,
        recipe=f"{_RECIPE.value}:{_data(data_dir)}",
        data_dir=data_dir,
        picture=f"{os.path.splitext(output)[0]}.png",
        tiny=_TINY.value,
        say=command.say,
    )
    results = run(setting, _PARTS.value, _BUDGET.value, writer(output))
    print("\n".join(device_report.table(results)))


if __name__ == "__main__":
    command.run(_do)
