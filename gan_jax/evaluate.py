"""Metrics of any two sets of images: `python -m gan_jax.evaluate --generated=samples --reference=photos`.

A set is a folder of images, an `.npz` or `.npy` file, or a data set with a split, as in `mnist:test`.
"""

from absl import flags

from gan_jax.cli import command, resolution
from gan_jax.errors import UsageError

_GENERATED = flags.DEFINE_string("generated", None, "The set to evaluate: folder, .npz file, or data:split.")
_REFERENCE = flags.DEFINE_string(
    "reference", None, "The set it should resemble: folder, .npz, or data:split."
)
_RESOLUTION = flags.DEFINE(
    resolution.Parser(0), "resolution", 0,
    "Resize both sets to it, pixels, as in 64 or, height x width, 64x96; 0 for their own.",
)  # fmt: skip
_SKIP_CORRUPT = flags.DEFINE_bool("skip_corrupt", False, "Leave corrupt image files out.")
_BACKGROUND = flags.DEFINE_string("background", "white", "Colour behind transparent pixels of images.")
_METRICS = flags.DEFINE_list("metrics", ["quick"], "Names of metrics, or quick, or all.")
_FEATURES = flags.DEFINE_string("features", "classifier", "Features; see gan_jax/features/README.md.")
_EVAL_SEED = flags.DEFINE_integer("eval_seed", 0, "Seed of everything random in the metrics.", 0)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own if not given.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the Inception weights if they are absent.")
_OUTPUT = flags.DEFINE_string("output", "", "JSON file for the results.")


def _do():
    names = [_name(flag) for flag in (_GENERATED, _REFERENCE)]
    command.import_jax()
    from gan_jax import data
    from gan_jax.evaluation import reports
    from gan_jax.runtime import folders

    output = command.path(_OUTPUT.value)
    if output:
        folders.make_room(output)
    generated, reference = (
        data.opened(
            name,
            _RESOLUTION.value,
            command.path(_DATA_DIR.value),
            background=_BACKGROUND.value,
            skip_corrupt=_SKIP_CORRUPT.value,
        )
        for name in names
    )
    record = reports.of_sets(
        generated,
        reference,
        metrics=_METRICS.value,
        features_name=_FEATURES.value,
        seed=_EVAL_SEED.value,
        download=_DOWNLOAD.value,
    )
    print(reports.shown({"value": record}), flush=True)
    if output:
        reports.write(output, record)


def _name(flag: flags.FlagHolder[str | None]) -> str:
    """The name of a set."""
    if flag.value is None:
        raise UsageError(f"--{flag.name} is missing: a folder of images, an .npz file, or data:split")
    return flag.value


if __name__ == "__main__":
    command.run(_do)
