"""Images as viewers show them; expected pixels are computed with NumPy from what the formats define."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gan_jax.data.pixels import check_background, check_range, fit, is_grey, shown, shown_size
from gan_jax.errors import UsageError

RANDOM = np.random.default_rng(0)


def _stored(image, kind="PNG", **options):
    """A PIL image as it comes out of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def _png(depth, colour, rows, **chunks):
    """A PNG of four columns from its chunks; Pillow cannot write all kinds."""

    def chunk(name, content):
        body = name.encode() + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 4, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = {"IHDR": header, **chunks, "IDAT": pixels, "IEND": b""}
    file = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in parts.items())
    return Image.open(io.BytesIO(file))


def _over(colours, alpha, background):
    """Blended in float64."""
    share = alpha[..., None] / 255
    return share * colours + (1 - share) * np.asarray(background, float)


def _encoded(linear):
    """The transfer function of sRGB, IEC 61966-2-1, from [0, 1] to 0..255."""
    linear = np.asarray(linear, float)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curve


def _profile(space, **tags):
    """An ICC profile, version 2, of a linear transfer function."""
    curve = b"curv" + bytes(4) + struct.pack(">I", 0)

    def xyz(values):
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    white = (0.9642, 1.0, 0.8249)
    parts = {"wtpt": xyz(white)}
    parts |= {"kTRC": curve} if space == "GRAY" else dict.fromkeys(("rTRC", "gTRC", "bTRC"), curve)
    parts |= {name: xyz(values) for name, values in tags.items()}
    place, table, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, content in parts.items():
        table += name.encode() + struct.pack(">II", place + len(body), len(content))
        body += content
    content = struct.pack(">I", len(parts)) + table + body
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sIII8sI3i", 128 + len(content), b"test", 0x02100000, b"mntr", space.encode().ljust(4),
        b"XYZ ", bytes(12), b"acsp", bytes(4), 0, 0, 0, bytes(8), 0, *(round(v * 65536) for v in white),
    )  # fmt: skip
    return header.ljust(128, b"\0") + content


# The primaries of sRGB, adapted to the white of ICC profiles, as its own profile has them.
PRIMARIES = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)


@pytest.mark.parametrize("background, colour", [("white", (255, 255, 255)), ("#102030", (16, 32, 48))])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparent_pixels_are_blended_with_the_background(kind, background, colour):
    pixels = RANDOM.integers(0, 256, (5, 6, 4)).astype(np.uint8)
    pixels[0, :, 3], pixels[1, :, 3] = 0, 255
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    image = shown(_stored(Image.fromarray(pixels), kind, **options), background)
    expected = _over(pixels[..., :3], pixels[..., 3], colour)
    np.testing.assert_allclose(np.asarray(image, float), expected, atol=1)
    assert np.ptp(np.asarray(image)[0].reshape(-1, 3), axis=0).max() == 0  # nothing hidden shows


def test_grey_with_opacity_stays_grey_over_grey():
    pixels = RANDOM.integers(0, 256, (5, 6, 2)).astype(np.uint8)
    image = _stored(Image.fromarray(pixels))
    assert is_grey(image) and is_grey(image, "#777777") and not is_grey(image, "red")
    black = shown(image, "black")
    assert black.mode == "L"
    np.testing.assert_allclose(np.asarray(black), pixels[..., 0] * (pixels[..., 1] / 255), atol=1)
    red = np.asarray(shown(image, "red"), float)
    np.testing.assert_allclose(red, _over(pixels[..., :1], pixels[..., 1], (255, 0, 0)), atol=1)
    assert is_grey(_stored(Image.fromarray(pixels[..., 0])), "red")


def test_premultiplied_colours_are_not_darkened_twice():
    """TIFF's "associated" alpha: colours are stored times their opacity."""
    colours, alpha = RANDOM.integers(0, 256, (4, 4, 3)), RANDOM.integers(128, 256, (4, 4))
    stored = np.concatenate([np.round(colours * alpha[..., None] / 255), alpha[..., None]], -1).astype(
        np.uint8
    )
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "TIFF")
    entry = struct.pack("<HHIH", 338, 3, 1, 2)  # The tag with which Pillow calls its alpha straight.
    assert entry in file.getvalue()
    image = Image.open(io.BytesIO(file.getvalue().replace(entry, struct.pack("<HHIH", 338, 3, 1, 1))))
    expected = stored[..., :3] + (255 - alpha[..., None])
    np.testing.assert_allclose(np.asarray(shown(image), int), expected, atol=2)


