"""The command line: `python -m gan_jax.main --config=dcgan`; `--help` explains it.

Flags are parsed and the recipe's types and ranges checked before JAX is imported.
"""

import contextlib
import os
import re
from typing import Any

from absl import flags

from gan_jax import library, overrides
from gan_jax import recipe as recipe_lib
from gan_jax.cli import command, config_file, modes
from gan_jax.cli.modes import Mode
from gan_jax.errors import UsageError, unknown

_FILE = flags.DEFINE_string(
    "config",
    None,
    "Recipe: a name from --list=recipes or a file, perhaps with other data, as in dcgan:mnist or "
    "mine.py:mnist. --config.path=value changes a value, adds a part or, with None, removes it.",
)
_CONFIG = config_file.Config(_FILE, "dcgan", [])
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run; train: runs/<recipe>-<data> if not given."
)
_MODE = flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "sample", "evaluate", "encode", "interpolate", "augment", "translate"],
    "Task to run.",
)
_LIST = flags.DEFINE_string(
    "list", None, f"Print what there is, with one line each, and end: {', '.join(library.KINDS)}."
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Folder of images, or .npz or .npy file, to train on. Images of one size up to 64 pixels keep it, others "
    "become 64x64, unless --config.data.resolution says more.",
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Print the recipe, parameters, memory and work of a step, and what would be written; train and write "
    "nothing.",
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "Workdir of another run: begin with its parameters where names and shapes agree, and with new "
    "optimizers. --step chooses its checkpoint.",
)
_MULTIHOST = flags.DEFINE_bool(
    "multihost",
    False,
    "This is one of many processes; other clusters than Cloud TPU and SLURM also need the next three.",
)
_COORDINATOR_ADDRESS = flags.DEFINE_string("coordinator_address", None, "host:port of process 0.")
_NUM_PROCESSES = flags.DEFINE_integer("num_processes", None, "Number of processes.", 1)
_PROCESS_ID = flags.DEFINE_integer("process_id", None, "Number of this process, from 0.", 0)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own if not given.")
_ACCEPT_CHANGED_DATA = flags.DEFINE_bool(
    "accept_changed_data", False, "Go on although the data is not that of the run's last start."
)
_TRACKER = flags.DEFINE_list(
    "tracker",
    [],
    "Trackers that the run also reports to, as in --tracker=wandb or --tracker=wandb,mlflow.",
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images",
    None,
    "sample: number of samples, 64 if not given; evaluate: as many as are held out; interpolate: walks, 8, "
    "or with --from and --to samples, 64; "
    "augment: generated ones, ten times as many as real ones.",
)
_FORMAT = flags.DEFINE_enum(
    "format",
    "grid",
    ["grid", "files", "npz"],
    "What is written besides the .npz: grid, one picture of all samples; files, one file a sample, in a "
    "folder for each class; npz, nothing.",
)
_STEP = flags.DEFINE_string(
    "step",
    None,
    "Which checkpoint: steps taken, or best; if not given, the newest, and evaluate also the best.",
)
_AVERAGED = flags.DEFINE_bool("averaged", True, "Use averaged parameters; --noaveraged for the live ones.")
_TRUNCATION = flags.DEFINE_list(
    "truncation",
    [],
    "Draw entries of the latents that are larger than this again, as in --truncation=0.5; evaluate: several, as "
    "in --truncation=inf,1,0.7,0.5.",
)
_STANDING = flags.DEFINE_integer(
    "standing",
    0,
    "Batches of samples of which the generator's batch norms get the statistics; 0 for those of training.",
    0,
)
_TRUST = flags.DEFINE_bool(
    "trust",
    False,
    "Import whatever modules a workdir names, which runs their code; in train that of --init_from.",
)
_SAMPLE_SEED = flags.DEFINE_integer("sample_seed", 0, "Seed of the latents.")
_FROM = flags.DEFINE_integer("from", None, "Number of the sample where the only walk begins.")
_TO = flags.DEFINE_integer("to", None, "Number of the sample where it ends.")
_SPLIT = flags.DEFINE_string("split", None, "Split of the run's data; the held-out one if not given.")
_LABELS = flags.DEFINE_list("labels", [], "Classes to ask for, as in --labels=3,7 or --labels=cat,dog.")
_METRICS = flags.DEFINE_list("metrics", ["quick"], "Names from --list=metrics, or quick, or all.")
_FEATURES = flags.DEFINE_string(
    "features",
    None,
    "Features that metrics compare: classifier, pixels, cifar10, inception, a file, or the dotted path of a "
    "function; those of the recipe's evaluations if not given.",
)
_EVAL_SEED = flags.DEFINE_integer("eval_seed", 0, "Seed of latents and metrics.", 0)
_ALL_STEPS = flags.DEFINE_bool("all_steps", False, "Every checkpoint.")
_IMAGES_PER_CLASS = flags.DEFINE_integer(
    "images_per_class",
    None,
    "Real images of each class for a classifier; if not given, as many as the model was trained on.",
)
_SEEDS = flags.DEFINE_integer("seeds", 5, "Number of times to train the classifiers.")
_INPUT = flags.DEFINE_string(
    "input", None, "Image, or folder of images with the folders below it, to translate."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for the results: a PNG for each image, under its own name."
)
_BACKWARD = flags.DEFINE_bool("backward", False, "From images like `real` back to images like `source`.")
_MASK = flags.DEFINE_string(
    "mask",
    None,
    "Image that is white where holes are to be filled, or folder with one for each image, of its name; if not given, "
    "transparent pixels are holes.",
)
_TILE = flags.DEFINE_integer(
    "tile",
    None,
    "Side of a tile, pixels; if not given, 256 where the networks see a part of the image, else the whole image.",
    1,
)
_OVERLAP = flags.DEFINE_integer(
    "overlap",
    None,
    "Pixels that a tile sees beyond its part on each side; if not given, as many as the networks see and 8 more.",
    0,
)
_BLEND_WITH = flags.DEFINE_string(
    "blend_with",
    None,
    "Workdir of another run, with whose generator's parameters those of the run are blended.",
)
_SHARE = flags.DEFINE_float("share", 0.8, "Share of the run's own parameters with --blend_with.", 0.0, 1.0)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the Inception weights if they are absent.")


