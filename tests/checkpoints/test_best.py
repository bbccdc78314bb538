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


def test_those_without_a_checksum_are_taken_as_they_are(tmp_path):
    assert _beside(tmp_path, '{"cost": 2.5}') == 2.5


@pytest.mark.parametrize(
    "text",
    ["", "{", "[2.5]", '{"kost": 2.5}', json.dumps({**best.record(2.5), "cost": 2.4})],
)
def test_another_one_than_was_written_is_noticed(tmp_path, text):
    with pytest.raises(ValueError):
        _beside(tmp_path, text)
