"""A run that diverges resumes from a checkpoint with a new random key, and can be interrupted anywhere."""

import contextlib

import jax
import numpy as np
import pytest
from unlucky import unlucky

from gan_jax import step as step_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import Divergence, UsageError
from gan_jax.runtime import signals
from gan_jax.sampling import loading
from gan_jax.training import report, rollback, train

pytestmark = pytest.mark.usefixtures("without_curves")

KEY = jax.random.key(7)


def _diverging(tiny, **changes):
    losses = dict(
        discriminator={unlucky: 1.0, "non_saturating_discriminator": 1.0},
        generator=dict(non_saturating_generator=1.0),
    )
    fields = dict(losses=losses, max_rollbacks=20, seed=3, steps=15, log_every=1)
    return tiny(**{**fields, **changes})


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """A run that diverged and came through: its workdir, its rollbacks, and how often its step was traced."""
    workdir, traces, original = str(tmp_path_factory.mktemp("rollback") / "whole"), [], step_lib.train_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_lib, "train_step", lambda *args: traces.append(1) or original(*args))
        train.run(_diverging(tiny), workdir)
    return workdir, rollback.read(workdir), len(traces)


def _assert_same(workdir, other, step=15):
    states = [loading.load(folder, step, trust=True).state for folder in (workdir, other)]
    assert len(jax.tree.leaves(states[0])) > 10
    jax.tree.map(np.testing.assert_array_equal, *states)


def _data(key):
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def test_a_step_has_a_new_key_after_every_rollback_and_keeps_it_before():
    rolled = [{"step": step, "why": ""} for step in (5, 5, 10)]
    for count, (step, folded) in [
        (0, (99, 0)),
        (3, (4, 0)),
        (1, (5, 1)),
        (3, (5, 2)),
        (3, (9, 2)),
        (3, (10, 3)),
    ]:
        expected = jax.random.fold_in(KEY, 2**31 + folded) if folded else KEY
        assert _data(rollback.keys(KEY, rolled[:count])(step)) == _data(expected)
    # Whatever was played with a key before is never played with it again.
    for count in range(3):
        old, new = (rollback.keys(KEY, rolled[:n]) for n in (count, count + 1))
        assert all(_data(old(step)) != _data(new(step)) for step in range(rolled[count]["step"], 20))


def test_a_run_that_diverges_goes_back_goes_on_and_finishes(whole):
    workdir, rolled, traces = whole
    assert {each["step"] for each in rolled} == {5, 10}
    assert {each["why"] for each in rolled} == {
        "step 8: discriminator/unlucky is inf", "step 13: discriminator/unlucky is inf"
    }  # fmt: skip
    assert checkpoint.steps(workdir)[-1] == 15
    assert traces == 1
    # What was played again is on record once, as it went the last time.
    records = report.read_metrics(f"{workdir}/metrics.jsonl")
    assert [record["step"] for record in records] == list(range(1, 16))
    assert all(np.isfinite(record["discriminator/unlucky"]) for record in records)


def test_calls_of_several_steps_diverge_and_go_back_as_single_ones(tiny, tmp_path, whole):
    train.run(_diverging(tiny, log_every=5, steps_per_call=3), str(tmp_path))
    assert rollback.read(str(tmp_path)) == whole[1]
    _assert_same(whole[0], str(tmp_path))


class _Killed(BaseException):
    """Ends a run as a kill would: nothing catches it."""


def _killing(patch, owner, name, call):
    """Lets a function kill the run when it is called for the n-th time, before it does anything."""
    original, calls = getattr(owner, name), []

    def killing(*args, **options):
        calls.append(1)
        if len(calls) == call:
            raise _Killed
        return original(*args, **options)

    patch.setattr(owner, name, killing)


@pytest.mark.parametrize(
    "owner, name, call",
    [
        (rollback, "_write", 1),  # gone back, and not on record
        (report.Report, "scalars", 9),  # played a little since
    ],
)
def test_a_run_killed_anywhere_ends_as_one_that_was_not(tiny, tmp_path, whole, owner, name, call):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(_Killed):
        _killing(patch, owner, name, call)
        train.run(_diverging(tiny), str(tmp_path))
    train.run(_diverging(tiny), str(tmp_path))
    assert rollback.read(str(tmp_path)) == whole[1]
    _assert_same(whole[0], str(tmp_path))


def _damage(workdir, step):
    for path in (workdir / "checkpoints" / str(step) / "state").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


