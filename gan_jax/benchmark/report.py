"""Medians, spreads and ratios of rounds of measurements, and a table of them."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax.benchmark.frameworks import OURS


class Spread(NamedTuple):
    """A median between its quartiles."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles, linear between neighbours.

    Args:
        values: At least one number.

    Returns:
        The Spread.
    """
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def between(values: Spread) -> str:
    """A Spread for people: `median [lower quartile, upper quartile]`, three significant digits."""
    return "{1:{f}} [{0:{f}}, {2:{f}}]".format(*values, f="#.3g" if values.high < 100 else ".0f")


def milliseconds(measured: Mapping[str, Any]) -> float:
    """A step's time in one process: the median of its blocks."""
    return statistics.median(measured["milliseconds"])


def summarise(measurements: Mapping[str, Any]) -> dict[str, Any]:
    """Summarises rounds of measurements.

    Args:
        measurements: From `schedule.run`.

    Returns:
        `{"peak": FLOP/s, "cases": {case: {framework: summary}}}`, with the peak of the best round. A summary
        has the Spreads `milliseconds` per step and `ratio`, this framework's time over ours in the same round
        (None for ours), `images_per_second`, `share_of_peak` (as if every framework did the operations of our
        step), `compile_seconds` and `first_step_seconds` since the start in the first round, `warm_seconds`
        to the first step in later rounds, `memory_mib`, `parameters`, `threads` and `versions`; None if
        unknown.
    """
    peak = max(measurements["peak"])
    return {
        "peak": peak,
        "cases": {
            case: {name: _summary(name, rounds, peak) for name in rounds[0]}
            for case, rounds in measurements["cases"].items()
        },
    }


def _summary(name, rounds, peak):
    """The summary of one framework in one case."""
    own = [measured[name] for measured in rounds]
    step = spread([milliseconds(measured) for measured in own])
    flops = rounds[0].get(OURS, {}).get("flops")
    return {
        "milliseconds": step,
        "ratio": None if name == OURS or OURS not in rounds[0] else ratios(rounds, name),
        "images_per_second": 1e3 * own[0]["images"] / step.median,
        "share_of_peak": flops / (1e-3 * step.median) / peak if flops else None,
        "compile_seconds": own[0]["compile_seconds"],
        "first_step_seconds": own[0]["first_step_seconds"],
        "warm_seconds": _median([measured["first_step_seconds"] for measured in own[1:]]),
        "memory_mib": max(measured["memory_mib"] for measured in own),
        **{field: own[0][field] for field in ("parameters", "threads", "versions")},
    }


def ratios(rounds: Sequence[Mapping[str, Any]], name: str) -> Spread:
    """A framework's time over ours, round by round.

    Args:
        rounds: Measurements of the workers by framework, one dict per round.
        name: The framework.

    Returns:
        The Spread of the rounds' ratios.
    """
    return spread([milliseconds(measured[name]) / milliseconds(measured[OURS]) for measured in rounds])


def _median(values):
    return statistics.median(values) if values else None


_COLUMNS = (
    ("framework", "{name}"),
    ("ms per step", "{milliseconds}"),
    ("images/s", "{images_per_second:,.0f}"),
    ("of peak", "{share_of_peak:.0%}"),
    ("time / ours", "{ratio}"),
    ("compile s", "{compile_seconds:.1f}"),
    ("first step s", "{first_step_seconds:.1f}"),
    ("again s", "{warm_seconds:.1f}"),
    ("memory MiB", "{memory_mib:,.0f}"),
)


def table(summary: Mapping[str, Any]) -> list[str]:
    """A table for people, one row for each case and framework.

    Args:
        summary: From `summarise`.

    Returns:
        Lines of text.
    """
    rows = [["case", *[title for title, _ in _COLUMNS]]]
    for case, by_framework in summary["cases"].items():
        rows += [[case, *_cells(name, values)] for name, values in by_framework.items()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return [*lines, f"peak of float32 matrix products: {summary['peak'] / 1e9:,.0f} GFLOP/s"]


def _cells(name, values):
    """A row; unknown numbers are empty."""
    fields = {
        field: between(value) if isinstance(value, Spread) else value for field, value in values.items()
    }
    fields["name"] = name
    return [
        "" if fields[form[1:-1].partition(":")[0]] is None else form.format(**fields) for _, form in _COLUMNS
    ]