def _train():
    for flag in (_STEP, _TRUST):
        if flag.present and not _INIT_FROM.value:
            raise UsageError(f"--{flag.name}: in --mode=train it belongs to --init_from, which is missing")
    written = recipe_lib.checked_type(_CONFIG.written())
    changed = recipe_lib.from_dict(_CONFIG.change(overrides.fields(written)))
    recipe_lib.validate(changed)
    changed = _of_data(changed) if _DATA.value else changed
    recipe_lib.to_dict(changed)  # Functions that no later process would find.
    cluster = _cluster()
    command.import_jax()
    from gan_jax.runtime import cpu, processes
    from gan_jax.training import initial, plan, train
    from gan_jax.training.adapted import adapted

    cpu.keep_memory()
    with contextlib.nullcontext() if cluster is None else processes.joined(**cluster):
        recipe = adapted(written, changed)
        workdir = os.path.join("runs", f"{_CONFIG.stem()}-{_named(recipe.data)}")
        step, trust, other = _STEP.value, _TRUST.value, command.path(_INIT_FROM.value)
        given: dict[str, Any] = dict(
            workdir=command.path(_WORKDIR.value) or workdir,
            data_dir=command.path(_DATA_DIR.value),
            accept_changed_data=_ACCEPT_CHANGED_DATA.value,
            init_from=initial.Origin(other, step, trust) if other else None,
        )
        if _DRY_RUN.value:
            print(plan.plan(recipe, **given))
        else:
            train.run(recipe, **given, trackers=_TRACKER.value)


def _of_data(recipe):
    """The recipe on the data of --data."""
    if named := _CONFIG.data():
        raise UsageError(f"--data={_DATA.value}: --config names other data, {named}; give one of the two")
    command.import_jax()
    from gan_jax.data import own

    return overrides.changed(recipe, own.changes(str(command.path(_DATA.value)), recipe))


def _named(data):
    """A short name of a recipe's data, for the name of a folder."""
    path = os.path.basename(os.path.abspath(data["path"])) if isinstance(data.get("path"), str) else ""
    return os.path.splitext(path)[0] or str(data["name"]).replace("/", "-")


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


def _truncations():
    """The numbers of --truncation."""
    try:
        return [float(text) for text in _TRUNCATION.value]
    except ValueError:
        raise UsageError(f"--truncation={','.join(_TRUNCATION.value)}: expected numbers above 0") from None


