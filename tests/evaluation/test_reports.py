"""Evaluating workdirs and any two sets, with everything a value needs to be had again."""

import json
import os

import in_process
import jax
import numpy as np
import pytest
import sources
from PIL import Image

import gan_jax
from gan_jax import build, data
from gan_jax import metrics as metrics_lib
from gan_jax.data.source import of_arrays
from gan_jax.errors import UsageError
from gan_jax.evaluation import probes, reports
from gan_jax.evaluation.evaluator import Evaluator
from gan_jax.features.types import Features
from gan_jax.latents import linear, spherical
from gan_jax.sampling import loading, samples
from gan_jax.training import train

pytestmark = pytest.mark.usefixtures("without_curves")


def quarters(images):
    """Features of digits of 8 pixels: mean of each quarter; a user's function."""
    return images.reshape(len(images), 2, 4, 2, 4, 1).mean((2, 4)).reshape(len(images), 4)


MINE = f"{__name__}.quarters"


def _at(source, rows):
    return np.asarray(quarters(source.read(rows)["real"] / np.float32(127.5) - 1), np.float64)


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(tiny(eval_every=5, eval_features=MINE, eval_samples=100), folder)
    return folder


def test_workdir_value_is_that_of_its_samples(workdir):
    records = reports.of_workdir(
        workdir, metrics=["frechet_distance"], features_name=MINE, num_images=120, seed=3, step=10
    )
    images = np.load(samples.run(workdir, num_images=120, sample_seed=3, step=10))["images"]
    train_set = data.digits(resolution=8)
    real = _at(train_set, np.arange(1297))
    expected = metrics_lib.frechet_distance(real, _at(sources.of_arrays(images), np.arange(120)))
    value = records[10]["values"]["frechet_distance"]
    assert value["value"] == pytest.approx(expected["frechet_distance"], rel=1e-5)
    drawn = np.random.default_rng([3, 500]).permutation(500)[:120]
    expected = metrics_lib.frechet_distance(real, _at(train_set.heldout(), drawn))
    assert value["real_baseline"] == pytest.approx(expected["frechet_distance"], rel=1e-5)
    table = reports.shown(records, "step").splitlines()
    assert table[-1].split()[0] == "frechet_distance"
    np.testing.assert_allclose(
        [float(cell) for cell in table[-1].split()[1:]], list(value.values()), rtol=1e-4
    )


def test_features_are_those_of_the_recipe_which_must_be_trusted(workdir):
    options = dict(metrics=["frechet_distance"], num_images=120, step=10)
    with pytest.raises(UsageError, match="code outside of gan_jax, which would run: if you trust it, add --trust"):
        reports.of_workdir(workdir, **options)
    (own, named) = (
        reports.of_workdir(workdir, **options, **given)[10]["values"]
        for given in (dict(trust=True), dict(features_name=MINE))
    )
    assert own == named


def test_written_with_its_protocol(workdir):
    (path,) = [
        reports.of_workdir(
            workdir, metrics=["precision_recall"], features_name=MINE, num_images=50, step="10"
        )
        and os.path.join(workdir, "evaluations", f"step_0000010_seed_0_50_images_averaged_{MINE}.json")
    ]
    with open(path) as file:
        written = json.load(file)
    assert set(written["values"]) == {"precision", "recall"}
    protocol = written["protocol"]
    assert protocol["generated"] == f"50 images: step 10 of {workdir}"
    assert protocol["reference"] == "1297 images: digits of scikit-learn, train"
    assert protocol["real_baseline"] == "50 images: digits of scikit-learn, test"
    assert protocol["features"] == {"name": MINE, "size": 4, "weights": "inside the function"}
    versions = protocol["versions"]
    assert set(versions) == {"gan_jax", "jax", "flax", "numpy", "python", "device"}
    assert versions["gan_jax"] == gan_jax.__version__ and versions["jax"] == jax.__version__
    assert protocol["parameters"] == "averaged"
    assert (protocol["step"], protocol["seed"], protocol["training_seed"]) == (10, 0, 0)
    assert protocol["shape"] == [8, 8, 1] and protocol["batch_norm"] == "none"


