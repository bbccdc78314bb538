"""Growth of time with work, against powers by hand; each axis varies one number."""

import pytest

from gan_jax.benchmark import cases, scaling


def _round(times, flops):
    return [{"gan_jax": {"milliseconds": [time] * 3, "flops": flops}} for time in times]


MEASUREMENTS = {
    "cases": {
        "batch_size=16": _round([1.0, 2.0, 3.0], 1e9),
        "batch_size=64": _round([8.0, 4.0, 16.0], 4e9),
        "devices=1": _round([4.0], 8e9),
        "devices=4": _round([6.0], 2e9),
    }
}


def test_points_golden():
    first, second = scaling.points(MEASUREMENTS, "batch_size")
    assert (first.value, first.milliseconds, first.flops, first.growth) == (16, (1.5, 2.0, 2.5), 1e9, None)
    # Four times the time for four times the work.
    assert second.growth == pytest.approx(1.0) and second.milliseconds.median == 8.0
    one, several = scaling.points(MEASUREMENTS, "devices")
    assert one.flops == several.flops == 8e9 and several.growth is None


def test_table_and_plot(tmp_path):
    lines = {axis: scaling.points(MEASUREMENTS, axis) for axis in ("batch_size", "devices")}
    rows = scaling.table(lines)
    assert len(rows) == 6
    assert rows[3] == "| batch_size | 64 | 8.00 [6.00, 12.0] | 4.00 | 500 | 1.00 |"
    scaling.plot(lines, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_one_number_is_varied():
    base = cases.varied("batch_size", 64)
    assert cases.find("width=16").nets["generator"]["width"] == 16
    assert cases.find("resolution=128").data["resolution"] == 128
    assert cases.find("batch_size=256").batch_size == 256
    assert cases.find("devices=8") == base and cases.devices("devices=8") == 8
    assert cases.devices("mlp") == cases.devices("width=16") == 1
    for axis, values in cases.AXES.items():
        for value in values:
            changed = cases.find(f"{axis}={value}")
            same = [changed.batch_size == 64, changed.data == base.data, changed.nets == base.nets]
            assert sum(same) >= 2