def _sample():
    truncations = _truncations()
    if len(truncations) > 1:
        raise UsageError(
            f"--truncation={','.join(_TRUNCATION.value)}: --mode=sample takes one; several are for evaluate"
        )
    model = _model()
    from gan_jax.sampling import samples

    samples.run(
        **model,
        num_images=64 if _NUM_IMAGES.value is None else _NUM_IMAGES.value,
        sample_seed=_SAMPLE_SEED.value,
        labels=_LABELS.value,
        data_dir=command.path(_DATA_DIR.value),
        form=_FORMAT.value,
        truncation=truncations[0] if truncations else None,
        standing=_STANDING.value,
    )


def _evaluate():
    truncations = _truncations()
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
        truncations=truncations,
        standing=_STANDING.value,
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


def _translate():
    if _SHARE.present and not _BLEND_WITH.value:
        raise UsageError("--share: it belongs to --blend_with, which is missing")
    model = _model()
    from gan_jax.sampling import translate

    translate.run(
        **model,
        input=command.path(_INPUT.value),
        output=command.path(_OUTPUT.value),
        backward=_BACKWARD.value,
        mask=command.path(_MASK.value),
        tile=_TILE.value,
        overlap=_OVERLAP.value,
        blend_with=command.path(_BLEND_WITH.value),
        share=_SHARE.value,
    )


def _model():
    """The arguments that every mode but train takes. JAX may be imported from here on."""
    if _WORKDIR.value is None:
        raise UsageError("--workdir is missing: the folder of a finished run")
    command.import_jax()
    return dict(
        workdir=command.path(_WORKDIR.value), step=_STEP.value, averaged=_AVERAGED.value, trust=_TRUST.value
    )


_OF_CHECKPOINT = "workdir step averaged trust"
_MODES = {
    "train": Mode(
        _train,
        "train a recipe, or resume the run in its workdir",
        "--config=dcgan:mnist --config.steps=9380 --workdir=runs/first",
        "config workdir data data_dir dry_run init_from step trust accept_changed_data multihost "
        "coordinator_address num_processes process_id tracker",
    ),
    "sample": Mode(
        _sample,
        "write samples of a run",
        "--mode=sample --workdir=runs/first --num_images=100 --sample_seed=7 --format=files",
        f"{_OF_CHECKPOINT} num_images format sample_seed labels truncation standing data_dir",
    ),
    "evaluate": Mode(
        _evaluate,
        "compare samples of a run with held-out data",
        "--mode=evaluate --workdir=runs/first --metrics=frechet_distance,precision_recall",
        f"{_OF_CHECKPOINT} num_images metrics features eval_seed all_steps truncation standing data_dir download",
    ),
    "encode": Mode(
        _encode,
        "write the codes of images, of a run with an encoder, such as bigan",
        "--mode=encode --workdir=runs/bigan-digits",
        f"{_OF_CHECKPOINT} split data_dir",
    ),
    "interpolate": Mode(
        _interpolate,
        "write walks between samples: a grid and an animation",
        "--mode=interpolate --workdir=runs/first --from=12 --to=40",
        f"{_OF_CHECKPOINT} num_images sample_seed labels from to",
    ),
    "augment": Mode(
        _augment,
        "train classifiers with and without samples, of a run with classes",
        "--mode=augment --workdir=runs/acgan-mnist --images_per_class=20",
        f"{_OF_CHECKPOINT} num_images images_per_class seeds data_dir",
    ),
    "translate": Mode(
        _translate,
        "translate image files of any size, of a run with a `source`, such as pix2pix",
        "--mode=translate --workdir=runs/srgan --input=photos --output=large",
        f"{_OF_CHECKPOINT} input output backward mask tile overlap blend_with share",
    ),
}


def _help():
    described = modes.described("python -m gan_jax.main", _MODES, "mode list")
    return (
        f"Generative adversarial networks in JAX.\n\n{described}\n\n"
        "and --flagfile=FILE with flags line by line; --version; --helpfull has the flags of every library "
        "too."
    )


def _list(kind):
    """Prints what there is of a kind."""
    if kind not in library.KINDS:
        raise unknown("--list", kind, library.KINDS)
    if kind in library.MODULES:
        command.import_jax()
    print(library.shown(kind))


def _is_given(flag):
    """Does a flag stand on the command line?"""
    return bool(flags.FLAGS[flag].present) or flag == "config" and bool(_CONFIG.changes)


def _do():
    if _LIST.value is not None:
        _list(_LIST.value)
        return
    modes.check(_MODES, _MODE.value, _is_given)
    _MODES[_MODE.value].do()


if __name__ == "__main__":
    command.run(_do, _CONFIG.take, _help)
