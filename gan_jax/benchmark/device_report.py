"""The results of `benchmark.device` as a table, and the comparison of a device with the CPU."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Largest difference of a loss on a device from the CPU's, as a share of 1 or of the loss if it is larger: of
# the first step, of rounding alone, and of the second, after Adam has taken steps of one size whatever a
# gradient's.
TOLERANCES = (1e-3, 2e-2)


def compared(device: Mapping[str, Sequence[float]], host: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The largest differences of losses on a device from the CPU's.

    Args:
        device: By name, the values of both steps.
        host: The same on the CPU.

    Returns:
        Dict of `differences`, of each step, and, if one is larger than in TOLERANCES, of `error`.
    """
    differences = [
        max((_apart(device[name][step], value[step]) for name, value in host.items()), key=_or_infinity)
        for step in range(len(TOLERANCES))
    ]
    wrong = [step for step, limit in enumerate(TOLERANCES) if not differences[step] <= limit]
    if not wrong:
        return {"differences": differences}
    step = wrong[0]
    return {
        "differences": differences,
        "error": f"losses of step {step + 1} differ from the CPU's by {differences[step]:.2g}, "
        f"more than {TOLERANCES[step]:g}",
    }


def _apart(value, expected):
    return abs(value - expected) / max(1.0, abs(expected))


def _or_infinity(value):
    """A value by its size; what is not a number is the largest."""
    return math.inf if math.isnan(value) else value


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def table(results: Mapping[str, Any]) -> list[str]:
    """A table for people.

    Args:
        results: From `device.run`.

    Returns:
        Lines of text.
    """
    sections = dict(smoke=_smoke, speed=_speed, loop=_loop, quality=_quality)
    lines = [
        f"device    {_machine(results['machine'])}; {results['seconds']:.0f} s of {results['budget']:.0f} s"
    ]
    for part, section in sections.items():
        if part in results:
            lines += ["", part, *_section(section, results[part])]
    if "compiled" in results.get("programs", {}):
        lines += [
            "",
            "programs",
            "{compiled} compiled, {cached} found in the cache".format(**results["programs"]),
        ]
    return lines


def _section(section, found):
    """A part's lines, or why it failed and what it had found so far."""
    if not isinstance(found, Mapping) or "error" not in found:
        return section(found)
    return [found["error"], *(section(found["so_far"]) if "so_far" in found else [])]


def _machine(machine):
    """The device and its software."""
    if "error" in machine:
        return machine["error"]
    where = "{count} x {device}, {runtime}, jax {jax}".format(**machine)
    optional = [f"{name} {machine[name]}" for name in ("driver", "torch") if machine.get(name)]
    none = ["JAX finds no GPU or TPU"] if machine["platform"] == "cpu" else []
    return ", ".join([where, *optional, *none])


def _smoke(rows):
    done = [
        [row["recipe"], row.get("error") or "as on the CPU"]
        + ["{:.1e}".format(value) for value in row.get("differences", ("", "")) if value != ""]
        for row in rows
    ]
    width = max(map(len, done), default=2)
    return aligned([row + [""] * (width - len(row)) for row in done]) if done else ["nothing was checked"]


def _speed(part):
    head = (
        "case", "framework", "precision", "steps a call", "ms a step", "images/s", "of peak", "time / ours",
        "first call s", "memory MiB",
    )  # fmt: skip
    rows = sorted(part["rows"], key=lambda row: row["case"])
    return aligned([head, *[_speed_cells(row, part) for row in rows]])


def _speed_cells(row, part):
    cells = [row["case"], row["framework"], row["precision"], str(row["steps_per_call"])]
    if "error" in row:
        return [*cells, row["error"], *[""] * 5]
    return [*cells, *_numbers(row, part)]


def _numbers(row, part):
    """The numbers of a measurement as text; unknown ones are empty."""
    step, flops, peak = (
        row["milliseconds"],
        part["operations"].get(row["case"]),
        part["peaks"].get(row["precision"]),
    )
    ours = [
        each["milliseconds"]
        for each in part["rows"]
        if "milliseconds" in each
        and all(each[name] == row[name] for name in ("case", "precision"))
        and (each["framework"], each["steps_per_call"]) == ("gan_jax", 1)
    ]
    return [
        f"{step:.3g}",
        f"{1e3 * row['images'] / step:,.0f}",
        f"{flops / (1e-3 * step) / peak:.1%}" if flops and peak else "",
        f"{step / ours[0]:.2f}" if ours else "",
        f"{row['first_call_seconds']:.1f}",
        f"{row['memory_mib']:,.0f}" if row["memory_mib"] else "",
    ]


def _loop(rows):
    head = ("steps a call", "images/s of a run", "of its steps alone", "share")
    return aligned([head, *map(_loop_cells, rows)])


def _loop_cells(row):
    count = str(row["steps_per_call"])
    if "error" in row:
        return [count, row["error"], "", ""]
    run, bare = row["images_per_second"], row["bare_images_per_second"]
    return [count, f"{run:,.0f}", f"{bare:,.0f}", f"{run / bare:.0%}"]


def _quality(result):
    names = [name for name in result["evaluations"][0] if name not in ("step", "seconds")]
    head = ("step", "seconds", *names)
    rows = [
        [str(each["step"]), f"{each['seconds']:.1f}", *(f"{each[name]:.4g}" for name in head[2:])]
        for each in result["evaluations"]
    ]
    seen = f"{result['data']}: {result['images']:,} images seen, {result['images_per_second']:,.0f} a second"
    return [seen, *aligned([head, *rows])]
