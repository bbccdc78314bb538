"""One script for a machine with a GPU or TPU: `python -m gan_jax.benchmark.device --output=device.json`.

It checks every recipe, measures speed beside PyTorch, measures the loop, and trains for the time that is
left, all within `--budget` seconds and without a network. A part or a measurement that fails or does not fit
says so in the table, which is printed last, and ends nothing else. `--output`, device.json if not given, is
the JSON file of all results; a grid of samples lies beside it.
"""

import concurrent.futures
import contextlib
import functools
import glob
import importlib.util
import json
import os
import queue
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from gan_jax.benchmark import cases, device_report, shared_flags
from gan_jax.benchmark.helper import Helper
from gan_jax.cli import command
from gan_jax.errors import Fault
from gan_jax.runtime import cache

# Shares of the time that is left when a part begins, among itself and the parts after it.
PARTS = {"smoke": 0.25, "speed": 0.4, "loop": 0.1, "quality": 0.25}
PRECISIONS = ("bfloat16", "tf32", "float32")
STEPS_PER_CALL = 10
CONFIGS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "configs"
)

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
        configs: Files of configs/ to check.
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


class Pair(NamedTuple):
    """A process on the device and one on the CPU."""

    device: Helper
    host: Helper


@contextlib.contextmanager
def pair() -> Iterator[Pair]:
    """A Pair whose processes are ended on leaving."""
    with _helper() as device, _helper(JAX_PLATFORMS="cpu") as host:
        yield Pair(device, host)


@contextlib.contextmanager
def _helper(module="gan_jax.benchmark.tasks", **environment):
    """A Helper with the cache of all commands; it takes a GPU's memory as it needs it, as others share it."""
    fixed = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
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


