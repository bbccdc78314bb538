"""A run finds every mistake and claims its workdir before it trains, and takes steps before its classifier does."""

import importlib
import os

import jax
import numpy as np
import pytest
import sources

from gan_jax import build, data, games, step
from gan_jax.checkpoints import checkpoint
from gan_jax.data import fingerprint
from gan_jax.data.source import of_arrays
from gan_jax.errors import UsageError
from gan_jax.runtime import lock
from gan_jax.training import report, setup, train

pytestmark = pytest.mark.usefixtures("without_curves")

# The package offers the function under the name of its module.
classifier_lib = importlib.import_module("gan_jax.features.classifier")


class _Fitted(Exception):
    """Ends a run where its classifier would be trained."""


def _evaluated(tiny, **changes):
    """A recipe whose evaluations need a classifier that is not in the cache."""
    return tiny(**{**dict(eval_every=5, eval_features="classifier", eval_samples=50), **changes})


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def not_fitted(monkeypatch):
    monkeypatch.setattr(
        classifier_lib, "fit", lambda *args, **options: pytest.fail("a classifier is trained")
    )


def test_a_classifier_is_trained_before_the_first_evaluation_and_no_step_waits_for_it(
    tiny, tmp_path, monkeypatch
):
    workdir, traces, train_step, fitted = str(tmp_path / "run"), [], step.train_step, []
    monkeypatch.setattr(step, "train_step", lambda *args: traces.append(1) or train_step(*args))

    def fit(source, *args, **options):
        fitted.append(source.name)
        # Five steps are taken and logged, and nobody else has the workdir.
        assert [record["step"] for record in report.read_metrics(os.path.join(workdir, report.METRICS))] == [
            5
        ]
        with pytest.raises(UsageError, match="is held by another run"), lock.held(workdir):
            pass
        raise _Fitted

    monkeypatch.setattr(classifier_lib, "fit", fit)
    with pytest.raises(_Fitted):
        train.run(_evaluated(tiny), workdir)
    assert (traces, fitted) == ([1], ["digits of scikit-learn, train"])
    # Killed there, the run has its checkpoint, and its next start makes up for the evaluation.
    assert checkpoint.steps(workdir) == [5] and checkpoint.is_without_cost(workdir, 5)


def test_preparation_trains_and_writes_nothing(tiny, tmp_path, not_fitted):
    prepared = setup.prepare(_evaluated(tiny), str(tmp_path / "run"))
    assert not os.path.exists(tmp_path / "run") and prepared.source.name == "digits of scikit-learn, train"


def test_data_that_changed_under_a_run_is_refused_or_accepted(tiny, tmp_path, monkeypatch, caplog):
    """Nothing is trained: a run's folder is its recipe and the description of its data."""

    def pets(classes, count):
        made = of_arrays("pets", np.zeros((count, 8, 8, 1), np.uint8), np.arange(count) % 2, classes)
        monkeypatch.setattr(data, "digits", lambda *, resolution=0: made)
        return made

    recipe, workdir = tiny(diagnostics_every=0), str(tmp_path)
    checkpoint.write_recipe(workdir, recipe, fingerprint.describe(pets(("cat", "dog"), 40)))
    setup.prepare(recipe, workdir)
    pets(("ant", "cat"), 20)
    with pytest.raises(UsageError) as error:
        setup.prepare(recipe, workdir)
    assert str(error.value) == (
        f"{workdir}: the data has changed since the run's last start (rows: 40 -> 20; class 0: cat -> ant); bring "
        "the old data back, give another --workdir, or go on with what there is now by --accept_changed_data"
    )
    assert not caplog.text
    setup.prepare(recipe, workdir, accept_changed_data=True)
    assert "(rows: 40 -> 20; class 0: cat -> ant), and the run goes on with it" in caplog.text


def _file_in_the_way(folder):
    (folder / "file").write_text("")
    return str(folder / "file" / "run")


def _the_file_itself(folder):
    (folder / "file").write_text("")
    return str(folder / "file")


@pytest.mark.parametrize(
    "place, reason",
    [
        (lambda folder: "/proc/nope/run", "No such file or directory"),
        (_file_in_the_way, "Not a directory"),
        (_the_file_itself, "Not a directory"),
    ],
    ids=["proc", "file in the way", "file"],
)
def test_a_workdir_that_cannot_be_written_is_one_line(tiny, tmp_path, not_fitted, place, reason):
    workdir = place(tmp_path)
    with pytest.raises(UsageError) as caught:
        train.run(_evaluated(tiny), workdir)
    assert str(caught.value) == f"folder {workdir} cannot be written: {reason}"


def test_a_workdir_of_a_running_run_is_one_line(tiny, tmp_path, not_fitted):
    with lock.held(str(tmp_path)), pytest.raises(UsageError, match="is held by another run: process"):
        train.run(_evaluated(tiny), str(tmp_path))


def cropped(nets, latents, augment):
    """A game whose samples, and only these, have half the height of the data."""
    game = games.gan(nets, latents, augment)
    return game._replace(sample=lambda *inputs: game.sample(*inputs)[:, :4])


def cropped_grid(nets, latents, augment):
    """A game whose grid has samples of half the height."""
    game = games.gan(nets, latents, augment)
    return game._replace(preview=lambda params, carry, batch, key: batch["real"][:, :4])


def _networks(**options):
    """Networks whose generator makes images of its own shape."""
    return dict(
        generator=dict(name="mlp.Generator", widths=(16,), **options),
        discriminator=dict(name="mlp.Discriminator", widths=(16,)),
    )


