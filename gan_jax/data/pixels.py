"""Any image as viewers show it: upright, in sRGB, over a background; then cropped and resized."""

import functools
import io

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageColor, ImageOps

from gan_jax.errors import UsageError

# Modes of Pillow whose pixels have no colour, and those whose values have no known range.
_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
_UNBOUNDED = ("I", "F")
# What PNG writes for pixels that need no correction, and what counts as the same.
_USUAL_GAMMA, _SAME_GAMMA = 0.45455, 0.02
# Where a PNG says how it is to be turned.
_TURNING = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")
# Levels of 256 by which a profile may differ from sRGB and still be taken for it: lcms rounds.
_SAME_LEVELS = 2


def check_background(background: str) -> None:
    """Makes sure that a colour exists.

    Args:
        background: Name of a colour or its code, as in `white` or `#808080`.

    Raises:
        UsageError: There is no such colour.
    """
    try:
        ImageColor.getrgb(background)
    except ValueError:
        raise UsageError(
            f"background={background!r}: expected a colour, as in white, black or #808080"
        ) from None


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of an image as viewers show it, from its header.

    A PNG's orientation is read only where it stands in front of the pixels, as most programs write it.

    Args:
        image: PIL image; it is not decoded.

    Returns:
        Height and width, pixels.
    """
    # Pillow turns the size of a TIFF itself.
    known = image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)
    turned = known and image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return image.size if turned else image.size[::-1]


def is_grey(image: Image.Image, background: str = "white") -> bool:
    """Tells from its header if an image has no colour over a background.

    Args:
        image: PIL image; it is not decoded. One with a palette counts as colour.
        background: Colour behind transparent pixels.

    Returns:
        bool.
    """
    red, green, blue = ImageColor.getrgb(background)[:3]
    return image.mode in _GREY and (red == green == blue or not image.has_transparency_data)


def check_range(image: Image.Image, name: str) -> None:
    """Makes sure that it is known which value of an image is white.

    Args:
        image: PIL image; it is not decoded.
        name: The file's, for the message.

    Raises:
        UsageError: Its pixels are floats or integers of 32 bits.
    """
    # Older versions of Pillow read 16 bits of a PNG as I.
    if image.mode in _UNBOUNDED and image.format != "PNG":
        raise UsageError(
            f"{name}: expected 8 or 16 bits a channel, got mode {image.mode}, whose white is not known"
        )


def shown(image: Image.Image, background: str = "white") -> Image.Image:
    """An image as viewers show it.

    It is turned as its EXIF orientation says. Colours of an ICC profile, CMYK and LAB become sRGB; a profile
    that does not fit the pixels is ignored. 16 bits are scaled to 8. Transparent pixels, straight or
    premultiplied, are blended with the background. Of an animation, it is the first frame.

    Args:
        image: PIL image, of a file or of an array.
        background: Colour behind transparent pixels: a name or a code, as in `white` or `#808080`.

    Returns:
        PIL image of mode L or RGB.

    Raises:
        UsageError: Floats or integers of 32 bits: their white is not known.
    """
    return over(*apart(image), background)


def apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colours and opacity of an image as viewers show it; `shown` says how.

    Args:
        image: PIL image, of a file or of an array.

    Returns:
        PIL image of mode L or RGB, and its opacity, of mode L, 255 where nothing shows through; None where
        the image has none.

    Raises:
        UsageError: Floats or integers of 32 bits: their white is not known.
    """
    check_range(image, "image")
    raw = _raw_mode(image)  # Pillow forgets it when it decodes.
    image = _upright(image)
    colours, alpha = _sixteen_bits(image, raw) if image.mode.startswith("I") else _eight_bits(image, raw)
    return _in_srgb(colours, image.info), alpha


def _upright(image):
    """An image turned as it says. Most small PNGs say nothing: a copy and a parser would cost more than pixels."""
    image.load()  # A PNG may say it behind the pixels.
    silent = image.format == "PNG" and image.info.keys().isdisjoint(_TURNING)
    return image if silent else ImageOps.exif_transpose(image)


def over(colours: Image.Image, alpha: Image.Image | None, background: str = "white") -> Image.Image:
    """An image in front of a background.

    Args:
        colours: PIL image of mode L or RGB.
        alpha: Its opacity, mode L; None for an image that hides the background.
        background: A colour.

    Returns:
        PIL image of mode L, where image and background are grey, or RGB.
    """
    if alpha is None:
        return colours
    if not is_grey(colours) or len(set(ImageColor.getrgb(background)[:3])) > 1:
        colours = colours.convert("RGB")
    behind = Image.new(colours.mode, colours.size, ImageColor.getcolor(background, colours.mode))
    behind.paste(colours, mask=alpha)
    return behind


