"""Trains a classifier that ships with the package: `python -m gan_jax.evaluation.build_reference --data=digits`.

The same data, package versions and kind of machine give the same weights bit for bit; their fingerprint is
printed.
"""

from absl import flags

from gan_jax.cli import command

_DATA = flags.DEFINE_string("data", "digits", "Data with classes and held-out images, as in mnist.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own if not given.")
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Folder for NAME.npz and NAME.json; the package's own if not given, so that runs find them.",
)


def _do() -> None:
    command.import_jax()
    from gan_jax import data
    from gan_jax.evaluation import reference_classifier
    from gan_jax.features import reference
    from gan_jax.runtime import folders

    folder = command.path(_OUTPUT.value) or reference.FOLDER
    folders.make_writable(folder)
    source = data.opened(_DATA.value, data_dir=command.path(_DATA_DIR.value))
    about = reference_classifier.build(source, _DATA.value, folder)
    for name in ("accuracy", "accuracy_on", "weights"):
        print(f"{name:<20}{about['facts'][name]}")
    print(f"{'calibration_error':<20}{about['calibration_error']}", flush=True)


if __name__ == "__main__":
    command.run(_do)
