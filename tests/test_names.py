import inspect

import jax
import optax
import pytest

from gan_jax import augment, games, latents, losses, moves, names, nets, penalties, transforms, wrap
from gan_jax.errors import UsageError
from gan_jax.nets import mlp


def test_find_in_places_by_dotted_path_or_as_it_is():
    assert names.find("normal", (latents,), "x") is latents.normal
    assert names.find("mlp.Generator", (nets,), "x") is mlp.Generator
    assert names.find("adam", (transforms, optax), "x") is optax.adam
    assert names.find("jax.numpy.sin", (latents,), "x") is jax.numpy.sin
    assert names.find(len, (latents,), "x") is len


def test_a_module_that_cannot_import_another_says_so(tmp_path, monkeypatch):
    """Also one whose name begins with that of the other."""
    (tmp_path / "absent_losses.py").write_text("import absent_loss\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    says = "x: module absent_losses cannot be imported: ModuleNotFoundError: No module named 'absent_loss'"
    with pytest.raises(UsageError, match=rf"{says} \(.*absent_losses.py:1\)$"):
        names.find("absent_losses.mine", (losses,), "x")


def test_first_place_wins():
    assert names.find("clip_weights", (transforms, optax), "x") is transforms.clip_weights


@pytest.mark.parametrize(
    "name, places, message",
    [
        (
            "norml",
            (latents,),
            "x: unknown name 'norml'; did you mean normal.*; these exist: .*normal.*uniform",
        ),
        ("mlp.Generatr", (nets,), "unknown name 'mlp.Generatr'; did you mean mlp.Generator"),
        ("r3", (losses, penalties), "did you mean .*r[12]"),
        ("no.such.module", (latents,), "unknown name 'no.such.module'"),
        ("..", (latents,), r"x: unknown name '\.\.'"),
        ("a..b", (latents,), r"x: unknown name 'a\.\.b'"),
        (3, (latents,), "x=3: expected a name or a function"),
    ],
)
def test_unknown_names_say_what_exists(name, places, message):
    with pytest.raises(UsageError, match=message):
        names.find(name, places, "x")


def _function(
    array, count: int, *, rate=0.5, size=2, many=0, axis=-1, extra: names.FromZero = 2,
    kind="a", flag=False, widths=(1, 2), places: tuple[names.FromZero, ...] = (), shape=jax.nn.relu,
):  # fmt: skip
    return array


@pytest.mark.parametrize(
    "given, message",
    [
        (dict(), "f needs count"),
        (dict(count=1, rat=1.0), "f: unknown name 'rat'; did you mean rate"),
        (dict(count=1.5), "f.count=1.5: expected int"),
        (dict(count=0), "f.count=0: expected at least 1"),
        (dict(count=1, size=0), "f.size=0: expected at least 1"),
        (dict(count=1, many=-1), "f.many=-1: expected at least 0"),
        (dict(count=1, extra=0.5), "f.extra=0.5: expected int"),
        (dict(count=1, extra=-1), "f.extra=-1: expected at least 0"),
        (dict(count=1, axis=-2), "f.axis=-2: expected at least -1"),
        (dict(count=1, rate="high"), "f.rate='high': expected float"),
        (dict(count=1, rate=float("nan")), "f.rate=nan: expected a finite number"),
        (dict(count=1, size=True), "f.size=True: expected int"),
        (dict(count=1, flag=1), "f.flag=1: expected bool"),
        (dict(count=1, kind=1), "f.kind=1: expected str"),
        (dict(count=1, widths=3), "f.widths=3: expected tuple"),
        (dict(count=1, widths=[1, 2.5]), r"f.widths=\(1, 2.5\): expected int in it, not 2.5"),
        (dict(count=1, widths=(True,)), r"f.widths=\(True,\): expected int in it, not True"),
        (dict(count=1, widths=(4, 0)), r"f.widths=\(4, 0\): expected at least 1 in it, not 0"),
        (dict(count=1, places=(0, -1)), r"f.places=\(0, -1\): expected at least 0 in it, not -1"),
        (dict(count=1, places=(0.5,)), r"f.places=\(0.5,\): expected int in it, not 0.5"),
        (dict(count=1, shape="rule"), "f.shape: unknown name 'rule'; did you mean"),
        (dict(count=1, array=2), "f: unknown name 'array'"),
        (3, "f=3: expected a dict of hyperparameters"),
    ],
)
def test_bind_names_the_mistake(given, message):
    with pytest.raises(UsageError, match=message):
        names.bind(_function, given, "f", ("array",))


def test_bind_passes_good_values_and_looks_up_functions():
    given = dict(count=3, rate=1, widths=[4, 5], shape="tanh", many=0, axis=-1, extra=0, places=[0])
    bound = names.bind(_function, given, "f", ("array",))
    assert bound == {**given, "widths": (4, 5), "shape": jax.nn.tanh, "places": (0,)}


def _resized(*, resolution: int | tuple[int, int] = 0):
    return resolution


@pytest.mark.parametrize("given, bound", [(0, 0), (64, 64), ((64, 96), (64, 96)), ([64, 96], (64, 96))])
def test_bind_takes_every_type_of_a_union(given, bound):
    assert names.bind(_resized, dict(resolution=given), "data") == dict(resolution=bound)


@pytest.mark.parametrize(
    "given, message",
    [
        ("64", "data.resolution='64': expected int or tuple"),
        (64.0, "data.resolution=64.0: expected int or tuple"),
        (True, "data.resolution=True: expected int or tuple"),
        (-1, "data.resolution=-1: expected at least 0"),
        ((64, 0), r"data.resolution=\(64, 0\): expected at least 1 in it, not 0"),
        ((64, 1.5), r"data.resolution=\(64, 1.5\): expected int in it, not 1.5"),
    ],
)
def test_bind_refuses_other_types_than_those_of_a_union(given, message):
    with pytest.raises(UsageError, match=f"^{message}$"):
        names.bind(_resized, dict(resolution=given), "data")


def test_a_number_that_must_be_given_may_be_from_zero():
    def skip(count: names.FromZero):
        return count

    assert names.bind(skip, dict(count=0), "f") == dict(count=0)
    with pytest.raises(UsageError, match="f.count=-1: expected at least 0"):
        names.bind(skip, dict(count=-1), "f")


def test_every_default_of_a_whole_number_may_be_written_down():
    """A recipe that spells out a default is the recipe without it."""
    for place in (augment, games, latents, losses, moves, nets, penalties, transforms, wrap):
        for name in names.offers(place):
            function = names.find(name, (place,), "x")
            numbers = {
                parameter.name: parameter.default
                for parameter in inspect.signature(function).parameters.values()
                if type(parameter.default) is int
            }
            required = [
                parameter.name
                for parameter in inspect.signature(function).parameters.values()
                if parameter.default is parameter.empty
            ]
            assert names.bind(function, numbers, "x", required) == numbers


@pytest.mark.parametrize("given", [dict(continuous=0), dict(noise=0), dict(noise=0, discrete=[])])
def test_codes_without_some_of_their_parts(given):
    """62 of noise, one of ten values and two continuous ones, less what is not there."""
    expected = 74 - sum({"continuous": 2, "noise": 62, "discrete": 10}[part] for part in given)
    bound = names.bind(latents.codes, given, "game.latents", ("key", "count"))
    assert latents.codes(jax.random.key(0), 3, **bound).shape == (3, expected)
    assert latents.codes_grid(jax.random.key(0), 9, **bound).shape == (9, expected)


def test_schedules():
    schedule = names.schedule(
        dict(linear_schedule=dict(init_value=0.0, end_value=1.0, transition_steps=10)), "w"
    )
    assert schedule(5) == 0.5
    assert names.schedule(2.0, "w") == 2.0
    with pytest.raises(UsageError, match="w: unknown name 'linear_schedul'; did you mean linear_schedule"):
        names.schedule(dict(linear_schedul={}), "w")
    with pytest.raises(UsageError, match="w.constant_schedule needs value"):
        names.schedule(dict(constant_schedule={}), "w")
    with pytest.raises(UsageError, match="w='x': expected a number or one schedule"):
        names.schedule("x", "w")
