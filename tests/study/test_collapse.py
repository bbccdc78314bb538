import pytest

from gan_jax.study.collapse import collapse_step


@pytest.mark.parametrize(
    "modes, expected",
    [
        ([], None),
        ([1, 4, 8, 8], None),
        # Half of the most is not below half.
        ([2, 8, 4, 4], None),
        ([2, 8, 3, 2], 30),
        # A dip does not count, the stretch that lasts does, from its first step.
        ([8, 1, 8, 3, 4, 3, 2], 60),
        ([8, 1, 1, 1], 20),
        # Never had more than one.
        ([1, 1, 1], None),
        ([0, 0], None),
    ],
)
def test_by_hand(modes, expected):
    assert collapse_step([(10 * (n + 1), m) for n, m in enumerate(modes)]) == expected


def test_share():
    history = [(10, 8), (20, 7), (30, 5)]
    assert collapse_step(history) is None
    assert (collapse_step(history, share=0.75), collapse_step(history, share=1.0)) == (30, 20)
