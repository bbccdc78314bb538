"""Any TensorFlow Datasets set with images, read without TensorFlow."""

import contextlib
import importlib.util
import io
import json
import os
import re
import shlex

import numpy as np
from PIL import Image

from gan_jax.data.pixels import check_background, fit
from gan_jax.data.source import Source, labelled, of_images
from gan_jax.errors import Fault, UsageError, unknown
from gan_jax.images import Resolution, height_and_width

# File formats of TFDS whose rows can be read by number.
_BY_NUMBER = ("array_record", "parquet")


def tfds(
    *,
    name: str,
    split: str = "train",
    resolution: Resolution = 0,
    classes: bool = True,
    background: str = "white",
    data_dir: str | None = None,
) -> Source:
    """A TFDS set with an image in every example, from array_record files.

    Images look as viewers show them: see `pixels.shown`.

    Args:
        name: Name of the set, `mnist`, `cifar10`, or with config and version as TFDS writes them.
        split: Split, or a slice of one as TFDS writes it.
        resolution: Height and width, pixels, or one number for both: the largest central part of each image
            with that aspect is resized to it. 0 for the data's own, if all images are of one size.
        classes: Use the labels. Rows without one, which have -1, are left out; if no row has one, there are
            no classes.
        background: Colour behind transparent pixels, as in `white` or `#808080`.
        data_dir: Folder of prepared data; None for TFDS's own.

    Returns:
        A Source. Its `read` raises a Fault if a file or an image in it is damaged.

    Raises:
        UsageError: An unknown set or split, one without images, or one that is not prepared and cannot be.
    """
    check_background(background)
    builder = _prepared(name, data_dir)
    import tensorflow_datasets

    image_key = _image_key(builder)
    keys = ("label", "labels") if classes else ()
    label_key = next((key for key in keys if _has_classes(builder, key)), None)
    shape = builder.info.features[image_key].shape
    if not resolution and None in shape:
        raise UsageError(f"images of {name!r} have the shape {shape}: give data.resolution, pixels")
    try:
        rows_of = builder.as_data_source(
            split=split, decoders={image_key: tensorflow_datasets.decode.SkipDecoding()}
        )
    except (ValueError, KeyError) as error:
        raise UsageError(f"data.split={split!r}: {_first_line(error)}") from None
    size = height_and_width(resolution) if resolution else tuple(shape[:2])
    channels = 1 if shape[-1] == 1 else 3

    def decoded(row, example):
        with _readable(f"image {row} of {full}"):
            return fit(_opened(example[image_key]), size, channels, background)

    def stored(rows):
        with _readable(full):
            return rows_of.__getitems__([int(row) for row in rows])

    def labels_of(examples):
        return np.asarray([example[label_key] for example in examples], np.int32)

    def read(rows):
        examples = stored(rows)
        images = [decoded(row, example) for row, example in zip(rows, examples)]
        return {"real": np.stack(images), **({"label": labels_of(examples)} if label_key else {})}

    names = tuple(builder.info.features[label_key].names) if label_key else ()
    other = _heldout_split(builder, split)

    def heldout():
        return other and tfds(
            name=name,
            split=other,
            resolution=resolution,
            classes=classes,
            background=background,
            data_dir=data_dir,
        )

    full = f"{builder.info.full_name} {split}"
    source = of_images(
        full, len(rows_of), (*size, channels), names, read, heldout=heldout, identity=builder.info.full_name
    )
    return labelled(source, lambda rows: labels_of(stored(rows))) if names else source


def _heldout_split(builder, split):
    """The held-out split, unless training uses it; validation first, as test splits may lack labels."""
    exist = [name for name in ("validation", "test") if name in builder.info.splits]
    return exist[0] if exist and not any(name in split for name in exist) else None