def test_without_a_step_the_best_and_the_newest(workdir):
    with open(os.path.join(workdir, "evaluations.jsonl")) as file:
        seen = {r["step"]: r["values"]["frechet_distance"]["value"] for r in map(json.loads, file)}
    assert list(seen) == [5, 10]
    options = dict(metrics=["frechet_distance"], features_name=MINE, num_images=100)
    best = min(seen, key=seen.get)
    assert list(reports.of_workdir(workdir, **options)) == sorted({best, 10})
    assert list(reports.of_workdir(workdir, step="best", **options)) == [best]
    every = reports.of_workdir(workdir, all_steps=True, **options)
    # What training saw is what an evaluation of the same protocol sees.
    for step, record in every.items():
        assert record["values"]["frechet_distance"]["value"] == pytest.approx(seen[step], rel=1e-5)


def test_a_sweep_of_truncations_is_a_record_each(workdir):
    options = dict(metrics=["frechet_distance"], features_name=MINE, num_images=50, step=10)
    records = reports.of_workdir(workdir, truncations=(np.inf, 0.5), **options)
    assert list(records) == ["10 at inf", "10 at 0.5"]
    whole, truncated = records.values()
    assert "truncation" not in whole["protocol"] and truncated["protocol"]["truncation"] == 0.5
    assert whole["values"] == reports.of_workdir(workdir, **options)[10]["values"] != truncated["values"]
    stem = os.path.join(workdir, "evaluations", "step_0000010_seed_0_50_images_averaged")
    with open(f"{stem}_truncation_0.5_{MINE}.json") as file:
        assert json.load(file)["values"] == truncated["values"]
    table = reports.shown(records, "step")
    assert "step 10 at inf step 10 at 0.5 real baseline" in " ".join(table.split())
    assert "truncation  " not in table
    for mistake, message in [
        (dict(truncations=(0.5, -1.0)), "^truncation=-1: expected a number above 0$"),
        (dict(standing=4), "^standing=1: the generator of .* has no batch norm$"),
    ]:
        with pytest.raises(UsageError, match=message):
            reports.of_workdir(workdir, **options, **mistake)


def test_everything_that_a_model_offers(workdir):
    metrics = {
        "perceptual_path_length": {},
        "discriminator_overfitting": {},
        "memorisation": {},
        "power_spectrum_distance": {},
    }
    (record,) = reports.of_workdir(
        workdir, metrics=metrics, features_name=MINE, num_images=60, step=10
    ).values()
    values = record["values"]
    assert (
        values["perceptual_path_length"]["value"] > 0
        and "real_baseline" not in values["perceptual_path_length"]
    )
    assert np.isfinite(values["discriminator_overfitting"]["value"])
    assert (
        "real_baseline" in values["power_spectrum_distance"]
        and "real_baseline" not in values["closer_than_heldout"]
    )


