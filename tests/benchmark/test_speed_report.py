"""Medians, spreads and ratios against numbers by hand."""

import pytest

from gan_jax.benchmark import report


def _measured(milliseconds, flops=None, first=2.0):
    return {
        "milliseconds": milliseconds,
        "images": 64,
        "flops": flops,
        "first_step_seconds": first,
        "compile_seconds": 1.5 if flops else None,
        "memory_mib": 100.0 * milliseconds[0],
        "parameters": {"generator": 3},
        "threads": 2,
        "versions": {"python": "3.11"},
    }


@pytest.fixture
def measurements():
    # The machine slows down: the times triple from round to round, the ratios do not.
    ours = ([9.0, 10.0, 11.0], [30.0, 31.0, 29.0], [90.0, 90.0, 9.0])
    theirs = ([20.0, 15.0, 10.0], [60.0, 60.0, 60.0], [270.0, 1.0, 300.0])
    rounds = [
        {"gan_jax": _measured(own, 2e9, first), "torch": _measured(other)}
        for own, other, first in zip(ours, theirs, (4.0, 1.0, 2.0))
    ]
    return {"peak": [50e9, 100e9, 80e9], "cases": {"mlp": rounds}}


def test_spread_by_hand():
    assert report.spread([4.0, 1.0, 3.0, 2.0, 5.0]) == (2.0, 3.0, 4.0)
    assert report.spread([1.0, 2.0]) == (1.25, 1.5, 1.75)
    assert report.spread([7.0]) == (7.0, 7.0, 7.0)


def test_ratios_are_those_of_each_round(measurements):
    # 15 / 10, 60 / 30 and 270 / 90; the ratio of the medians over all rounds would be 60 / 30 too, and of the
    # means 115 / 43.3.
    low, median, high = report.ratios(measurements["cases"]["mlp"], "torch")
    assert (low, median, high) == (1.75, 2.0, 2.5)


def test_summary(measurements):
    summary = report.summarise(measurements)
    ours, torch = (summary["cases"]["mlp"][name] for name in ("gan_jax", "torch"))
    assert summary["peak"] == 100e9
    assert ours["milliseconds"] == (20.0, 30.0, 60.0) and ours["ratio"] is None
    assert ours["images_per_second"] == pytest.approx(64 / 0.030)
    # 2 GFLOP in 30 ms are 67 GFLOP/s of 100; the peer's share is of the same operations.
    assert ours["share_of_peak"] == pytest.approx(2 / 3) and torch["share_of_peak"] == pytest.approx(1 / 3)
    assert (ours["first_step_seconds"], ours["warm_seconds"]) == (4.0, 1.5)
    assert ours["memory_mib"] == 9_000.0 and torch["compile_seconds"] is None


def test_table(measurements):
    lines = report.table(report.summarise(measurements))
    head, ours, torch, peak = lines
    assert head.index("ms per step") == ours.index("30.0 [") == torch.index("60 [")
    assert ours.split() == "mlp gan_jax 30.0 [20.0, 60.0] 2,133 67% 1.5 4.0 1.5 9,000".split()
    assert torch.split() == "mlp torch 60 [38, 165] 1,067 33% 2.00 [1.75, 2.50] 2.0 2.0 27,000".split()
    assert peak == "peak of float32 matrix products: 100 GFLOP/s"


def test_one_round_alone_has_no_second_start(measurements):
    measurements["cases"]["mlp"] = measurements["cases"]["mlp"][:1]
    summary = report.summarise(measurements)
    assert summary["cases"]["mlp"]["gan_jax"]["warm_seconds"] is None
    assert report.table(summary)[1].split()[-2:] == ["4.0", "900"]
