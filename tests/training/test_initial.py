"""A run that begins with the parameters of another one."""

import json
import shutil

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax import api
from gan_jax.errors import UsageError
from gan_jax.sampling import loading
from gan_jax.training import initial, train
from gan_jax.types import Term

pytestmark = pytest.mark.usefixtures("without_curves")


def own_loss(fake_logits):
    return -fake_logits


STILL = dict(sgd=dict(learning_rate=0.0))


@pytest.fixture(scope="module")
def first(tiny, tmp_path_factory):
    """The workdir of a finished run, and its model."""
    workdir = str(tmp_path_factory.mktemp("first"))
    train.run(tiny(), workdir)
    return workdir, loading.load(workdir)


def _leaves(tree):
    return jax.tree.leaves(jax.device_get(tree))


def _record(workdir):
    with open(f"{workdir}/recipe.json") as file:
        return json.load(file)["init_from"]


def _wider(tiny, **changes):
    """Another discriminator, and optimizers that leave parameters as they are."""
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(16,)),
        discriminator=dict(name="mlp.Discriminator", widths=(17,), dropout=0.2),
    )
    return tiny(optimizer=STILL, nets=nets, steps=5, seed=3, **changes)


@pytest.fixture(scope="module")
def second(tiny, first, tmp_path_factory):
    """The workdir of a run that began with the first one's parameters."""
    workdir = str(tmp_path_factory.mktemp("second"))
    train.run(_wider(tiny), workdir, init_from=initial.Origin(first[0]))
    return workdir


def test_what_agrees_is_taken_and_the_rest_is_new(first, second):
    workdir, before = first
    after = loading.load(second)
    averages = [model.state.average["generator"] for model in (before, after)]
    live = [model.state.params["generator"] for model in (before, after)]
    for old, new in zip(*map(_leaves, live)):
        np.testing.assert_array_equal(new, old)
    # The average of parameters that stand still comes nearer to them, from where it was.
    for old, new, goal in zip(*map(_leaves, averages), _leaves(live[0])):
        assert np.all(np.abs(new - goal) <= np.abs(old - goal) + 1e-7)
    record = _record(second)
    assert (record["workdir"], record["step"]) == (workdir, 10)
    layers = [f"{layer}/{kind}" for layer in ("Dense_0", "Dense_1") for kind in ("bias", "kernel")]
    generator = {f"{kind}/generator/{name}" for kind in ("params", "average") for name in layers}
    assert generator <= set(record["taken"])
    # Of the discriminator only the last bias has a shape that does not depend on the width.
    of_discriminator = [path for path in record["taken"] if "discriminator" in path]
    assert len(of_discriminator) == 1 and of_discriminator[0].endswith("/bias")
    assert record["new"] == record["unused"] == [] and len(record["other_shapes"]) == 3
    hidden = record["other_shapes"]["params/discriminator/Dense_0/kernel"]
    assert hidden == "float32[64, 16] there, float32[64, 17] here"


def test_the_log_says_what_became_of_each_layer(first, second):
    record = _record(second)
    here = initial.Initial({"params": np.zeros(1)}, record)
    head, *table = initial.lines(here)
    assert head == f"begins    with {len(record['taken'])} arrays of {first[0]}, step 10; 3 of other shapes"
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in table}
    assert rows["generator/Dense_0"] == rows["generator/Dense_1"] == "taken"
    shapes = "another shape, float32[16, 1] there, float32[17, 1] here"
    assert rows["discriminator/Dense_1"] in (f"bias taken, kernel {shapes}", f"kernel {shapes}, bias taken")
    # Those that were not taken whole come first.
    assert list(rows)[:2] == ["discriminator/Dense_0", "discriminator/Dense_1"]
    many = {**record, "new": [f"params/generator/Conv_{number}/kernel" for number in range(40)]}
    assert (
        initial.lines(here._replace(record=many))[-1].strip() == "... 14 more layers: all is in recipe.json"
    )


class Convolutions(nn.Module):
    """Convolutions from images to features to images."""

    channels: int

    @nn.compact
    def __call__(self, images):
        features = nn.Conv(4, (3, 3), bias_init=nn.initializers.normal())(images)
        return features, nn.Conv(self.channels, (3, 3), bias_init=nn.initializers.normal())(features)


def test_between_grey_and_colours_networks_do_what_they_did():
    grey_images = jax.random.normal(jax.random.key(0), (2, 5, 5, 1))
    images = {1: grey_images, 3: jnp.repeat(grey_images, 3, axis=-1)}
    params = {c: Convolutions(c).init(jax.random.key(c), images[c])["params"] for c in (1, 3)}
    for there, here in ((1, 3), (3, 1)):
        old, new = (flatten_dict(params[c], sep="/") for c in (there, here))
        alike = {path for path in old if old[path].shape == new[path].shape}
        assert alike == {"Conv_0/bias"}
        arrays = {path: old[path] if path in alike else initial.recoloured(path, old, new) for path in old}
        taken = unflatten_dict(arrays, sep="/")
        ours = Convolutions(here).apply({"params": taken}, images[here])
        theirs = Convolutions(there).apply({"params": params[there]}, images[there])
        np.testing.assert_allclose(ours[0], theirs[0], atol=1e-5)
        expected = (
            np.mean(theirs[1], axis=-1, keepdims=True) if here == 1 else np.repeat(theirs[1], 3, axis=-1)
        )
        np.testing.assert_allclose(ours[1], expected, atol=1e-5)


