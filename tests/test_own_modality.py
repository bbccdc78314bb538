"""The seam: a modality, a data set and networks of one's own take the whole road without a change to the package.

One-dimensional float signals of 64 samples with two named conditions, an amplitude and an envelope, and without
labels: trained, resumed bit for bit, sampled, previewed, diagnosed and evaluated.
"""

import json
import os

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import gan_jax
from gan_jax.data.source import Source, row
from gan_jax.errors import UsageError
from gan_jax.evaluation import reports
from gan_jax.sampling import loading, samples
from gan_jax.training import setup, train
from gan_jax.types import Modality

pytestmark = pytest.mark.usefixtures("without_curves")

LENGTH = 64
CONDITIONS = ("amplitude", "envelope")


def signals(spec, facts):
    """Signals [T], float32 as networks see them; the preview draws one line of pixels per signal."""

    def preview(rows, behind, columns=0):
        return np.uint8(np.clip(rows, -1, 1) * 127 + 128)[..., None]

    def save(stem, rows):
        np.savetxt(f"{stem}.csv", rows, delimiter=",")
        return (".csv",)

    return Modality(
        spec=spec,
        facts={"length": spec["real"].shape[0]},
        unit="signals",
        decode=lambda batch: batch,
        encode=lambda made: made,
        preview=preview,
        save=save,
    )


def sines(*, size: int = 96, split: str = "train"):
    """Sines of random phase under an envelope, times an amplitude."""
    random = np.random.default_rng([size, split == "train"])
    envelopes = random.uniform(0.5, 1.0, (size, 1)) * np.hanning(LENGTH)
    amplitudes = random.uniform(0.2, 1.0, (size, 1))
    phases = random.uniform(0, 2 * np.pi, (size, 1))
    waves = np.sin(phases + np.linspace(0, 8 * np.pi, LENGTH)) * envelopes * amplitudes
    arrays = {"real": waves, "amplitude": amplitudes, "envelope": envelopes}
    arrays = {name: np.float32(array) for name, array in arrays.items()}
    return Source(
        name=f"sines, {split}",
        size=size,
        spec={name: row(array.shape[1:], array.dtype) for name, array in arrays.items()},
        facts={"modality": f"{__name__}.signals", "sample_rate": 8_000},
        read=lambda rows: {name: array[rows] for name, array in arrays.items()},
        heldout=lambda: sines(size=size, split="test") if split == "train" else None,
    )


class Generator(nn.Module):
    """Latents and conditions to signals."""

    length: int

    @nn.compact
    def __call__(self, latents, amplitude, envelope, *, train):
        x = nn.relu(nn.Dense(16)(jnp.concatenate([latents, amplitude, envelope], axis=-1)))
        return amplitude * envelope * jnp.tanh(nn.Dense(self.length)(x))


class Discriminator(nn.Module):
    """Signals and conditions to logits."""

    sample_rate: int

    @nn.compact
    def __call__(self, x, amplitude, envelope, *, train):
        del self.sample_rate
        x = nn.relu(nn.Dense(16)(jnp.concatenate([x, amplitude, envelope], axis=-1)))
        return {"logits": nn.Dense(1)(x)[..., 0]}


def spectrum(x):
    """Features of signals: magnitudes of the lowest frequencies."""
    return jnp.abs(jnp.fft.rfft(x))[:, :8]


