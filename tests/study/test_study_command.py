"""`python -m gan_jax.study`, run as a user runs it."""

import os
import subprocess
import sys

import pytest
from command_line import ROOT

STUDY = os.path.join(ROOT, "configs", "studies", "tricks_on_ring.py")

MISTAKES = {
    "no config": ([], "--config is missing; as in --config=configs/studies/tricks_on_ring.py"),
    "no such file": (["--config=nowhere.py"], "config file 'nowhere.py' does not exist"),
    "a recipe": (["--config=configs/gan.py"], "must return a gan_jax.study.Study, got Recipe"),
    "no such variant": (
        [f"--config={STUDY}", "--only=plane"],
        "variants: unknown name 'plane'; did you mean plain",
    ),
    "no such field": (
        [f"--config={STUDY}", "--config.base.stepz=3"],
        "recipe: unknown name 'stepz'; did you mean steps",
    ),
    "a wrong value": (
        [f"--config={STUDY}", "--config.base.batch_size=0"],
        "variant plain: batch_size=0: expected at least 1",
    ),
    "no seeds": ([f"--config={STUDY}", "--seeds=0"], "flag --seeds=0"),
}


def _run(*flags):
    return subprocess.run(
        [sys.executable, "-m", "gan_jax.study", *flags], cwd=ROOT, text=True, capture_output=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip


@pytest.mark.parametrize("flags, message", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(flags, message, tmp_path):
    done = _run(*flags, *([f"--output={tmp_path}/output"] if flags else []))
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ") and message in line
    assert not os.path.exists(tmp_path / "output")


def test_numbers_of_the_study_are_flags(tmp_path):
    small = [
        "--config.base.steps=4", "--config.base.eval_every=4", "--config.base.batch_size=8",
        "--config.base.data.size=100", "--config.base.eval_samples=50", "--seeds=1", "--only=instance_noise",
    ]  # fmt: skip
    done = _run(f"--config={STUDY}", *small, f"--output={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "| instance_noise | 1 |" in done.stderr and "steps: 5000" not in done.stderr
    page = (tmp_path / "index.html").read_text()
    # A variant that follows from another number follows it where that was changed.
    assert "game.augment.instance_noise.steps: &#x27;(absent)&#x27; -&gt; 4" in page