@pytest.mark.parametrize(
    "changes, shape",
    [
        (dict(game=dict(name=f"{__name__}.cropped", latents=dict(name="normal", size=4))), "[4, 8, 1]"),
        (dict(game=dict(name=f"{__name__}.cropped_grid", latents=dict(name="normal", size=4))), "[4, 8, 1]"),
        (dict(nets=_networks(resolution=4)), "[4, 4, 1]"),
        (dict(nets=_networks(resolution=(8, 12))), "[8, 12, 1]"),
        (dict(nets=_networks(channels=3)), "[8, 8, 3]"),
    ],
    ids=["samples", "grid", "small networks", "wide networks", "colour"],
)
def test_samples_of_another_shape_than_the_data_are_one_line(tiny, tmp_path, not_fitted, changes, shape):
    with pytest.raises(UsageError) as caught:
        setup.prepare(_evaluated(tiny, **changes), str(tmp_path / "run"))
    expected = f"the networks make samples {shape} uint8, but the data has [8, 8, 1] uint8"
    assert str(caught.value) == expected and not os.path.exists(tmp_path / "run")


def test_samples_of_another_shape_than_points(tiny, tmp_path):
    """Points are images of one pixel, but not every image is one."""
    recipe = tiny(data=dict(name="ring", size=100), nets=_networks(resolution=2))
    with pytest.raises(UsageError) as caught:
        setup.prepare(recipe, str(tmp_path / "run"))
    assert (
        str(caught.value) == "the networks make samples [2, 2, 2] float32, but the data has [1, 1, 2] float32"
    )


def refused(images):
    raise UsageError("these features refuse images")


def refused_loss(fake_logits):
    raise UsageError("this loss refuses logits")


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(eval_features=f"{__name__}.refused"), "these features refuse images"),
        (dict(eval_metrics=dict(captured_modes={})), "metric captured_modes needs 'fake_mode_distances'"),
        (
            dict(
                losses=dict(
                    discriminator=dict(non_saturating_discriminator=1.0), generator={refused_loss: 1.0}
                )
            ),
            "this loss refuses logits",
        ),
        (dict(data=dict(name="ring", flip=True)), "data.flip=True: points cannot be mirrored"),
        (
            dict(game=dict(name="gan", latents=dict(name="normal", size=4), condition_on=("source",))),
            "game.condition_on: the data does not have: unknown name 'source'",
        ),
    ],
    ids=["features", "metric", "step", "mirror", "condition"],
)
def test_mistakes_come_before_a_classifier_is_trained(tiny, tmp_path, not_fitted, changes, message):
    with pytest.raises(UsageError, match=message):
        train.run(_evaluated(tiny, **changes), str(tmp_path / "run"))
    assert not os.path.exists(tmp_path / "run")


def test_diagnostics_are_traced_on_one_slice_of_a_batch(tiny, tmp_path, monkeypatch):
    traced = []

    def look(train_spec, state, batch, key):
        traced.append({name: (array.shape, array.dtype) for name, array in batch.items()})
        raise UsageError("no diagnostics")

    monkeypatch.setattr(setup, "diagnostics", look)
    setup.prepare(tiny(diagnostics_every=0, batch_size=16, accumulate=2), str(tmp_path / "run"))
    assert not traced
    with pytest.raises(UsageError, match="no diagnostics"):
        setup.prepare(tiny(diagnostics_every=5, batch_size=16, accumulate=2), str(tmp_path / "run"))
    assert traced == [{"real": ((8, 8, 8, 1), np.float32), "label": ((8,), np.int32)}]


def test_conditions_that_are_data_reach_step_sampler_and_grid(tiny, tmp_path, monkeypatch):
    """Images of digits beside their `source`, the same upside down."""

    def paired(plain, **options):
        def read(rows):
            entries = plain.read(rows)
            return {**entries, "source": entries["real"][:, ::-1]}

        return plain._replace(spec={**plain.spec, "source": plain.spec["real"]}, read=read, **options)

    digits = data.digits(resolution=8)
    source = paired(digits, heldout=lambda: paired(digits.heldout()))
    monkeypatch.setattr(build, "source", lambda recipe, data_dir: source)
    shapes = []

    def watched(nets, latents, augment):
        game = games.gan(nets, latents, augment)

        def sample(params, carry, latents, batch, key):
            shapes.append({name: (array.shape, array.dtype) for name, array in batch.items()})
            return batch["source"]

        return game._replace(sample=sample, conditions=("source",))

    recipe = tiny(game=dict(name=watched, latents=dict(name="normal", size=4)))
    prepared = setup.prepare(recipe, str(tmp_path / "run"))
    # Decoded: the sampler's chunk.
    assert shapes[0] == {"source": ((64, 8, 8, 1), jax.numpy.float32)}
    state = jax.jit(build.start(prepared.whole.train_spec, prepared.whole.modality, 8))(jax.random.key(0))
    picture = prepared.preview(state, jax.random.key(1), 4)
    # The grid shows samples for the first held-out rows.
    expected = digits.heldout().read(np.arange(4))["real"][:, ::-1]
    # A pixel is a square of 8, so that people see it.
    tiles = [(row, column) for row in (2, 68) for column in (2, 68)]
    shown = np.stack([picture[row : row + 64 : 8, column : column + 64 : 8] for row, column in tiles])
    np.testing.assert_array_equal(shown, expected)


def test_the_modality_describes_blank_rows():
    """`blank` has the names, shapes and types of decoded rows."""
    modality = sources.modality(4, 6, channels=3, classes=2)
    blank = build.blank(modality, 2, 5)
    assert {name: (array.shape, array.dtype) for name, array in blank.items()} == {
        "real": ((2, 5, 4, 6, 3), np.float32),
        "label": ((2, 5), np.int32),
    }
