"""The command line: `python -m gan_jax.main --config=configs/dcgan.py`.

Flags are parsed and the recipe's types and ranges checked before JAX is imported.
"""

import contextlib
import os
import re

from absl import flags

from gan_jax import overrides
from gan_jax import recipe as recipe_lib
from gan_jax.cli import command, config_file
from gan_jax.errors import UsageError

_FILE = flags.DEFINE_string(
    "config",
    None,
    "train: recipe, as in configs/dcgan.py or configs/dcgan.py:mnist for other data; --config.path=value changes "
    "a value, adds a part or, with None, removes it.",
)
_CONFIG = config_file.Config(_FILE, "configs/dcgan.py", [])
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; runs/<recipe>-<data> if not given.")
_MODE = flags.DEFINE_enum(
    "mode", "train", ["train", "sample", "evaluate", "encode", "interpolate", "augment"], "Task to run."
)
_MULTIHOST = flags.DEFINE_bool(
    "multihost",
    False,
    "train: this is one of many processes; other clusters than Cloud TPU and SLURM also need the next three.",
)
_COORDINATOR_ADDRESS = flags.DEFINE_string("coordinator_address", None, "train: host:port of process 0.")
_NUM_PROCESSES = flags.DEFINE_integer("num_processes", None, "train: number of processes.", 1)
_PROCESS_ID = flags.DEFINE_integer("process_id", None, "train: number of this process, from 0.", 0)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own if not given.")
_ACCEPT_CHANGED_DATA = flags.DEFINE_bool(
    "accept_changed_data", False, "train: go on although the data is not that of the run's last start."
)
_TRACKER = flags.DEFINE_list(
    "tracker",
    [],
    "train: trackers that the run also reports to, as in --tracker=wandb or --tracker=wandb,mlflow.",
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images",
    None,
    "sample: number of samples, 64 if not given; evaluate: as many as are held out; interpolate: walks, 8, or with "
    "--from and --to samples, 64; "
    "augment: generated ones, ten times as many as real ones.",
)
_STEP = flags.DEFINE_string(
    "step",
    None,
    "Which checkpoint: steps taken, or best; if not given, the newest, and evaluate also the best.",
)
_AVERAGED = flags.DEFINE_bool("averaged", True, "Use averaged parameters.")
_TRUST = flags.DEFINE_bool(
    "trust", False, "Every mode but train: import whatever modules the workdir names, which runs their code."
)
_SAMPLE_SEED = flags.DEFINE_integer("sample_seed", 0, "sample, interpolate: seed of the latents.")
_FROM = flags.DEFINE_integer("from", None, "interpolate: number of the sample where the only walk begins.")
_TO = flags.DEFINE_integer("to", None, "interpolate: number of the sample where it ends.")
_SPLIT = flags.DEFINE_string("split", None, "encode: split of the run's data; the held-out one if not given.")
_LABELS = flags.DEFINE_list(
    "labels", [], "sample, interpolate: classes to ask for, as in --labels=3,7 or --labels=cat,dog."
)
_METRICS = flags.DEFINE_list("metrics", ["quick"], "evaluate: names of metrics, or quick, or all.")
_FEATURES = flags.DEFINE_string(
    "features", "classifier", "evaluate: features; see gan_jax/features/README.md."
)
_EVAL_SEED = flags.DEFINE_integer("eval_seed", 0, "evaluate: seed of latents and metrics.", 0)
_ALL_STEPS = flags.DEFINE_bool("all_steps", False, "evaluate: every checkpoint.")
_IMAGES_PER_CLASS = flags.DEFINE_integer(
    "images_per_class",
    None,
    "augment: real images of each class for a classifier; if not given, as many as the model was trained on.",
)
_SEEDS = flags.DEFINE_integer("seeds", 5, "augment: number of times to train the classifiers.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "evaluate: fetch the Inception weights if they are absent.")


def _train():
    written = recipe_lib.checked_type(_CONFIG.written())
    changed = recipe_lib.from_dict(_CONFIG.change(overrides.fields(written)))
    recipe_lib.validate(changed)
    recipe_lib.to_dict(changed)  # Functions that no later process would find.
    cluster = _cluster()
    command.import_jax()
    from gan_jax import build
    from gan_jax.runtime import cpu, processes
    from gan_jax.training import train

    cpu.keep_memory()
    with contextlib.nullcontext() if cluster is None else processes.joined(**cluster):
        recipe = build.adapted(written, changed)
        name = str(recipe.data["name"]).replace("/", "-")
        workdir = command.path(_WORKDIR.value) or os.path.join("runs", f"{_CONFIG.stem()}-{name}")
        data_dir = command.path(_DATA_DIR.value)
        train.run(
            recipe, workdir, data_dir,
            accept_changed_data=_ACCEPT_CHANGED_DATA.value, trackers=_TRACKER.value,
        )  # fmt: skip


def _cluster():
    """Arguments of `processes.joined`, or None if this process is alone."""
    flagged = (_COORDINATOR_ADDRESS, _NUM_PROCESSES, _PROCESS_ID)
    missing = [f"--{flag.name}" for flag in flagged if flag.value is None]
    if len(missing) == len(flagged):
        return {} if _MULTIHOST.value else None
    address, count, number = _COORDINATOR_ADDRESS.value, _NUM_PROCESSES.value, _PROCESS_ID.value
    if address is None or count is None or number is None:
        raise UsageError(
            f"{' and '.join(missing)}: missing; these come together: --coordinator_address, "
            "--num_processes and --process_id"
        )
    if not re.fullmatch(r".+:\d+", address):
        raise UsageError(f"coordinator_address={address}: expected host:port")
    if number >= count:
        raise UsageError(f"process_id={number}: expected 0 to {count - 1}")
    return dict(coordinator_address=address, num_processes=count, process_id=number)


def _sample():
    model = _model()
    from gan_jax.sampling import samples

    samples.run(
        **model,
        num_images=64 if _NUM_IMAGES.value is None else _NUM_IMAGES.value,
        sample_seed=_SAMPLE_SEED.value,
        labels=_LABELS.value,
        data_dir=command.path(_DATA_DIR.value),
    )


def _evaluate():
    model = _model()
    from gan_jax.evaluation import reports

    records = reports.of_workdir(
        **model,
        metrics=_METRICS.value,
        features_name=_FEATURES.value,
        num_images=_NUM_IMAGES.value,
        seed=_EVAL_SEED.value,
        all_steps=_ALL_STEPS.value,
        data_dir=command.path(_DATA_DIR.value),
        download=_DOWNLOAD.value,
    )
    print(reports.shown(records, of="step"))


def _encode():
    model = _model()
    from gan_jax.sampling import encode

    encode.run(**model, split=_SPLIT.value, data_dir=command.path(_DATA_DIR.value))


def _interpolate():
    model = _model()
    from gan_jax.sampling import interpolate

    interpolate.run(
        **model,
        num_images=_NUM_IMAGES.value,
        sample_seed=_SAMPLE_SEED.value,
        labels=_LABELS.value,
        first=_FROM.value,
        last=_TO.value,
    )


def _augment():
    model = _model()
    from gan_jax.evaluation import samples_as_data

    record = samples_as_data.run(
        **model,
        images_per_class=_IMAGES_PER_CLASS.value,
        seeds=_SEEDS.value,
        num_images=_NUM_IMAGES.value,
        data_dir=command.path(_DATA_DIR.value),
    )
    print(samples_as_data.shown(record))


def _model():
    """The arguments that every mode but train takes. JAX may be imported from here on."""
    if _WORKDIR.value is None:
        raise UsageError("--workdir is missing: the folder of a finished run")
    command.import_jax()
    return dict(
        workdir=command.path(_WORKDIR.value), step=_STEP.value, averaged=_AVERAGED.value, trust=_TRUST.value
    )


# Of each --mode its function, and the flags that it takes beside --workdir.
_MODES = {
    "train": (
        _train,
        "config data_dir multihost coordinator_address num_processes process_id accept_changed_data tracker",
    ),
    "sample": (_sample, "step averaged trust num_images sample_seed labels data_dir"),
    "evaluate": (
        _evaluate,
        "step averaged trust num_images metrics features eval_seed all_steps data_dir download",
    ),
    "encode": (_encode, "step averaged trust split data_dir"),
    "interpolate": (_interpolate, "step averaged trust num_images sample_seed labels from to"),
    "augment": (_augment, "step averaged trust num_images images_per_class seeds data_dir"),
}


def _do():
    mode = _MODE.value
    do, takes = _MODES[mode]
    for name in dict.fromkeys(name for _, names in _MODES.values() for name in names.split()):
        given = flags.FLAGS[name].present or name == "config" and _CONFIG.changes
        if given and name not in takes.split():
            others = [other for other, (_, names) in _MODES.items() if name in names.split()]
            raise UsageError(f"--{name}: --mode={mode} does not take it; only {', '.join(others)} does")
    do()


if __name__ == "__main__":
    command.run(_do, _CONFIG.take)