def test_logits_are_those_of_the_discriminator(workdir):
    """Against the discriminator applied by hand; without dropout and augmentation there is nothing random."""
    model = loading.load(workdir)
    params, carry = model.state.params, model.state.carry
    source = data.digits(resolution=8)
    rows = source.read(np.arange(20))
    logits = probes.logits(model, rows)
    images = rows["real"] / np.float32(127.5) - 1
    size = model.recipe.batch_size
    assert logits["real_logits"].shape == (size * (20 // size),) == logits["fake_logits"].shape
    # Dropout of 0.2 moves a logit; over the weights' order the two must still go together.
    layers = params["discriminator"]
    hidden = images.reshape(20, -1) @ layers["Dense_0"]["kernel"] + layers["Dense_0"]["bias"]
    hidden = np.where(hidden > 0, hidden, 0.01 * hidden)
    plain = (hidden @ layers["Dense_1"]["kernel"] + layers["Dense_1"]["bias"])[:, 0]
    assert np.corrcoef(plain[: len(logits["real_logits"])], logits["real_logits"])[0, 1] > 0.7
    assert carry is model.state.carry


@pytest.mark.parametrize("name, path", [("uniform", linear), ("normal", spherical)])
def test_paths_suit_the_latents(workdir, name, path):
    model = loading.load(workdir)
    model.recipe.game["latents"]["name"] = name
    pixels = Features("pixels", (), lambda _, x: {"features": x.reshape(len(x), -1)}, {})
    evaluator = Evaluator(data.digits(resolution=8), None, pixels)
    assert probes.of(model, evaluator, averaged=True, seed=0)["interpolate"]() is path


def test_conditional_models_are_asked_for_the_datas_labels(tiny, tmp_path):
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    train.run(tiny(game=game), str(tmp_path))
    options = dict(metrics=["intra_class_frechet_distance"], features_name=MINE, num_images=200)
    (record,) = reports.of_workdir(str(tmp_path), **options).values()
    model = loading.load(str(tmp_path))
    evaluator = Evaluator(
        data.digits(resolution=8), None, Features("mine", (), lambda _, x: {"features": quarters(x)}, {})
    )
    conditions = evaluator.conditions(("label",), 200)
    labels = conditions(np.arange(200))["label"]
    sample = samples.sampler(model.game, model.modality)
    images = sample(model.state, jax.random.key(0), np.arange(200), conditions)
    real = evaluator.real.source.read(np.arange(1297))
    expected = metrics_lib.intra_class_frechet_distance(
        _at(evaluator.real.source, np.arange(1297)),
        _at(sources.of_arrays(images), np.arange(200)),
        real["label"],
        labels,
    )
    found = record["values"]["intra_class_frechet_distance"]["value"]
    assert found == pytest.approx(expected["intra_class_frechet_distance"], rel=1e-5)


def test_two_sets_without_a_model(tmp_path, capsys):
    real, fake = sources.noise(90, seed=1), sources.noise(60, seed=2)
    record = reports.of_sets(
        fake, real, metrics=["frechet_distance", "sliced_wasserstein"], features_name=MINE
    )
    expected = metrics_lib.frechet_distance(_at(real, np.arange(90)), _at(fake, np.arange(60)))
    assert record["values"]["frechet_distance"]["value"] == pytest.approx(
        expected["frechet_distance"], rel=1e-5
    )
    path = str(tmp_path / "result.json")
    reports.write(path, record)
    with open(path) as file:
        assert json.load(file) == record
    reason = "no rows of arrays are held out, so there is no honest baseline"
    assert record["protocol"]["real_baseline"] == f"none: {reason}"
    assert "sliced_wasserstein" in reports.shown({"": record}) and not capsys.readouterr().out


def test_fewer_images_than_features_are_noted():
    flat = Features("flat", (), lambda _, x: {"features": x.reshape(len(x), -1)}, {})
    protocol = reports.protocol(Evaluator(sources.noise(90), None, flat), sources.noise(50))
    assert protocol["notes"] == [
        "50 images are fewer than 64 features: the covariance is singular, distances are too large"
    ]
    assert reports.protocol(Evaluator(sources.noise(90), None, flat), sources.noise(70))["notes"] == []


def test_infinite_values_are_strings_in_json(tmp_path):
    path = tmp_path / "x.json"
    reports.write(
        path, {"protocol": {}, "values": {"modes_kl": {"value": float("inf"), "real_baseline": 0.5}}}
    )
    assert json.loads(path.read_text())["values"] == {"modes_kl": {"value": "inf", "real_baseline": 0.5}}


def test_values_of_the_same_protocol_are_kept(tmp_path):
    path = str(tmp_path / "values.json")

    def write(protocol, **values):
        named = {name: {"value": value} for name, value in values.items()}
        reports.write(path, {"protocol": protocol, "values": named})
        return {name: value["value"] for name, value in json.loads(open(path).read())["values"].items()}

    assert write({"shape": (8, 8)}, one=1.0, two=2.0) == {"one": 1.0, "two": 2.0}
    assert write({"shape": (8, 8)}, two=3.0, three=4.0) == {"one": 1.0, "two": 3.0, "three": 4.0}
    assert write({"shape": (9, 9)}, four=5.0) == {"four": 5.0}
    (tmp_path / "values.json").write_text("{")
    assert write({"shape": (8, 8)}, one=1.0) == {"one": 1.0}


def test_missing_baselines_are_told_with_their_reasons(tmp_path):
    values = {
        "frechet_distance": {"value": 2.0, "real_baseline": 1.0},
        "intra": {"value": 3.0, "no_real_baseline": "only 1 of class 2"},
    }
    record = {"protocol": {"features": {"name": "f"}}, "values": values}
    path = str(tmp_path / "values.json")
    reports.write(path, record)
    assert json.loads(open(path).read())["values"] == values
    lines = reports.shown({"value": record}).splitlines()
    assert [line.split() for line in lines[-3:-1]] == [["frechet_distance", "2", "1"], ["intra", "3", "none"]]
    assert lines[-1] == "no real baseline of intra: only 1 of class 2"


def test_values_of_another_protocol_are_replaced_with_a_word(tmp_path, caplog):
    path = str(tmp_path / "values.json")
    for number, count in (((1), 0), ((1), 0), ((2), 1)):
        reports.write(path, {"protocol": {"seed": number}, "values": {"one": {"value": 1.0}}})
        assert caplog.text.count(f"{path} held values of another protocol, which are replaced") == count


def test_values_that_cannot_be_written_are_logged(tmp_path, caplog):
    record = {"protocol": {"features": {}}, "values": {"one": {"value": 1.0}}}
    with pytest.raises(UsageError, match="cannot be written"):
        reports.write_or_show(str(tmp_path / "gone" / "values.json"), record, "the table")
    assert "the table" in caplog.messages


def test_classes_without_generated_images_are_noted():
    flat = Features("flat", (), lambda _, x: {"features": x.reshape(len(x), -1)[:, :2]}, {})
    real = of_arrays("reference", np.zeros((6, 8, 8, 1), np.uint8), np.arange(6) % 3, ("bird", "cat", "dog"))
    fake = of_arrays("generated", np.zeros((6, 8, 8, 1), np.uint8), np.arange(6) % 2, ("cat", "dog"))
    notes = reports.protocol(Evaluator(real, None, flat), fake)["notes"]
    assert notes == ["no class of these names in generated: bird"]


def test_a_run_is_compared_with_data_whose_classes_have_other_numbers(tiny, tmp_path, monkeypatch):
    """Since the run its data lists its classes backwards: labels are matched by name all the same."""
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    train.run(tiny(game=game, steps=1, grid_every=5), str(tmp_path))
    options = dict(metrics=["intra_class_frechet_distance"], features_name=MINE, num_images=200)
    before = reports.of_workdir(str(tmp_path), **options)[1]["values"]
    digits = data.digits(resolution=8)

    def backwards(source):
        def read(rows):
            entries = source.read(rows)
            return {**entries, "label": 9 - entries["label"]}

        return source._replace(facts={**source.facts, "class_names": source.classes[::-1]}, read=read)

    turned = backwards(digits)._replace(heldout=lambda: backwards(digits.heldout()))
    monkeypatch.setattr(build, "source", lambda recipe, data_dir=None: turned)
    assert reports.of_workdir(str(tmp_path), **options)[1]["values"] == before
    strange = turned._replace(facts={**turned.facts, "class_names": ("ten", *turned.classes[1:])})
    monkeypatch.setattr(build, "source", lambda recipe, data_dir=None: strange)
    with pytest.raises(UsageError, match="has classes that the run in .* has not: ten; it has 0, 1, 2, 3"):
        reports.of_workdir(str(tmp_path), **options)


def test_too_few_images(workdir):
    with pytest.raises(UsageError, match="num_images=1: expected at least 2"):
        reports.of_workdir(workdir, num_images=1, features_name=MINE)


def _folder(path, images):
    os.makedirs(path)
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(os.path.join(path, f"{number:03d}.png"))
    return str(path)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Sets as files: two folders, an archive, and folders that nobody can use."""
    folder = tmp_path_factory.mktemp("sets")
    images = sources.noise(40, seed=1).read(np.arange(40))["real"]
    _folder(folder / "a", images[:20])
    _folder(folder / "b", images[20:])
    _folder(folder / "corrupt", images[:12])
    (folder / "corrupt" / "005.png").write_bytes(b"no image")
    (folder / "empty").mkdir()
    np.savez(folder / "a.npz", images=images[:20])
    np.savez(folder / "floats.npz", images=np.full((4, 8, 8, 1), np.nan, np.float32))
    np.savez(folder / "large.npz", images=np.zeros((20, 16, 16, 1), np.uint8))
    return str(folder)


# Flags (with {f} for the folder), exit code, and a part of the output.
COMMANDS = {
    "folders": (["--generated={f}/a", "--reference={f}/b"], 0, "frechet_distance"),
    "archive and data": (
        ["--generated={f}/a.npz", "--reference=digits:test", "--resolution=8"],
        0,
        "reference      500 images: digits of scikit-learn, test",
    ),
    "corrupt files skipped": (
        ["--generated={f}/corrupt", "--reference={f}/b", "--skip_corrupt"],
        0,
        "generated      11 images: ",
    ),
    "resized": (
        ["--generated={f}/large.npz", "--reference={f}/b", "--resolution=8"],
        0,
        "shape          [8, 8, 1]",
    ),
    "nothing generated": (
        ["--reference={f}/b"],
        2,
        "--generated is missing: a folder of images, an .npz file",
    ),
    "corrupt file": (["--generated={f}/corrupt", "--reference={f}/b"], 2, "{f}/corrupt/005.png"),
    "empty folder": (["--generated={f}/empty", "--reference={f}/b"], 2, "{f}/empty"),
    "no such folder": (
        ["--generated={f}/none", "--reference={f}/b"],
        2,
        "{f}/none: no such folder, .npz file",
    ),
    "no images but floats": (["--generated={f}/floats.npz", "--reference={f}/b"], 2, "with NaN or infinity"),
    "other sizes": (["--generated={f}/large.npz", "--reference={f}/b"], 2, "has images of 16x16x1, "),
    "no such metric": (
        ["--generated={f}/a", "--reference={f}/b", "--metrics=precision"],
        2,
        "metrics: unknown name 'precision'; did you mean precision_recall",
    ),
    "a classifier without labels": (
        ["--generated={f}/a", "--reference={f}/b", "--features=classifier"],
        2,
        "{f}/b has no labels to train a classifier on; give other features: pixels or inception",
    ),
    "inception without weights": (
        ["--generated={f}/a", "--reference={f}/b", "--features=inception"],
        2,
        "no Inception weights at ",
    ),
    "output in a file": (
        ["--generated={f}/a", "--reference={f}/b", "--output={f}/a.npz/x.json"],
        2,
        "folder {f}/a.npz cannot be written: ",
    ),
    "output in a folder's place": (
        ["--generated={f}/a", "--reference={f}/b", "--output={f}/empty"],
        2,
        "{f}/empty cannot be written: it is the name of a folder",
    ),
    "output in a new folder": (
        ["--generated={f}/a", "--reference={f}/b", "--output={f}/new/er/x.json"],
        0,
        "frechet_distance",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_line(sets, name):
    flags = [flag.format(f=sets) for flag in COMMANDS[name][0]]
    if not any(flag.startswith("--features") for flag in flags):
        flags.append(f"--features={MINE}")
    if not any(flag.startswith("--metrics") for flag in flags):
        flags.append("--metrics=frechet_distance,power_spectrum_distance")
    code, out, err = in_process.run(*flags, module="gan_jax.evaluate")
    _, expected, said = COMMANDS[name]
    assert code == expected, err
    assert "Traceback" not in err and said.format(f=sets) in (err if expected else out)
    if expected:
        *before, last = err.splitlines()  # Before it, each folder says what it holds.
        assert last.startswith("error: ") and all(" images (train " in line for line in before)
