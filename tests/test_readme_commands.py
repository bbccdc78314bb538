"""Every command of the READMEs is run here as far as its task, or tests/README.md lists it as run by hand."""

import contextlib
import re
import shlex
import shutil

import command_line
import in_process
import numpy as np
import pytest
from PIL import Image
from test_readmes import READMES, ROOT, commands

EVERY = sorted({command for path in READMES for command in commands(path)})
# What a command line calls in the end.
TASKS = {
    "gan_jax.main": (
        "gan_jax.training.train.run",
        "gan_jax.training.plan.plan",
        "gan_jax.sampling.samples.run",
        "gan_jax.sampling.encode.run",
        "gan_jax.sampling.translate.run",
        "gan_jax.evaluation.reports.of_workdir",
        "gan_jax.evaluation.samples_as_data.run",
        "gan_jax.library.shown",
    ),
    "gan_jax.study": ("gan_jax.study.running.run",),
}
# Commands that use the one run that is trained here, and what makes them small.
ON_THE_RUN = {
    r"--mode=sample .*runs/dcgan-digits": ["--num_images=4"],
    r"--mode=interpolate .*runs/dcgan-digits": [],
    r"--mode=evaluate --workdir=runs/dcgan-digits$": [
        "--features=pixels",
        "--metrics=frechet_distance",
        "--num_images=100",
    ],
    r"gan_jax\.compare ": [],
    r"gan_jax\.evaluate ": ["--metrics=kernel_distance"],
}


def _words(command):
    """The words of a command without variables of the environment; `launch/train.sh` passes its flags on."""
    plain = re.sub(r"^([A-Z_]+=\S+ )+", "", command)
    return shlex.split(re.sub(r"^launch/train.sh ", "python -m gan_jax.main ", plain))


def _module(command):
    words = _words(command)
    return words[2] if words[:2] == ["python", "-m"] else None


def _flags(command):
    """The flags of a command; words in capitals, which stand for numbers and names, are filled in."""
    filled = command.replace("configs/NAME.py", "configs/gan.py").replace("/NAME", "/gan")
    return _words(re.sub(r"STEPS|EVERY", "100", filled))[3:]


def _by_hand():
    """Commands of the table of tests/README.md, with their dates."""
    text = (ROOT / "tests" / "README.md").read_text()
    return dict(re.findall(r"^\| `([^`]+)` \| (\d{4}-\d{2}-\d{2}|not here) \|", text, re.M))


RUNNING = {
    command: small for command in EVERY for use, small in ON_THE_RUN.items() if re.search(use, command)
}
REACHING = [command for command in EVERY if _module(command) in TASKS and command not in RUNNING]
CHANGES = [command for command in EVERY if command.startswith("--config.")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the recipes, some photographs, samples, and two runs."""
    place = tmp_path_factory.mktemp("newcomer")
    (place / "configs").symlink_to(ROOT / "configs")
    (place / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 12, 8, 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(place / "photos" / f"{number}.png")
    np.savez(place / "samples.npz", images=pixels[::-1])
    (place / "tiny.py").write_text(command_line.CONFIG)
    (place / "my_package.py").write_text("def my_loss(fake_logits):\n    return -fake_logits\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        code, _, said = in_process.run("--config=tiny.py", "--config.steps=10", "--workdir=runs/dcgan-digits")
    assert code == 0, said
    shutil.copytree(place / "runs" / "dcgan-digits", place / "runs" / "slower")
    return place


@pytest.fixture
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("command", REACHING)
def test_a_command_reaches_its_task(command, there, monkeypatch):
    reached = []
    for task in TASKS[_module(command)]:
        monkeypatch.setattr(task, lambda *args, task=task, **given: reached.append(task))
    for lines in ("reports", "samples_as_data"):
        monkeypatch.setattr(f"gan_jax.evaluation.{lines}.shown", lambda *args, **given: "")
    monkeypatch.setattr("gan_jax.runtime.processes.joined", lambda **given: contextlib.nullcontext())
    code, _, said = in_process.run(*_flags(command), module=_module(command))
    assert code == 0 and len(reached) == 1, said


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_flags_reaches_training(change, there, monkeypatch):
    reached = []
    monkeypatch.setattr("gan_jax.training.train.run", lambda recipe, **given: reached.append(recipe))
    monkeypatch.syspath_prepend(".")
    given = ["--config=dcgan", "--config.losses.discriminator.r1=1.0", *shlex.split(change)]
    code, _, said = in_process.run(*given)
    assert code == 0 and len(reached) == 1, said


@pytest.mark.parametrize("command", RUNNING)
def test_a_command_on_a_run_runs(command, there):
    code, _, said = in_process.run(*_flags(command), *RUNNING[command], module=_module(command))
    assert code == 0, said


def test_all_others_were_run_by_hand():
    rest = {command for command in EVERY if command not in RUNNING and command not in REACHING}
    assert rest - set(CHANGES) == set(_by_hand())