def workers() -> int:
    """How many processes compile at a time: four processors for each, at most four."""
    return min(4, max(1, (os.cpu_count() or 1) // 4))


def smoke(setting: Setting, first: Pair, deadline: float) -> list[dict[str, Any]]:
    """Trains every recipe for two steps on the device and on the CPU, and compares.

    Args:
        setting: The Setting.
        first: The first of the Pairs that check, each a part of the recipes.
        deadline: On the clock of `time.monotonic`.

    Returns:
        By recipe, dicts of `recipe` and, unless there is an `error`, `difference` and `seconds`.
    """
    waiting: queue.Queue[str] = queue.Queue()
    for config in setting.configs:
        waiting.put(config)
    results: dict[str, dict[str, Any]] = {}

    def check_some(of):
        for config in _drained(waiting):
            name = os.path.basename(config)[:-3]
            results[name] = _attempt(lambda: _checked(setting, config, of, deadline))  # noqa: B023
            setting.say(f"smoke: {name}: {results[name].get('error', 'as on the CPU')}")

    with contextlib.ExitStack() as stack:
        pairs = [first, *[stack.enter_context(pair()) for _ in range(workers() - 1)]]
        _each_in_a_thread(check_some, pairs)
    return [{"recipe": name, **results[name]} for name in sorted(results)]


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


def speed(setting: Setting, first: Pair, deadline: float) -> dict[str, Any]:
    """Trains every case in every precision, step by step and several steps a call, beside PyTorch.

    Where there are processors for it, several processes first compile, for up to half of the time; the one
    that measures then finds their programs in the cache.

    Args:
        setting: The Setting.
        first: The Pair: the device measures, and the CPU counts operations.
        deadline: On the clock of `time.monotonic`.

    Returns:
        Dict of `peaks`, FLOP/s by precision, `operations` of a step by case, and `rows`, dicts of `case`,
        `framework`, `precision` and `steps_per_call`, with an `error` or the numbers of `tasks.speed`.
    """
    options = dict(few_pixels=setting.tiny, seconds=0.02 if setting.tiny else 0.7)
    ours = [
        {"case": case, "precision": precision, "steps_per_call": count}
        for count in (1, STEPS_PER_CALL)
        for precision in setting.precisions
        for case in setting.cases
    ]
    if workers() > 1:
        _compile(ours, setting, (time.monotonic() + deadline) / 2)

    def flops(of, task, **asked):
        return _attempt(lambda: of.ask(deadline, task, **asked)).get("flops")

    size = 256 if setting.tiny else 8_192
    operations = {
        case: flops(first.host, "operations", case=case, few_pixels=setting.tiny) for case in setting.cases
    }
    peaks = {
        name: flops(first.device, "peak", precision=name, seconds=options["seconds"], size=size)
        for name in setting.precisions
    }
    rows = []
    with _torch() as torch:
        for task in ours:
            for framework, of, asked in _in_turn(task, first.device, torch):
                result = _attempt(lambda: of.ask(deadline, "speed", **asked, **options))  # noqa: B023
                setting.say(f"speed: {framework} {task}: {result}")
                rows.append({**task, "framework": framework, **result})
    return {"peaks": peaks, "operations": operations, "rows": rows}


def _in_turn(task, device, torch):
    """Triples of a framework, its Helper and what to ask it, to measure one case in one precision."""
    yield "gan_jax", device, task
    if torch is not None and task["steps_per_call"] == 1:
        asked = {"case": task["case"], "precision": task["precision"]}
        yield "torch", torch, {**asked, "compiled": False}
        if task["precision"] == "bfloat16":
            yield "torch.compile", torch, {**asked, "compiled": True}


@contextlib.contextmanager
def _torch():
    """A Helper with PyTorch, or None if it is not installed."""
    if importlib.util.find_spec("torch") is None:
        yield None
        return
    with _helper("gan_jax.benchmark.torch_peer") as opened:
        yield opened


def _compile(tasks, setting, deadline):
    """Puts programs into the compilation cache, by several processes."""
    waiting: queue.Queue[dict[str, Any]] = queue.Queue()
    for task in tasks:
        waiting.put(task)

    def compile_some(number):
        with _helper() as device:
            for task in _drained(waiting):
                asked = {**task, "few_pixels": setting.tiny, "seconds": 0}
                _attempt(lambda: device.ask(deadline, "speed", **asked))  # noqa: B023
                if time.monotonic() > deadline:
                    return

    _each_in_a_thread(compile_some, range(workers()))
    setting.say(f"speed: {waiting.qsize()} of {len(tasks)} programs were not compiled ahead")


def loop(setting: Setting, first: Pair, deadline: float) -> list[dict[str, Any]]:
    """Compares whole runs with their steps alone.

    Args:
        setting: The Setting.
        first: The Pair; the device trains.
        deadline: On the clock of `time.monotonic`.

    Returns:
        For one and several steps a call, dicts of `steps_per_call` and the numbers of `tasks.loop`.
    """
    rows = []
    for count in (1, STEPS_PER_CALL):
        asked = dict(
            config=setting.recipe, data_dir=setting.data_dir, steps_per_call=count,
            period=20 if setting.tiny else 500, seconds=0.1 if setting.tiny else 1.0, few_pixels=setting.tiny,
        )  # fmt: skip
        result = _attempt(lambda: first.device.ask(deadline, "loop", **asked))  # noqa: B023
        setting.say(f"loop: {count} steps a call: {result}")
        rows.append({"steps_per_call": count, **result})
    return rows


def quality(setting: Setting, first: Pair, deadline: float) -> dict[str, Any]:
    """Trains until shortly before the deadline, with evaluations.

    Args:
        setting: The Setting.
        first: The Pair; the device trains.
        deadline: On the clock of `time.monotonic`.

    Returns:
        The result of `tasks.quality`, or a dict of its `error`.
    """
    seconds = 1.0 if setting.tiny else max(1.0, 0.8 * (deadline - time.monotonic()))
    asked = dict(
        config=setting.recipe, data_dir=setting.data_dir, seconds=seconds,
        picture=setting.picture, few_pixels=setting.tiny,
    )  # fmt: skip
    return _attempt(lambda: first.device.ask(deadline, "quality", **asked))


def run(setting: Setting, parts: Sequence[str], budget: float) -> dict[str, Any]:
    """Runs the parts.

    Args:
        setting: The Setting.
        parts: Names in PARTS.
        budget: Seconds for everything.

    Returns:
        Dict of `machine`, of `budget`, of `seconds` taken, and of the results by part.
    """
    functions: Mapping[str, Any] = dict(smoke=smoke, speed=speed, loop=loop, quality=quality)
    begun = time.monotonic()
    until = begun + budget
    with pair() as first:
        machine = _attempt(lambda: first.device.ask(until, "describe"))
        setting.say(f"device: {machine}")
        results: dict[str, Any] = {"machine": machine, "budget": budget}
        for part, deadline in deadlines(parts, until, time.monotonic):
            setting.say(f"{part}: until {deadline - begun:.0f} s")
            results[part] = functions[part](setting, first, deadline)
    return {**results, "seconds": time.monotonic() - begun}


def _do() -> None:
    from gan_jax.runtime import files, folders

    known = {os.path.basename(path)[:-3]: path for path in sorted(glob.glob(os.path.join(CONFIGS, "*.py")))}
    command.check("parts", _PARTS.value, PARTS)
    names = shared_flags.cases(cases.DEVICE_CASES)
    command.check("recipes", _RECIPES.value, known)
    output = os.path.abspath(shared_flags.OUTPUT.value or "device.json")
    folders.make_writable(os.path.dirname(output))
    data_dir = command.path(_DATA_DIR.value)
    command.check("precisions", _PRECISIONS.value, PRECISIONS)
    command.check("recipe", [_RECIPE.value], known)
    has_cifar = data_dir and os.path.isdir(os.path.join(data_dir, "cifar10"))
    setting = Setting(
        configs=[known[name] for name in _RECIPES.value or known],
        cases=names,
        precisions=_PRECISIONS.value,
        recipe=f"{known[_RECIPE.value]}:{'cifar10' if has_cifar else 'digits'}",
        data_dir=data_dir,
        picture=f"{os.path.splitext(output)[0]}.png",
        tiny=_TINY.value,
        say=command.say,
    )
    results = run(setting, _PARTS.value, _BUDGET.value)
    with files.write_atomically(output) as file:
        json.dump(results, file, indent=1)
    print("\n".join(device_report.table(results)))


if __name__ == "__main__":
    command.run(_do)
