"""What a recipe is told of one's own images."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import own
from gan_jax.errors import UsageError


def _folder(path, *sizes, classes=("",)):
    for name in classes:
        (path / name).mkdir(parents=True, exist_ok=True)
        for number, size in enumerate(sizes):
            Image.new("L", size).save(path / name / f"{number}.png")
    return str(path)


@pytest.mark.parametrize(
    "sizes, resolution",
    [
        ([(28, 28), (28, 28)], None),  # width, height
        ([(64, 48), (64, 48)], None),
        ([(28, 28), (28, 30)], 64),
        ([(65, 32), (65, 32)], 64),
        ([(4000, 3000)], 64),
    ],
)
def test_small_images_of_one_size_keep_it(tiny, tmp_path, sizes, resolution):
    changes = own.changes(_folder(tmp_path / "a", *sizes), tiny(data=dict(name="digits", resolution=0)))
    assert changes == {
        "data.name": "folder",
        "data.path": str(tmp_path / "a"),
        **({"data.resolution": resolution} if resolution else {}),
    }


def test_a_resolution_of_the_recipe_is_kept(tiny, tmp_path):
    assert "data.resolution" not in own.changes(_folder(tmp_path / "a", (90, 70)), tiny())


def test_without_classes_or_with_few_images_evaluations_compare_pixels(tiny, tmp_path, caplog, monkeypatch):
    evaluated = tiny(eval_every=5)
    with caplog.at_level("INFO", "gan_jax"):
        assert own.changes(_folder(tmp_path / "a", (8, 8)), evaluated)["eval_features"] == "pixels"
    assert "without classes there is no classifier, so evaluations compare pixels" in caplog.text
    classes = _folder(tmp_path / "b", (8, 8), (8, 8), classes=("cat", "dog"))
    with caplog.at_level("INFO", "gan_jax"):
        assert own.changes(classes, evaluated)["eval_features"] == "pixels"
    assert (
        "fewer than 1,000 images are too few for a classifier, so evaluations compare pixels" in caplog.text
    )
    monkeypatch.setattr(own, "FEW", 4)
    assert "eval_features" not in own.changes(classes, evaluated)
    assert "eval_features" not in own.changes(
        str(tmp_path / "a"), tiny(eval_every=5, eval_features="inception")
    )


def test_few_images_are_told_of_an_augmentation_that_the_recipe_has_not(tiny, tmp_path, caplog):
    path = _folder(tmp_path / "a", (8, 8))
    with caplog.at_level("INFO", "gan_jax"):
        own.changes(path, tiny(game=dict(name="gan", latents={}, augment=dict(diffaugment={}))))
        assert not caplog.messages
        own.changes(path, tiny())
    assert caplog.messages == [
        f"{path}: fewer than 1,000 images are soon known by heart: --config.game.augment.diffaugment={{}} helps"
    ]


def test_a_file_of_images_keeps_their_size(tiny, tmp_path):
    images = np.zeros((4, 90, 70, 3), np.uint8)
    np.savez(tmp_path / "labelled.npz", images=images, label=np.arange(4))
    np.savez(tmp_path / "plain.npz", images=images)
    np.save(tmp_path / "plain.npy", images)
    for name, evaluation in (
        ("labelled.npz", {}),
        ("plain.npz", {"eval_features": "pixels"}),
        ("plain.npy", {"eval_features": "pixels"}),
    ):
        path = str(tmp_path / name)
        assert own.changes(path, tiny(eval_every=5)) == {
            "data.name": "archive",
            "data.path": path,
            **evaluation,
        }


def test_what_is_neither(tiny, tmp_path):
    (tmp_path / "text.txt").write_text("no images")
    for name in ("nothing", "text.txt"):
        with pytest.raises(
            UsageError, match=f"^data=.*{name}: expected a folder of images, or an .npz or .npy file"
        ):
            own.changes(str(tmp_path / name), tiny())


def _translating(tiny, **data):
    return tiny(data=dict(resolution=0, **data), eval_every=5)


def test_a_recipe_of_pairs_gets_the_domains_of_a_folder(tiny, tmp_path, caplog):
    path = _folder(tmp_path / "a", (90, 70), classes=("trainA", "trainB"))
    common = {"data.path": path, "data.resolution": 64, "eval_features": "pixels"}
    with caplog.at_level("INFO", "gan_jax"):
        assert own.changes(path, _translating(tiny, name="paired")) == {"data.name": "paired", **common}
    assert caplog.messages == [
        f"{path}: images become 64x64 pixels (--config.data.resolution changes it); without classes there is no "
        "classifier, so evaluations compare pixels"
    ]
    for name in ("unpaired", "digits_to_printed"):
        assert own.changes(path, _translating(tiny, name=name)) == {"data.name": "unpaired", **common}
    conditioned = tiny(game=dict(name="gan", condition_on=("source",)), data=dict(name="mine", resolution=0))
    assert own.changes(path, conditioned)["data.name"] == "paired"
    assert own.changes(path, tiny())["data.name"] == "folder"


def test_small_sources_are_cut_into_patches(tiny, tmp_path):
    _folder(tmp_path / "a" / "HR", (200, 160)), _folder(tmp_path / "a" / "LR", (100, 80))
    changes = own.changes(str(tmp_path / "a"), _translating(tiny, name="paired"))
    assert (
        changes["data.name"] == "paired" and changes["data.patch"] == 96 and "data.resolution" not in changes
    )


def test_a_recipe_that_makes_its_sources_gets_patches(tiny, tmp_path):
    path = _folder(tmp_path / "a", (300, 200))
    changes = own.changes(path, _translating(tiny, name="photographs", patch=48, degrade=dict(downscale={})))
    assert changes == {"data.name": "photographs", "data.path": path, "eval_features": "pixels"}
    both = _folder(tmp_path / "b", (90, 70), classes=("A", "B"))
    changes = own.changes(both, _translating(tiny, name="photographs", patch=48, degrade=dict(downscale={})))
    assert changes == {
        "data.name": "paired",
        "data.path": both,
        "data.degrade": {},
        "eval_features": "pixels",
    }


def test_what_stands_beside_a_source_is_kept_for_sources_of_the_folder(tiny, tmp_path, caplog):
    for side in ("LR", "HR"):
        (tmp_path / side).mkdir()
        Image.new("RGB", (48, 48)).save(tmp_path / side / "1.png")
    degrade = dict(sharpened_target=dict(deviation=2.0), downscale={})
    with caplog.at_level("INFO", "gan_jax"):
        changes = own.changes(str(tmp_path), _translating(tiny, name="photographs", degrade=degrade))
    assert changes["data.degrade"] == dict(sharpened_target=dict(deviation=2.0))
    assert "so downscale of data.degrade is left out" in caplog.text