def test_other_differences_than_between_grey_and_colours_are_other_shapes():
    def of(kernel, bias):
        return {"a/kernel": np.ones(kernel, np.float32), "a/bias": np.ones(bias, np.float32)}

    for there, here in [
        (of((3, 3, 1, 8), 8), of((5, 5, 3, 8), 8)),
        (of((3, 3, 2, 8), 8), of((3, 3, 3, 8), 8)),
        (of((8, 1), 1), of((8, 3), 3)),
    ]:
        assert initial.recoloured("a/kernel", there, here) is None
        assert initial.recoloured("a/bias", there, here) is None
    assert initial.recoloured("a/scale", {"a/scale": np.ones(1)}, {"a/scale": np.ones(3)}) is None


@pytest.mark.parametrize("again", [True, False])
def test_resuming_takes_nothing_again(tiny, first, second, tmp_path, monkeypatch, caplog, again):
    workdir, longer = str(tmp_path / "run"), _wider(tiny)
    longer.steps = 6
    shutil.copytree(second, workdir)
    monkeypatch.setattr(loading, "load", lambda *given, **options: pytest.fail("parameters are taken again"))
    with caplog.at_level("INFO", "gan_jax"):
        assert train.run(longer, workdir, init_from=initial.Origin(first[0]) if again else None) == 6
    assert "begins " not in caplog.text and _record(workdir) == _record(second)


def test_a_run_that_began_otherwise_is_refused(first, second, tmp_path):
    state = first[1].state
    with pytest.raises(
        UsageError, match="init_from=nowhere: the run in .* began with .* and has checkpoints"
    ):
        initial.found(initial.Origin("nowhere"), second, state)
    with pytest.raises(UsageError, match="the run in .* began with random parameters and has checkpoints"):
        initial.found(initial.Origin(second), first[0], state)
    workdir = tmp_path / "run"
    shutil.copytree(second, workdir)
    shutil.rmtree(workdir / "checkpoints")
    with pytest.raises(UsageError, match="is to begin with the parameters of .* and has no checkpoint yet"):
        initial.found(None, str(workdir), state)


def test_a_run_of_nothing_alike_is_refused(first):
    larger = jax.tree.map(lambda leaf: np.zeros((*leaf.shape, 2), leaf.dtype), first[1].state)
    with pytest.raises(UsageError, match="no parameter there has the name and the shape of one here"):
        initial.found(initial.Origin(first[0]), "nowhere", larger)


def test_code_of_another_workdir_is_not_run_unless_it_is_trusted(first, tmp_path):
    workdir = str(tmp_path / "foreign")
    shutil.copytree(first[0], workdir)
    path = tmp_path / "foreign" / "recipe.json"
    stored = json.loads(path.read_text())
    stored["recipe"]["losses"]["generator"] = {"test_initial.own_loss": 1.0}
    path.write_text(json.dumps(stored))
    with pytest.raises(
        UsageError, match="names code outside of gan_jax.*: test_initial.own_loss; .*add --trust"
    ):
        initial.found(initial.Origin(workdir), "nowhere", first[1].state)
    trusted = initial.found(initial.Origin(workdir, trust=True), "nowhere", first[1].state)
    assert trusted.record["new"] == trusted.record["unused"] == [] and not trusted.record["other_shapes"]


def test_from_python(first, monkeypatch, tiny):
    """The model's checkpoint is the one that is taken."""
    given = []
    monkeypatch.setattr(train, "run", lambda *args, **options: given.append(options["init_from"]))
    monkeypatch.setattr(api, "load", lambda *args, **options: None)
    api.train(tiny(), "nowhere", init_from=api.Model(loading.load(first[0], 5)))
    assert given == [initial.Origin(first[0], 5, False)]


def test_random_parameters_where_the_discriminator_waits_for_better_ones_are_advised_against(
    tiny, first, tmp_path, caplog
):
    """Once, at the start; not of a run that begins elsewhere, nor of a weight that waits for a first stage."""

    def lines(weight, fn=own_loss, record=None):
        return initial.advice({"generator": {"own": Term(fn, weight)}}, initial.Initial({}, record))

    growing = optax.linear_schedule(0.0, 1.0, 500)
    (line,) = lines(growing)
    assert line.startswith("losses.generator.own: the weight grows from 0") and "--init_from=" in line
    assert not lines(growing, record={"workdir": "runs/first"})
    assert not lines(1.0) and not lines(optax.linear_schedule(1.0, 0.0, 500))
    assert not lines(optax.linear_schedule(0.0, 1.0, 500, transition_begin=1_000))
    assert not lines(growing, fn=lambda prediction, target: prediction)

    weight = dict(linear_schedule=dict(init_value=0.0, end_value=1.0, transition_steps=9))
    recipe = tiny(steps=1)
    recipe.losses["generator"] = dict(non_saturating_generator=dict(weight=weight))
    for origin, said in ((None, 1), (initial.Origin(first[0]), 0)):
        caplog.clear()
        train.run(recipe, str(tmp_path / f"run{said}"), init_from=origin)
        assert caplog.text.count("the weight grows from 0") == said
    recipe.steps = 2
    train.run(recipe, str(tmp_path / "run1"))
    assert caplog.text.count("the weight grows from 0") == 0
