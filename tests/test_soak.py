"""A run on MNIST that is interrupted again and again ends as one that never was; damages to what it saved.

Some ten minutes on 2 busy cores: `launch/test.sh -m slow tests/test_soak.py -rP` also says how it went.
"""

import collections
import itertools
import json
import os
import re
import shutil
import signal
import time

import command_line
import damages
import jax
import numpy as np
import pytest

from gan_jax import build
from gan_jax.checkpoints import checkpoint
from gan_jax.runtime import parallel
from gan_jax.sampling import loading
from gan_jax.training import report, rollback

MNIST = os.path.join(command_line.ROOT, "..", "shared", "tfds")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir(MNIST), reason="no prepared TFDS data beside the checkout"),
]

# Everything that a run does, often. A line a step: a stop in the middle of a longer stretch has its own line.
CONFIG = """
from gan_jax.recipe import Recipe

def get_config(data="mnist"):
    adam = dict(adam=dict(learning_rate=1e-3, b1=0.5))
    return Recipe(
        data=dict(name=data, split="train[:2000]"),
        game=dict(name="gan", latents=dict(name="normal", size=16)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=4),
            discriminator=dict(name="dcgan.Discriminator", width=4),
        ),
        losses=dict(
            discriminator=LOSSES, generator=dict(non_saturating_generator=1.0),
        ),
        optimizers=dict(discriminator=adam, generator=dict(adam)),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=1000.0)),
        batch_size=32, steps=STEPS, log_every=1, grid_every=30, grid_size=16, checkpoint_every=25,
        diagnostics_every=20, eval_every=60, eval_features="pixels", eval_samples=200, max_rollbacks=50,
    )
"""
PLAIN = dict(non_saturating_discriminator=1.0)
DIVERGING = {"tests.unlucky.unlucky": dict(weight=1.0, steps=(130, 310), shares=(0.75, 0.75)), **PLAIN}
# By name of the run: its losses, its steps, how often it is interrupted at least, and by what. One that rolls
# back is killed only: it may go back to what SIGTERM saved, where the undisturbed one has no checkpoint.
RUNS = {
    "plain": (PLAIN, 1500, 48, (signal.SIGKILL, signal.SIGTERM)),
    "diverging": (DIVERGING, 500, 10, (signal.SIGKILL,)),
}


@pytest.fixture(scope="module", params=RUNS)
def soaked(request, tmp_path_factory):
    """A run's name, the workdirs of the undisturbed and of the interrupted one, and what happened to that."""
    name, folder = request.param, tmp_path_factory.mktemp("soak")
    losses, steps, least, kinds = RUNS[name]
    (folder / "soak.py").write_text(CONFIG.replace("LOSSES", repr(losses)).replace("STEPS", str(steps)))
    whole, broken = (_flags(folder, workdir) for workdir in ("whole", "broken"))
    assert _finished(whole) == "" and os.path.isdir(folder / "whole")
    happened = _interrupted_often(broken, folder / "broken", steps, least, kinds)
    assert _finished(broken) == ""
    return name, folder / "whole", folder / "broken", happened


def _flags(folder, workdir):
    return [f"--config={folder}/soak.py", f"--workdir={folder}/{workdir}", f"--data_dir={MNIST}"]


def _finished(flags):
    """Runs to the end; what it said if that failed."""
    code, _, err = command_line.finish(command_line.start(*flags))
    return err if code else ""


def _interrupted_often(flags, workdir, steps, least, kinds):
    """Interrupts a run, every third time before its first step; how often what happened."""
    random, happened = np.random.default_rng(0), collections.Counter()
    moments = iter(np.sort(random.integers(1, int(0.9 * steps), least - least // 3)))
    for number, kind in zip(itertools.count(), itertools.cycle(kinds)):
        moment = 0 if number % 3 == 0 else next(moments, None)
        if moment is None:
            return happened
        process = command_line.start(*flags)
        if moment:
            _wait_for(process, moment)
            time.sleep(random.uniform(0.0, 0.3))
        else:
            time.sleep(random.uniform(0.0, 6.0))
        running = process.poll() is None
        process.send_signal(kind)
        code, _, err = command_line.finish(process)
        assert running and code in (-kind, 0) and "Traceback" not in err, (code, err)
        happened[f"{kind.name} {'in training' if moment else 'at the start'}"] += 1
        happened["checkpoints half written"] += _half_written(workdir)


def _wait_for(process, moment):
    """Reads what a run says until it has played so many steps."""
    for line in process.stderr:
        played = re.match(r"step (\d+)/", line)
        if played and int(played[1]) >= moment:
            return


def _half_written(workdir):
    folder = workdir / "checkpoints"
    return folder.is_dir() and any("orbax-checkpoint-tmp" in name for name in os.listdir(folder))


def _records(workdir, file, without):
    """What a run wrote in a file, but for what may differ."""
    kept = [json.loads(line) for line in (workdir / file).read_text().splitlines()]
    return [{name: value for name, value in record.items() if name not in without} for record in kept]


def _grids(workdir):
    return {path.name: path.read_bytes() for path in (workdir / "grids").iterdir()}


def test_nothing_is_lost_and_nothing_is_wrong(soaked, monkeypatch):
    monkeypatch.syspath_prepend(command_line.ROOT)
    name, whole, broken, happened = soaked
    _, steps, least, _ = RUNS[name]
    print(name, dict(happened), "rollbacks:", [each["step"] for each in rollback.read(str(whole))])
    assert sum(count for what, count in happened.items() if what.startswith("SIG")) >= least
    states = [loading.load(str(workdir), steps).state for workdir in (whole, broken)]
    assert int(states[0].step) == steps and damages.equal(*states)
    for file, without in (
        ("metrics.jsonl", ("samples_per_second",)),
        ("alerts.jsonl", ("lines",)),  # What has lasted for long is counted anew at every start.
        (report.EVALUATIONS, ()),
    ):
        records = [_records(workdir, file, without) for workdir in (whole, broken)]
        assert records[0] == records[1] and len(records[0]) >= steps // 60
    assert _grids(whole) == _grids(broken) and len(_grids(whole)) >= steps // 30
    assert rollback.read(str(whole)) == rollback.read(str(broken))
    assert bool(rollback.read(str(whole))) == (name == "diverging")


def test_every_damage_is_noticed_or_does_no_harm(soaked, monkeypatch, tmp_path, caplog):
    monkeypatch.syspath_prepend(command_line.ROOT)
    workdir = soaked[2]
    states = {step: loading.load(str(workdir), step).state for step in checkpoint.steps(str(workdir))}
    newest, abstract = workdir / "checkpoints" / str(max(states)), _abstract(workdir)
    random, verdicts = np.random.default_rng(1), collections.Counter()
    for number in range(6):
        for damage in (damages.truncated, damages.emptied, damages.deleted, damages.flipped):
            copy, path = tmp_path / "copy", random.choice(damages.files(newest))
            shutil.copytree(workdir, copy)
            damage(copy / os.path.relpath(path, workdir), number)
            detected = damages.noticed(str(copy), abstract, states, caplog)
            verdicts[f"{damage.__name__}, {'noticed' if detected else 'without harm'}"] += 1
            shutil.rmtree(copy)
    print(dict(verdicts))
    assert sum(verdicts.values()) == 24
    assert {what.split(",")[0] for what in verdicts if what.endswith("noticed")} >= {"truncated", "emptied"}


def _abstract(workdir):
    """The shapes of a run's state, on one device."""
    model = loading.load(str(workdir))
    start = build.start(model.train_spec, model.modality, model.recipe.batch_size)
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return parallel.abstract(start, jax.random.key(0), here)
