"""Changed names leave out what was written for the functions before."""

from gan_jax import overrides
from gan_jax.training.adapted import adapted


def test_another_function_leaves_out_what_was_written_for_the_one_before(tiny, caplog):
    """But what is given for it is never left out."""
    before = tiny(data=dict(name="ring", scale=1.0, size=100, flip=False, resolution=8))
    changed = overrides.changed(before, {"data.name": "folder", "data.path": "photos", "data.size": 7})
    with caplog.at_level("INFO", "gan_jax"):
        after = adapted(before, changed)
    assert after.data == dict(name="folder", path="photos", size=7, flip=False, resolution=8)
    assert caplog.messages == ["data.name=folder takes no scale: left out"]
    assert changed.data["scale"] == 1.0
    assert adapted(before, before) == before
