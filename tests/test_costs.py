import json
import zlib

import pytest

from gan_jax import costs


def _beside(folder, text):
    (folder / "metrics").mkdir()
    (folder / "metrics" / "metrics").write_text(text)
    return costs.read(str(folder))


@pytest.mark.parametrize("cost", [0.1 + 0.2, -12.5, 3, 1e-300])
def test_comes_back_bit_for_bit(tmp_path, cost):
    recorded = costs.record(cost)
    assert recorded == {"cost": cost, "crc32": zlib.crc32(repr(cost).encode())}
    assert costs.of(recorded) == cost and _beside(tmp_path, json.dumps(recorded)) == cost


def test_none_where_there_is_none(tmp_path):
    assert costs.record(None) is None and costs.read(str(tmp_path)) is None


def test_those_without_a_checksum_are_taken_as_they_are(tmp_path):
    assert _beside(tmp_path, '{"cost": 2.5}') == 2.5


@pytest.mark.parametrize(
    "text",
    ["", "{", "[2.5]", '{"kost": 2.5}', json.dumps({**costs.record(2.5), "cost": 2.4})],
)
def test_another_one_than_was_written_is_noticed(tmp_path, text):
    with pytest.raises(ValueError):
        _beside(tmp_path, text)
