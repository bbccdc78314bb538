import pytest

from gan_jax.cli import resolution


@pytest.mark.parametrize(
    "text, value",
    [
        ("64", 64),
        ("0", 0),
        ("0x10", 16),  # As before: a hexadecimal number, not a height of no pixels.
        ("64x96", (64, 96)),
        ("(64, 96)", (64, 96)),
        ("(64,96)", (64, 96)),
        ("(64, 0)", (64, 0)),
        (64, 64),  # A flag's default.
    ],
)
def test_a_number_or_a_height_and_a_width(text, value):
    assert resolution.Parser().parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "64x", "x96", "64x96x3", "(64x96)", "64, 96", "(64)", "-1x3", "6.4x9"]
)
def test_everything_else_is_no_number(text):
    with pytest.raises(ValueError, match="invalid literal for int"):
        resolution.Parser().parse(text)


def test_a_number_has_the_bounds_of_the_flag():
    with pytest.raises(ValueError, match="-1 is not a non-negative integer"):
        resolution.Parser(0).parse("-1")