def test_palettes_with_transparency():
    places = np.arange(4, dtype=np.uint8).reshape(1, 4)
    image = Image.fromarray(places).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    stored = _stored(image, transparency=bytes([0, 51, 255]))
    expected = [[255, 255, 255], [204, 255, 204], [0, 0, 255], [9, 9, 9]]
    np.testing.assert_allclose(np.asarray(shown(stored))[0], expected, atol=1)
    one = _stored(image, "GIF", transparency=2)
    np.testing.assert_array_equal(np.asarray(shown(one))[0], [[255, 0, 0], [0, 255, 0], [255] * 3, [9, 9, 9]])


@pytest.mark.parametrize(
    "depth, row, key, expected",
    [
        (1, bytes([0b01000000]), 0, [0, 255, 0, 0]),
        (2, bytes([0b00011011]), 2, [0, 85, 0, 255]),
        (4, bytes([0x0F, 0x37]), 3, [0, 255, 0, 119]),
        (8, bytes([0, 7, 9, 255]), 9, [0, 7, 0, 255]),
        (16, struct.pack(">4H", 0, 40_000, 257, 65_535), 40_000, [0, 0, 1, 255]),
    ],
)
def test_a_transparent_grey_of_any_depth(depth, row, key, expected):
    """The value that a PNG of grey calls transparent is in the units of the file; here it becomes black."""
    image = _png(depth, 0, [row], tRNS=struct.pack(">H", key))
    assert is_grey(image)
    np.testing.assert_array_equal(np.asarray(shown(image, "black"))[0], expected)