def has_sixteen_bits(image: Image.Image) -> bool:
    """Tells from its header if an image has more than 8 bits a channel.

    Args:
        image: PIL image; it is not decoded.

    Returns:
        bool.
    """
    return image.mode.startswith("I") or ";16" in _raw_mode(image)


def fit(
    image: Image.Image, resolution: tuple[int, int], channels: int, background: str = "white"
) -> np.ndarray:
    """The largest central part of an image with the wanted aspect, resized with antialiasing.

    Args:
        image: PIL image, as it is stored; see `shown`.
        resolution: Height and width wanted, pixels.
        channels: 1 for grey, 3 for colour.
        background: Colour behind transparent pixels.

    Returns:
        uint8 [height, width, channels].
    """
    height, width = resolution
    image, mode = shown(image, background), "L" if channels == 1 else "RGB"
    image = image if image.mode == mode else image.convert(mode)
    # The part is as wide as the image, or as high; its other side follows from the aspect.
    if image.width * height <= image.height * width:
        part = image.width, max(image.width * height // width, 1)
    else:
        part = max(image.height * width // height, 1), image.height
    left, top = (image.width - part[0]) // 2, (image.height - part[1]) // 2
    image = image if part == image.size else image.crop((left, top, left + part[0], top + part[1]))
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(height, width, channels)


def _raw_mode(image):
    """How a file stores its pixels, as in `L;4` for 4 bits; empty for arrays and decoded images."""
    tiles = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    return str(args if isinstance(args, str) else args[0] if args else "")


def _sixteen_bits(image, raw):
    """Grey pixels as mode L, and their opacity or None, from 16 bits or from the 12 of some TIFF files."""
    values = np.asarray(image)
    white = 4095 if raw.startswith("I;12") else 65535
    opaque = image.info.get("transparency")
    alpha = None if opaque is None else Image.fromarray(np.where(values == opaque, 0, 255).astype(np.uint8))
    return Image.fromarray(np.round(values * (255 / white)).astype(np.uint8)), alpha


def _eight_bits(image, raw):
    """Pixels as mode L, RGB, CMYK or LAB, and their opacity as mode L, or None."""
    grey = image.mode in _GREY
    if image.has_transparency_data:
        both = _with_scaled_key(image, raw).convert("LA" if grey else "RGBA")
        return both.convert("L" if grey else "RGB"), both.getchannel("A")
    kept = image.mode in ("L", "RGB", "CMYK", "LAB")
    return (image if kept else image.convert("L" if grey else "RGB")), None


def _with_scaled_key(image, raw):
    """The image, whose transparent colour is in the units of its pixels; Pillow leaves it in the file's."""
    key = image.info.get("transparency")
    if image.mode == "L" and raw in ("L;2", "L;4"):
        image.info["transparency"] = key * {"L;2": 85, "L;4": 17}[raw]
    if image.mode == "RGB" and raw == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image


def _in_srgb(colours, info):
    """Pixels of mode L, RGB, CMYK or LAB as L or RGB, by their profile or by the gamma of a PNG."""
    profile = info.get("icc_profile") or (_lab() if colours.mode == "LAB" else None)
    transform = _to_srgb(profile, colours.mode) if profile else None
    if transform:
        changed = ImageCms.applyTransform(colours, transform)
        assert changed is not None  # It is, where the image is changed in place.
        return changed.convert("L") if colours.mode == "L" else changed
    if not profile and "srgb" not in info:
        colours = _without_gamma(colours, info.get("gamma", _USUAL_GAMMA))
    return colours if colours.mode in ("L", "RGB") else colours.convert("RGB")


def _without_gamma(colours, gamma):
    """Pixels of a PNG with the usual gamma. Its specification, section 13.13, has the exponent."""
    if gamma <= 0 or abs(gamma - _USUAL_GAMMA) < _SAME_GAMMA:
        return colours
    curve = np.round(255 * (np.arange(256) / 255) ** (_USUAL_GAMMA / gamma)).astype(int).tolist()
    return colours.point(curve * len(colours.getbands()))


def _lab():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@functools.lru_cache(maxsize=32)
def _to_srgb(profile, mode):
    """The transform of a profile's colours to sRGB; None if it is sRGB, or a profile of other modes."""
    try:
        own, wanted = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        # What lcms prepares for greys is too coarse for the dark ones.
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(own))
        transform = ImageCms.buildTransform(own, wanted, mode, "RGB", intent, flags)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if mode not in ("L", "RGB"):
        return transform
    before = _probe(mode)
    after = np.asarray(ImageCms.applyTransform(before, transform), int)
    same = np.abs(after - np.asarray(before.convert("RGB"), int)).max() <= _SAME_LEVELS
    return None if same else transform


def _probe(mode):
    """An image of all greys, or of colours all over the cube."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3))
