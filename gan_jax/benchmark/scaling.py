"""What a step costs as the work grows: `python -m gan_jax.benchmark.scaling --output=folder`.

A DCGAN, one of its numbers at a time: batch, resolution, width, and into how many devices one processor is
cut. Writes `scaling.json` and `scaling.png`.
"""

import json
import math
import os
from typing import NamedTuple

from absl import flags

from gan_jax.benchmark import cases, schedule
from gan_jax.benchmark.frameworks import OURS
from gan_jax.benchmark.report import Spread, between, milliseconds, spread
from gan_jax.benchmark.timing_flags import REPEATS, SECONDS
from gan_jax.cli import command

_AXES = flags.DEFINE_list("axes", list(cases.AXES), "What to vary.")
_OUTPUT = flags.DEFINE_string("output", ".", "Folder of scaling.json and scaling.png.")


class Point(NamedTuple):
    """A step at one value of an axis.

    Attributes:
        value: The number that was varied.
        milliseconds: Spread of a step's time.
        flops: Floating point operations of a step, over all devices.
        growth: By which power of the operations the time has grown since the value before; None for the
            first, and where the operations have not grown.
    """

    value: int
    milliseconds: Spread
    flops: float
    growth: float | None


def points(found, axis):
    """An axis's measurements as points.

    Args:
        found: From `schedule.run`.
        axis: A name in `cases.AXES`.

    Returns:
        List of Point by growing value.
    """
    line = []
    for name, rounds in found["cases"].items():
        if name.partition("=")[0] != axis:
            continue
        flops = rounds[0][OURS]["flops"] * cases.devices(name)  # XLA counts those of one device.
        time = spread([milliseconds(measured[OURS]) for measured in rounds])
        value = int(name.partition("=")[2])
        line.append(Point(value, time, flops, _growth(line[-1], time, flops) if line else None))
    return line


def _growth(before, time, flops):
    """The exponent between two points."""
    if flops < 1.1 * before.flops:
        return None
    return math.log(time.median / before.milliseconds.median) / math.log(flops / before.flops)


def table(lines):
    """A Markdown table of all axes.

    Args:
        lines: Lists of Point by axis.

    Returns:
        Lines of text.
    """
    rows = ["| axis | value | ms a step | GFLOP a step | GFLOP/s | growth |", "|---|---|---|---|---|---|"]
    for axis, line in lines.items():
        for point in line:
            time, work = point.milliseconds, point.flops / 1e9
            growth = "" if point.growth is None else f"{point.growth:.2f}"
            rate = f"{1e3 * work / time.median:.0f}"
            rows.append(f"| {axis} | {point.value} | {between(time)} | {work:.2f} | {rate} | {growth} |")
    return rows


def plot(lines, path):
    """Time against each axis, beside what it would be if it grew as the operations do.

    Args:
        lines: Lists of Point by axis.
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
    figure.axes[0].set_ylabel("ms a step")
    figure.axes[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


def _do():
    from gan_jax.runtime import folders

    command.check("axes", _AXES.value, cases.AXES)
    folders.make_writable(_OUTPUT.value)
    names = [f"{axis}={value}" for axis in _AXES.value for value in cases.AXES[axis]]
    found = schedule.run(names, [OURS], {}, REPEATS.value, SECONDS.value, command.say)
    lines = {axis: points(found, axis) for axis in _AXES.value}
    print("\n".join(table(lines)))
    with open(os.path.join(_OUTPUT.value, "scaling.json"), "w") as file:
        json.dump(found, file, indent=1)
    plot(lines, os.path.join(_OUTPUT.value, "scaling.png"))


if __name__ == "__main__":
    command.run(_do)