@pytest.fixture(scope="module")
def recipe(tiny):
    return lambda **changes: tiny(
        **{
            **dict(
                data=dict(name=f"{__name__}.sines"),
                game=dict(name="gan", latents=dict(name="normal", size=4), condition_on=CONDITIONS),
                nets=dict(
                    generator=dict(name=f"{__name__}.Generator"),
                    discriminator=dict(name=f"{__name__}.Discriminator"),
                ),
                steps=4, checkpoint_every=2, log_every=2, grid_every=4, diagnostics_every=2,
                eval_every=4, eval_features=f"{__name__}.spectrum", eval_samples=50,
            ),
            **changes,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def workdir(recipe, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("signals"))
    train.run(recipe(), folder)
    return folder


def _records(workdir, name):
    with open(os.path.join(workdir, name)) as file:
        return [json.loads(line) for line in file]


def test_trains_previews_diagnoses_and_evaluates(workdir):
    metrics = _records(workdir, "metrics.jsonl")
    assert [record["step"] for record in metrics] == [2, 4]
    assert Image.open(os.path.join(workdir, "grids", "step_0000004.png")).size == (LENGTH, 4)
    numbers = _records(workdir, "alerts.jsonl")
    assert [record["step"] for record in numbers] == [2, 4] and numbers[0]["game"]["diversity"] > 0
    (evaluation,) = _records(workdir, "evaluations.jsonl")
    distance = evaluation["values"]["frechet_distance"]
    assert distance["value"] > distance["real_baseline"] > 0
    assert evaluation["protocol"]["shape"] == [LENGTH] and "50 signals" in evaluation["protocol"]["generated"]


def test_resumes_bit_for_bit(recipe, workdir, tmp_path):
    for steps in (2, 4):
        train.run(recipe(steps=steps), str(tmp_path))
    whole, parts = (loading.load(folder, trust=True).state for folder in (workdir, str(tmp_path)))
    jax.tree.map(np.testing.assert_array_equal, whole, parts)


def test_samples_have_the_conditions_of_real_rows(workdir):
    stored = np.load(samples.run(workdir, num_images=3, trust=True))
    assert sorted(stored) == ["amplitude", "envelope", "signals"] and stored["signals"].shape == (3, LENGTH)
    first = sines(split="test").read(np.arange(3))
    for name in CONDITIONS:
        np.testing.assert_array_equal(stored[name], first[name])
    (table,) = [name for name in os.listdir(os.path.join(workdir, "samples")) if name.endswith(".csv")]
    np.testing.assert_allclose(
        np.loadtxt(os.path.join(workdir, "samples", table), delimiter=","), stored["signals"], rtol=1e-6
    )


def test_samples_obey_conditions_given_from_python(workdir):
    """The network multiplies by both conditions, so their effect is known exactly."""
    model = gan_jax.load(workdir, trust=True)
    given = {"amplitude": np.zeros((2, 1), np.float32), "envelope": np.ones((2, LENGTH), np.float32)}
    np.testing.assert_array_equal(model.sample(2, conditions=given), np.zeros((2, LENGTH), np.float32))
    given["amplitude"][1] = 1.0
    loud = model.sample(2, conditions=given)
    assert np.all(loud[0] == 0) and np.abs(loud[1]).max() > 0
    # The generator is the same function, of the latents that the sampler draws.
    latents = model.latents(samples.CHUNK, seed=0)
    assert latents.shape == (samples.CHUNK, 4)
    with pytest.raises(UsageError, match="conditions: 'envelope' is missing"):
        model.sample(2, conditions={"amplitude": given["amplitude"]})


def test_evaluation_pairs_samples_with_conditions_of_held_out_rows(workdir):
    (record,) = reports.of_workdir(
        workdir, trust=True, metrics=["frechet_distance", "memorisation"], features_name=f"{__name__}.spectrum",
        num_images=40, step=4,
    ).values()  # fmt: skip
    assert record["protocol"]["real_baseline"].startswith("40 signals: sines, test")
    assert record["values"]["frechet_distance"]["value"] > 0


def test_mistakes_are_found_before_anything_is_written(recipe, tmp_path):
    folder = str(tmp_path / "run")
    cases = [
        (dict(data=dict(name=f"{__name__}.sines", flip=True)), "data.flip=True: signals cannot be mirrored"),
        (dict(eval_features="classifier", eval_metrics=dict(modes={})), None),
        (
            dict(
                game=dict(name="gan", latents=dict(name="normal", size=4), condition_on=("pitch", "envelope"))
            ),
            "game.condition_on: the data does not have: unknown name 'pitch'",
        ),
        (dict(eval_metrics=dict(modes={})), "metric modes needs 'fake_label_logits', which is not available"),
    ]
    for changes, message in cases:
        if message is None:  # No evaluation is possible, so none takes place.
            setup.prepare(recipe(**changes), folder)
            continue
        with pytest.raises(UsageError, match=message):
            train.run(recipe(**changes), folder)
    assert not os.path.exists(folder)