def test_a_damaged_checkpoint_before_a_rollback_changes_nothing(tiny, tmp_path, whole):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(_Killed):
        _killing(patch, checkpoint, "save", 3)  # of step 15: rolled back to 10, where the newest one is
        train.run(_diverging(tiny), str(tmp_path))
    _damage(tmp_path, 10)
    train.run(_diverging(tiny), str(tmp_path))
    assert checkpoint.steps(str(tmp_path))[-1] == 15 and (tmp_path / "damaged" / "10").exists()
    assert rollback.read(str(tmp_path)) == whole[1]
    _assert_same(whole[0], str(tmp_path))


def test_what_is_damaged_when_it_goes_back_is_put_aside_and_written_again(tiny, tmp_path, monkeypatch):
    original, calls = checkpoint.restore_latest, []

    def damaging(workdir, abstract):
        calls.append(checkpoint.steps(workdir))
        if calls == [[], [5], [5, 10]]:
            _damage(tmp_path, 10)
        return original(workdir, abstract)

    monkeypatch.setattr(checkpoint, "restore_latest", damaging)
    train.run(_diverging(tiny), str(tmp_path))
    assert [each["step"] for each in rollback.read(str(tmp_path))][:2] == [5, 5]
    assert checkpoint.steps(str(tmp_path)) == [10, 15]


def _recording(patch, initialised):
    """Records the random keys of a run's initial states."""
    original = train.compiled

    def recording(*args, **options):
        programs = original(*args, **options)
        return programs._replace(init=lambda key: initialised.append(_data(key)) or programs.init(key))

    patch.setattr(train, "compiled", recording)


def test_without_a_checkpoint_it_starts_again_from_other_parameters(tiny, tmp_path):
    recipe, initialised = _diverging(tiny, checkpoint_every=100, steps=10), []
    with pytest.MonkeyPatch.context() as patch:
        _recording(patch, initialised)
        train.run(recipe, str(tmp_path / "run"))
    assert len(set(initialised)) == len(initialised) == 1 + len(rollback.read(str(tmp_path / "run")))
    rolled = rollback.read(str(tmp_path / "run"))
    assert rolled and {each["step"] for each in rolled} == {0}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(_Killed):
        _killing(patch, report.Report, "scalars", 9)
        train.run(recipe, str(tmp_path / "killed"))
    train.run(recipe, str(tmp_path / "killed"))
    assert rollback.read(str(tmp_path / "killed")) == rolled
    _assert_same(str(tmp_path / "run"), str(tmp_path / "killed"), step=10)


def test_too_many_rollbacks_end_the_run_and_more_may_be_allowed(tiny, tmp_path, whole, caplog):
    for most, step in ((0, 8), (1, 13)):
        message = (
            f"step {step}: discriminator/unlucky is inf; the last good checkpoint is kept "
            rf"\(rollbacks: {most}, max_rollbacks={most}\)"
        )
        with pytest.raises(Divergence, match=f"^{message}$"):
            train.run(_diverging(tiny, max_rollbacks=most), str(tmp_path))
        assert checkpoint.steps(str(tmp_path))[-1] == step - 3 and len(rollback.read(str(tmp_path))) == most
    train.run(_diverging(tiny), str(tmp_path))
    _assert_same(whole[0], str(tmp_path))
    # Every rollback is logged once.
    assert [record.getMessage() for record in caplog.records if record.name == "gan_jax"] == [
        f"{each['why']}; rollback {number} of {most}: resuming from step {each['step']} with a new random key"
        for number, (each, most) in enumerate(zip(whole[1], (1, 20, 20), strict=True), 1)
    ]


def test_asked_to_stop_in_a_round_that_diverges_it_stops_after_the_next_one(tiny, tmp_path, monkeypatch):
    asked = []

    @contextlib.contextmanager
    def stop_requests():
        yield lambda done: asked.append(done) or 8 in asked

    monkeypatch.setattr(signals, "stop_requests", stop_requests)
    train.run(_diverging(tiny), str(tmp_path))
    assert checkpoint.steps(str(tmp_path)) == [5, 6] and len(rollback.read(str(tmp_path))) == 1


def test_a_record_that_cannot_be_read_is_one_line(tmp_path):
    assert rollback.read(str(tmp_path / "none")) == []
    for text in ("[{", '[{"step": 5}]', '{"step": 5}', "7"):
        (tmp_path / "rollbacks.json").write_text(text)
        with pytest.raises(UsageError, match="rollbacks.json cannot be read"):
            rollback.read(str(tmp_path))
