import json

import numpy as np
import sources

from gan_jax.data import fingerprint
from gan_jax.data.source import of_arrays


def _described(source):
    """By way of a file, as in a run."""
    return json.loads(json.dumps(fingerprint.describe(source)))


def _pets(classes=("cat", "dog"), count=4, side=8, **changes):
    labels = np.arange(count) % len(classes)
    return of_arrays("pets", np.zeros((count, side, side, 1), np.uint8), labels, classes)._replace(**changes)


def test_the_same_data_has_no_changes():
    for source in (
        _pets(),
        sources.noise(5),
        _pets()._replace(facts={"modality": "images", "range": (0, (1, 2))}),
    ):
        assert fingerprint.changes(_described(source), fingerprint.describe(source)) == []
    assert fingerprint.changes(_described(_pets()), fingerprint.describe(_pets(name="moved"))) == []


def test_each_difference_is_named():
    before = _described(_pets(identity="names of files a"))
    for source, expected in [
        (_pets(count=6, identity="names of files a"), ["rows: 4 -> 6"]),
        (_pets(identity="names of files b"), ["names of files a -> names of files b"]),
        (_pets(("ant", "cat"), identity="names of files a"), ["class 0: cat -> ant"]),
        (_pets(("cat", "dog", "owl"), identity="names of files a"), ["classes: 2 -> 3"]),
        (_pets(side=9, identity="names of files a"), ["real: [[8, 8, 1], 'uint8'] -> [[9, 9, 1], 'uint8']"]),
    ]:
        assert fingerprint.changes(before, fingerprint.describe(source)) == expected


def test_every_part_is_counted():
    def joint(*counts):
        return _pets()._replace(parts=tuple(_pets(count=count) for count in counts))

    assert fingerprint.changes(_described(joint(4, 6)), fingerprint.describe(joint(4, 6))) == []
    changes = fingerprint.changes(_described(joint(4, 6)), fingerprint.describe(joint(4, 8)))
    assert changes == ["rows: [4, 6] -> [4, 8]"]
    assert fingerprint.describe(joint(4))["rows"]["count"] == 4


def test_no_row_is_read():
    def read(rows):
        raise AssertionError("read")

    assert fingerprint.describe(_pets(read=read))["rows"] == {"count": 4, "identity": ""}
