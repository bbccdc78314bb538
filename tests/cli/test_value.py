"""Values of flags."""

import pytest

from gan_jax.cli import value


@pytest.mark.parametrize(
    "text, old, expected",
    [
        ("5", None, 5),
        ("-5", 3, -5),
        ("1e-4", None, 1e-4),
        ("1", 0.5, 1.0),
        ("abc", 64, "abc"),
        ("/photos/2024", None, "/photos/2024"),
        ("2024", "photos", "2024"),
        ("'2024'", None, "2024"),
        ("None", "photos", None),
        ("true", False, True),
        ("0", True, False),
        ("False", None, False),
        ("true", "name", "true"),
        ("64x96", 0, (64, 96)),
        ("(64, 96)", None, (64, 96)),
        ("[1, 2]", (3,), (1, 2)),
        ("dict(r1=dict(weight=1.0, every=16))", None, dict(r1=dict(weight=1.0, every=16))),
        ("{'a.b': {}}", 1.0, {"a.b": {}}),
        ("{1000: 0.5}", None, {1000: 0.5}),
        ("hinge-loss", None, "hinge-loss"),
        ("dict(a=1", None, "dict(a=1"),
        ("", None, ""),
    ],
)
def test_texts(text, old, expected):
    parsed = value.parse(text, old)
    assert parsed == expected and type(parsed) is type(expected)


@pytest.mark.parametrize(
    "text", ["__import__('os').system('x')", "dict(a=open('x'))", "dict(**{'a': 1})", "9**9**9", "(" * 5000]
)
def test_nothing_is_run(text):
    assert value.parse(text) == text