def _prepared(name, data_dir):
    """The builder of a set with array_record files, which are prepared if they do not exist."""
    import tensorflow_datasets as tfds

    _check_features(name, data_dir)
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        from gan_jax import data

        own = [known for known in data.__all__ if known != "tfds"]
        known = tfds.list_builders(with_community_datasets=False)
        error = unknown("data.name", name, own + known)
        raise UsageError(f"{error}; these exist: {', '.join(own)}, and {len(known):,} TFDS names") from None
    except (ValueError, AssertionError) as error:
        raise UsageError(f"data.name={name!r}: {_first_line(error)}") from None
    if builder.is_prepared():
        return _readable_by_number(name, builder)
    if importlib.util.find_spec("tensorflow") is None:
        raise UsageError(
            f"data set {name!r} is not prepared in {builder.data_dir}; preparing it needs TensorFlow once: "
            "start with EXTRAS=prepare launch/train.sh, or pip install tensorflow-cpu importlib_resources; "
            "or give --data_dir"
        )
    try:
        builder.download_and_prepare(file_format="array_record")
    except Exception as error:  # Downloads, disks and TensorFlow fail in many ways.
        reason = f"{type(error).__name__}: {_first_line(error)}"
        raise UsageError(
            f"data set {name!r} could not be prepared in {builder.data_dir}: {reason}"
        ) from error
    return builder


def _readable_by_number(name, builder):
    """The builder of a prepared set, if its rows can be read by number."""
    import tensorflow_datasets as tfds

    written = builder.info.as_proto
    formats = [written.file_format, *written.alternative_file_formats]
    if formats[0] in _BY_NUMBER:
        return builder
    if set(formats) & set(_BY_NUMBER):  # A builder by name forgets the formats that were added by conversion.
        return tfds.builder_from_directory(builder.data_dir)
    raise UsageError(
        f"data set {name!r} is prepared as {' and '.join(formats)} in {builder.data_dir}, whose rows "
        f"cannot be read by number; expected {' or '.join(_BY_NUMBER)}; this converts it, where tensorflow "
        "and apache-beam are installed: python -m tensorflow_datasets.scripts.convert_format "
        "--out_file_format=array_record "
        f"--dataset_version_dir={shlex.quote(str(builder.data_dir))}"
    )


def _check_features(name, data_dir):
    """Refuses a folder that describes the data by classes of other modules: TFDS would import these."""
    for place, _, files in os.walk(os.path.join(data_dir, re.split("[/:]", name)[0]) if data_dir else ""):
        if "features.json" not in files:
            continue
        path = os.path.join(place, "features.json")
        try:
            with open(path) as file:
                classes = list(_class_names(json.load(file)))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"{path} cannot be read: {type(error).__name__}") from None
        if foreign := [each for each in classes if not str(each).startswith("tensorflow_datasets.")]:
            raise UsageError(
                f"{path} names code outside of tensorflow_datasets: {', '.join(map(str, foreign))}"
            )


def _class_names(tree):
    """Walks a description; yields the names of the classes that TFDS imports."""
    for key, value in (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    ):
        yield from [value] if key == "pythonClassName" else _class_names(value)


def _image_key(builder):
    """The feature with the image."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    keys = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if not keys:
        raise UsageError(f"data set {builder.name!r} has no image; its features are {', '.join(features)}")
    key = "image" if "image" in keys else keys[0]
    kind = np.dtype(features[key].np_dtype)
    if kind not in (np.uint8, np.uint16):  # TFDS writes the bytes of a float as four channels.
        raise UsageError(
            f"data set {builder.name!r}: expected images of 8 or 16 bits a channel, got {kind}, whose white "
            "is not known"
        )
    return key


def _has_classes(builder, key):
    import tensorflow_datasets as tfds

    features = builder.info.features
    return key in features and isinstance(features[key], tfds.features.ClassLabel)


@contextlib.contextmanager
def _readable(what):
    """Turns the errors of array_record and Pillow at damaged files into Faults."""
    try:
        yield
    except Exception as error:  # RuntimeError, OSError, SyntaxError, ValueError, zlib.error, ...
        raise Fault(f"{what} cannot be read: {type(error).__name__}: {_first_line(error)}") from error


def _opened(image):
    """An encoded image, or an array that TFDS has decoded already, as a PIL image."""
    if isinstance(image, bytes):
        return Image.open(io.BytesIO(image))
    array = np.asarray(image, np.uint8)
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def _first_line(error):
    return str(error).strip().partition("\n")[0]