def test_a_transparent_colour_of_sixteen_bits():
    row = struct.pack(">12H", *[256 * 200, 512, 0], *[0, 40_000, 257], *[256, 256, 256], *[65_535] * 3)
    image = _png(16, 2, [row], tRNS=struct.pack(">3H", 0, 40_000, 257))
    expected = [[200, 2, 0], [255] * 3, [1, 1, 1], [255] * 3]
    np.testing.assert_array_equal(np.asarray(shown(image))[0], expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled(kind):
    values = np.linspace(0, 65_535, 64).astype(np.uint16).reshape(8, 8)
    image = _stored(Image.fromarray(values), kind)
    assert is_grey(image)
    np.testing.assert_array_equal(np.asarray(shown(image)), np.round(values / 257))


def test_values_without_a_known_white_are_refused():
    for dtype, mode in ((np.float32, "F"), (np.int32, "I")):
        image = _stored(Image.fromarray(np.ones((4, 4), dtype)), "TIFF")
        with pytest.raises(
            UsageError, match=f"a.tif: expected 8 or 16 bits a channel, got mode {mode}, whose"
        ):
            check_range(image, "a.tif")
        with pytest.raises(UsageError, match="whose white is not known"):
            shown(image)


def test_inks_become_colours():
    """Adobe's programs write inks inverted, which most other programs assume."""
    inks = np.broadcast_to(np.array([200, 40, 0, 51], np.uint8), (16, 16, 4))
    image = shown(_stored(Image.fromarray(inks, "CMYK"), "JPEG", quality=100))
    np.testing.assert_allclose(np.asarray(image, int)[8, 8], [0.8 * 55, 0.8 * 215, 0.8 * 255], atol=3)


def test_a_profile_of_colours():
    """Linear light, red and green exchanged: a viewer shows the green of the file as red, and brighter."""
    red, green, blue = PRIMARIES
    profile = _profile("RGB", rXYZ=green, gXYZ=red, bXYZ=blue)
    pixels = RANDOM.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    image = _stored(Image.fromarray(pixels), icc_profile=profile)
    expected = _encoded(pixels[..., [1, 0, 2]] / 255)
    np.testing.assert_allclose(np.asarray(shown(image), float), expected, atol=3)
    # Beside transparency, and in a palette.
    clear = np.concatenate([pixels, np.full((6, 6, 1), 102, np.uint8)], -1)
    blended = shown(_stored(Image.fromarray(clear), icc_profile=profile), "black")
    np.testing.assert_allclose(np.asarray(blended, float), 0.4 * expected, atol=2)
    few = Image.fromarray(pixels).quantize(8)
    named = np.asarray(few.convert("RGB"), float)
    image = _stored(few, icc_profile=profile)
    np.testing.assert_allclose(np.asarray(shown(image), float), _encoded(named[..., [1, 0, 2]] / 255), atol=3)


def test_a_profile_of_greys():
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = shown(_stored(Image.fromarray(greys), icc_profile=_profile("GRAY")))
    assert image.mode == "L"
    np.testing.assert_allclose(np.asarray(image, float), _encoded(greys / 255), atol=2)


def test_profiles_that_change_nothing_leave_the_pixels():
    from PIL import ImageCms

    pixels = RANDOM.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile", _profile("GRAY")):  # The last is of other pixels.
        image = _stored(Image.fromarray(pixels), icc_profile=profile)
        np.testing.assert_array_equal(np.asarray(shown(image)), pixels)


def test_lab_becomes_srgb():
    """Greys of CIE L*: by its definition the luminance of 50 is ((50 + 16) / 116)^3."""
    lightness = np.array([20, 50, 80, 100])
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[..., 0] = np.round(lightness * 2.55)
    image = _stored(Image.frombytes("LAB", (4, 4), pixels.tobytes()), "TIFF")
    assert image.mode == "LAB"
    expected = _encoded(((lightness + 16) / 116) ** 3)
    np.testing.assert_allclose(np.asarray(shown(image), float)[0].mean(-1), expected, atol=2)


def test_the_gamma_of_a_png():
    row = bytes([0, 64, 128, 255])
    linear = _png(8, 0, [row], gAMA=struct.pack(">I", 100_000))
    expected = 255 * (np.array([0, 64, 128, 255]) / 255) ** 0.45455
    np.testing.assert_allclose(np.asarray(shown(linear))[0], expected, atol=0.51)
    for chunks in ({"gAMA": struct.pack(">I", 45_455)}, {"sRGB": b"\0", "gAMA": struct.pack(">I", 100_000)}):
        np.testing.assert_array_equal(np.asarray(shown(_png(8, 0, [row], **chunks)))[0], list(row))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_its_first_frame(kind):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    image = _stored(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert image.is_animated and shown_size(image) == (6, 8)
    np.testing.assert_allclose(np.asarray(shown(image), int)[3, 4], [200, 0, 0], atol=8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_size_is_that_of_the_turned_image(kind):
    tags = Image.Exif()
    tags[0x0112] = 6
    image = _stored(Image.new("RGB", (10, 4)), kind, exif=tags)
    assert shown_size(image) == (10, 4) and shown(image).size == (4, 10)


def test_backgrounds_are_colours():
    for colour in ("white", "#808080", "rgb(1, 2, 3)"):
        check_background(colour)
    with pytest.raises(UsageError, match="background='withe': expected a colour, as in white, black or #80"):
        check_background("withe")


def test_fit_crops_the_centre_and_antialiases():
    wide = np.zeros((4, 8), np.uint8)
    wide[:, 2:6] = np.tile([[0, 200], [200, 0]], (2, 2))
    small = fit(Image.fromarray(wide), (1, 1), 1)
    assert small.shape == (1, 1, 1) and abs(int(small[0, 0, 0]) - 100) <= 1
    assert fit(Image.fromarray(wide), (2, 2), 3).shape == (2, 2, 3)


@pytest.mark.parametrize(
    "size, wanted, part",
    [
        ((4, 8), (4, 4), (slice(0, 4), slice(2, 6))),
        ((8, 4), (4, 4), (slice(2, 6), slice(0, 4))),
        ((6, 8), (6, 3), (slice(0, 6), slice(2, 5))),
        ((8, 6), (3, 6), (slice(2, 5), slice(0, 6))),
    ],
)
def test_fit_takes_the_largest_central_part_of_the_aspect(size, wanted, part):
    """Parts that need no resizing are the pixels themselves."""
    pixels = RANDOM.integers(0, 256, size, np.uint8)
    np.testing.assert_array_equal(fit(Image.fromarray(pixels), wanted, 1)[..., 0], pixels[part])
