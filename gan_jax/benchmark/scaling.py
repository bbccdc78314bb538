"""The cost of a step as the work grows: `python -m gan_jax.benchmark.scaling --output=folder`.

Varies one number of a DCGAN at a time: batch size, resolution, width, and the number of devices that one
processor simulates. Writes `scaling.json` and `scaling.png` into `--output`, this folder if not given.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from gan_jax.benchmark import cases, schedule
from gan_jax.benchmark.frameworks import OURS
from gan_jax.benchmark.report import Spread, between, milliseconds, spread
from gan_jax.benchmark.shared_flags import OUTPUT, REPEATS, SECONDS
from gan_jax.cli import command
from gan_jax.runtime import files, folders

_AXES = flags.DEFINE_list("axes", list(cases.AXES), "Numbers to vary.")
for _name in ("repeats", "seconds", "output"):
    flags.declare_key_flag(_name)


class Point(NamedTuple):
    """A step at one value of an axis.

    Attributes:
        value: The value of the varied number.
        milliseconds: Spread of a step's time.
        flops: Floating point operations of a step, over all devices.
        growth: The time grew since the previous value as this power of the operations; None for the first
            value, and if the operations did not grow.
    """

    value: int
    milliseconds: Spread
    flops: float
    growth: float | None


def points(measurements: Mapping[str, Any], axis: str) -> list[Point]:
    """An axis's measurements as points.

    Args:
        measurements: From `schedule.run`.
        axis: A name in `cases.AXES`.

    Returns:
        List of Points in increasing order of their values.
    """
    line: list[Point] = []
    for name, rounds in measurements["cases"].items():
        if name.partition("=")[0] != axis:
            continue
        flops = rounds[0][OURS]["flops"] * cases.devices(name)  # XLA counts one device.
        time = spread([milliseconds(measured[OURS]) for measured in rounds])
        value = int(name.partition("=")[2])
        line.append(Point(value, time, flops, _growth(line[-1], time, flops) if line else None))
    return line


def _growth(before, time, flops):
    """The exponent between two points."""
    if flops < 1.1 * before.flops:
        return None
    return math.log(time.median / before.milliseconds.median) / math.log(flops / before.flops)


def table(lines: Mapping[str, Sequence[Point]]) -> list[str]:
    """A Markdown table of all axes.

    Args:
        lines: Points by axis.

    Returns:
        Lines of text.
    """
    rows = ["| axis | value | ms per step | GFLOP per step | GFLOP/s | growth |", "|---|---|---|---|---|---|"]
    for axis, line in lines.items():
        for point in line:
            time, work = point.milliseconds, point.flops / 1e9
            growth = "" if point.growth is None else f"{point.growth:.2f}"
            rate = f"{1e3 * work / time.median:.0f}"
            rows.append(f"| {axis} | {point.value} | {between(time)} | {work:.2f} | {rate} | {growth} |")
    return rows


def plot(lines: Mapping[str, Sequence[Point]], path: str | os.PathLike[str]) -> None:
    """Plots the time over each axis, beside a time proportional to the operations.

    Args:
        lines: Points by axis.
        path: PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(lines), 3.2), layout="constrained")
    for axes, (axis, line) in zip(figure.subplots(1, len(lines), squeeze=False)[0], lines.items()):
        values, times = [point.value for point in line], [point.milliseconds.median for point in line]
        last = line[-1]
        as_work = [last.milliseconds.median * point.flops / last.flops for point in line]
        axes.loglog(values, as_work, "--", color="gray", label="as the operations")
        axes.loglog(values, times, "o-", label="measured")
        axes.set_xticks(values, [str(value) for value in values], minor=False)
        axes.set_xticks([], minor=True)
        axes.set_xlabel(axis.replace("_", " "))
    figure.axes[0].set_ylabel("ms per step")
    figure.axes[0].legend(frameon=False)
    with files.write_atomically(path, "wb") as file:
        figure.savefig(file, format="png", dpi=110)


def _do() -> None:
    command.check("axes", _AXES.value, cases.AXES)
    numbers, picture = (
        os.path.join(command.path(OUTPUT.value) or ".", f"scaling.{end}") for end in ("json", "png")
    )
    for path in (numbers, picture):
        folders.make_room(path)
    names = [f"{axis}={value}" for axis in _AXES.value for value in cases.AXES[axis]]
    measurements = schedule.run(names, [OURS], {}, REPEATS.value, SECONDS.value, command.say)
    lines = {axis: points(measurements, axis) for axis in _AXES.value}
    print("\n".join(table(lines)), flush=True)
    with files.write_atomically(numbers) as file:
        json.dump(measurements, file, indent=1)
    plot(lines, picture)


if __name__ == "__main__":
    command.run(_do)
