"""The command line: `python -m gan_jax.main --config=configs/dcgan.py`.

Flags are parsed and the recipe's types and ranges checked before JAX is imported.
"""

import logging
import os
import runpy
import sys

from absl import app, flags
from absl import logging as absl_logging
from ml_collections import config_flags

from gan_jax import recipe as recipe_lib
from gan_jax.errors import Divergence, UsageError, unknown

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Recipe to train, as in configs/dcgan.py or configs/dcgan.py:mnist for other data."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; runs/<recipe>-<data> if not given.")
_MODE = flags.DEFINE_enum("mode", "train", ["train", "sample"], "What to do.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own if not given.")
_NUM_IMAGES = flags.DEFINE_integer("num_images", 64, "sample: how many images.")
_SAMPLE_SEED = flags.DEFINE_integer("sample_seed", 0, "sample: seed of the latents.")
_LABELS = flags.DEFINE_list("labels", [], "sample: classes to ask for, as in --labels=3,7.")
_STEP = flags.DEFINE_integer("step", None, "sample: which checkpoint; the newest if not given.")
_AVERAGED = flags.DEFINE_bool("averaged", True, "sample: use averaged parameters.")


def _train():
    if _CONFIG.value is None:
        raise UsageError("--config is missing; as in --config=configs/dcgan.py")
    recipe_lib.validate(_CONFIG.value)
    stem = os.path.splitext(os.path.basename(config_flags.get_config_filename(flags.FLAGS["config"])))[0]
    name = str(_CONFIG.value.data["name"]).replace("/", "-")
    _import_jax()
    from gan_jax import train

    train.run(_CONFIG.value, _WORKDIR.value or os.path.join("runs", f"{stem}-{name}"), _DATA_DIR.value)


def _sample():
    if _WORKDIR.value is None:
        raise UsageError("--workdir is missing: the folder of a finished run")
    wrong = [label for label in _LABELS.value if not label.isdecimal()]
    if wrong:
        raise UsageError(f"labels={','.join(_LABELS.value)}: expected whole numbers, got {wrong[0]!r}")
    _import_jax()
    from gan_jax import sample

    sample.run(
        _WORKDIR.value,
        num_images=_NUM_IMAGES.value,
        sample_seed=_SAMPLE_SEED.value,
        labels=tuple(int(label) for label in _LABELS.value),
        step=_STEP.value,
        averaged=_AVERAGED.value,
    )


def _import_jax():
    """Imports JAX with a compilation cache that only this user can read: what lies in it is run."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        folder = os.path.join(base, "gan_jax", "compiled")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def main(argv):
    """Does what `--mode` says; mistakes of the user are one line and exit code 2."""
    del argv
    log = logging.getLogger("gan_jax")
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.propagate = False
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        {"train": _train, "sample": _sample}[_MODE.value]()
    except (UsageError, Divergence) as error:
        _fail(error, code=1 if isinstance(error, Divergence) else 2)


def _parse(argv):
    """absl's parser, but every mistake is one line and exit code 2."""
    try:
        rest = flags.FLAGS(argv)
        if _CONFIG.value is not None:
            recipe_lib.to_dict(_CONFIG.value)  # A config that could not be loaded answers when it is used.
    except SystemExit:
        sys.exit(0)  # absl leaves with 1 after --help.
    except Exception as error:
        _explain(argv, error)
    if len(rest) > 1:
        _fail(UsageError(f"unexpected argument {rest[1]!r}: everything is a --flag"))
    return rest


def _explain(argv, error):
    """Ends with the mistake that made absl or a config file give up."""
    given = [argument.lstrip("-") for argument in argv[1:] if argument.startswith("-")]
    path = next((argument.partition("=")[2] for argument in given if argument.startswith("config=")), None)
    if path:
        file, _, data = path.partition(":")
        if not os.path.isfile(file):
            _fail(f"config file {file!r} does not exist")
        try:
            plain = recipe_lib.to_dict(runpy.run_path(file)["get_config"](*[data] if data else []))
        except Exception as broken:  # A config file is a program and may raise anything.
            _fail(
                broken
                if isinstance(broken, UsageError)
                else f"config {path}: {type(broken).__name__}: {broken}"
            )
        for argument in given:
            if argument.startswith("config."):
                _check_override(argument[len("config.") :].partition("=")[0], plain)
    _fail(error)


def _check_override(path, tree):
    """Ends if a recipe has no such field."""
    walked = "config"
    for part in path.split("."):
        if not isinstance(tree, dict) or part not in tree:
            _fail(unknown(walked, part, tree if isinstance(tree, dict) else ()))
        tree, walked = tree[part], f"{walked}.{part}"


def _fail(error, code=2):
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    app.run(main, flags_parser=_parse)
