import json
import zlib

import pytest

from gan_jax.checkpoints import best


def _beside(folder, text):
    (folder / "metrics").mkdir()
    (folder / "metrics" / "metrics").write_text(text)
    return best.read(str(folder))


@pytest.mark.parametrize("cost", [0.1 + 0.2, -12.5, 3, 1e-300])
def test_comes_back_bit_for_bit(tmp_path, cost):
    recorded = best.record(cost)
    assert recorded == {"cost": cost, "crc32": zlib.crc32(repr(cost).encode())}
    assert best.of(recorded) == cost and _beside(tmp_path, json.dumps(recorded)) == cost


def test_none_where_there_is_none(tmp_path):
    assert best.record(None) is None and best.read(str(tmp_path)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[2.5]",
        '{"cost": 2.5}',
        '{"kost": 2.5, "crc32": 0}',
        json.dumps({**best.record(2.5), "cost": 2.4}),
    ],
)
def test_a_damaged_record_is_an_error(tmp_path, text):
    with pytest.raises(ValueError):
        _beside(tmp_path, text)


def test_a_record_that_is_gone_is_an_error(tmp_path):
    (tmp_path / "metrics").mkdir()
    with pytest.raises(FileNotFoundError):
        best.read(str(tmp_path))
