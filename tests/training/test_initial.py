"""A run that begins with the parameters of another one."""

import json
import shutil

import jax
import numpy as np
import pytest

import gan_jax
from gan_jax.errors import UsageError
from gan_jax.sampling import loading
from gan_jax.training import initial, train

STILL = dict(sgd=dict(learning_rate=0.0))


@pytest.fixture(scope="module")
def first(tiny, tmp_path_factory):
    """The workdir of a finished run, and its model."""
    workdir = str(tmp_path_factory.mktemp("first"))
    train.run(tiny(), workdir)
    return workdir, loading.load(workdir)


def _leaves(tree):
    return jax.tree.leaves(jax.device_get(tree))


def _wider(tiny, **changes):
    """Another discriminator, and optimizers that leave parameters as they are."""
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(16,)),
        discriminator=dict(name="mlp.Discriminator", widths=(17,), dropout=0.2),
    )
    return tiny(optimizer=STILL, nets=nets, steps=5, seed=3, **changes)


def test_what_agrees_is_taken_and_the_rest_is_new(tiny, first, tmp_path):
    workdir, before = first
    second = str(tmp_path / "second")
    train.run(_wider(tiny), second, init_from=initial.Origin(workdir))
    after = loading.load(second)
    for name in ("params", "average"):
        there, here = (getattr(model.state, name)["generator"] for model in (before, after))
        # The average of parameters that stand still comes nearer to them.
        closer = name == "average"
        for old, new, live in zip(_leaves(there), _leaves(here), _leaves(before.state.params["generator"])):
            if closer:
                assert np.all(np.abs(new - live) <= np.abs(old - live) + 1e-7)
            else:
                np.testing.assert_array_equal(new, old)
    record = json.loads((tmp_path / "second" / "recipe.json").read_text())["init_from"]
    assert (record["workdir"], record["step"]) == (workdir, 10)
    layers = [f"{layer}/{kind}" for layer in ("Dense_0", "Dense_1") for kind in ("bias", "kernel")]
    generator = {f"{kind}/generator/{name}" for kind in ("params", "average") for name in layers}
    assert generator <= set(record["taken"])
    # Of the discriminator only the last bias has a shape that does not depend on the width.
    of_discriminator = [path for path in record["taken"] if "discriminator" in path]
    assert len(of_discriminator) == 1 and of_discriminator[0].endswith("/bias")
    assert set(record["new"]) == set(record["unused"]) and len(record["new"]) == 3


def test_resuming_takes_nothing_again(tiny, first, tmp_path, caplog):
    origin = str(tmp_path / "origin")
    shutil.copytree(first[0], origin)
    workdir = str(tmp_path / "run")
    train.run(_wider(tiny), workdir, init_from=initial.Origin(origin))
    with pytest.raises(
        UsageError, match="init_from=elsewhere: the run in .* began with .*/origin and has checkpoints"
    ):
        train.run(_wider(tiny), workdir, init_from=initial.Origin("elsewhere"))
    shutil.rmtree(origin)
    longer = _wider(tiny)
    longer.steps = 6
    for origin_again in (initial.Origin(origin), None):
        caplog.clear()
        with caplog.at_level("INFO", "gan_jax"):
            train.run(longer, workdir, init_from=origin_again)
        assert "arrays of" not in caplog.text
        assert json.loads((tmp_path / "run" / "recipe.json").read_text())["init_from"]["workdir"] == origin
        longer.steps += 1


def test_a_run_that_has_not_begun_is_not_begun_otherwise(tiny, first, tmp_path):
    workdir = tmp_path / "run"
    train.run(_wider(tiny), str(workdir), init_from=initial.Origin(first[0]))
    shutil.rmtree(workdir / "checkpoints")
    with pytest.raises(UsageError, match="is to begin with the parameters of .* and has no checkpoint yet"):
        train.run(_wider(tiny), str(workdir))


def test_a_run_of_nothing_alike_is_refused(tiny, first):
    other = tiny(net="dcgan")
    other.data["resolution"] = 16
    with pytest.raises(UsageError, match="no parameter there has the name and the shape of one here"):
        train.prepare(other, "nowhere", init_from=initial.Origin(first[0]))


def test_code_of_another_workdir_is_not_run_unless_it_is_trusted(tiny, first, tmp_path):
    workdir = str(tmp_path / "foreign")
    shutil.copytree(first[0], workdir)
    path = tmp_path / "foreign" / "recipe.json"
    stored = json.loads(path.read_text())
    stored["recipe"]["losses"]["generator"] = {"sources.loss": 1.0}
    path.write_text(json.dumps(stored))
    with pytest.raises(UsageError, match="names code outside of gan_jax.*: sources.loss.*add --trust"):
        train.prepare(tiny(), "nowhere", init_from=initial.Origin(workdir))


def test_from_python(tiny, first, tmp_path):
    model = gan_jax.train(_wider(tiny), tmp_path / "run", init_from=gan_jax.load(first[0], step=5))
    five = loading.load(first[0], 5)
    for old, new in zip(
        _leaves(five.state.params["generator"]), _leaves(model.loaded.state.params["generator"])
    ):
        np.testing.assert_array_equal(new, old)
