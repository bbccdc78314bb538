"""Public packages with images in them, and the folders that are made of these."""

import hashlib
import importlib
import io
import logging
import os
import re
import shutil
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from gan_jax.errors import Fault, UsageError, unknown
from gan_jax.runtime import cache
from gan_jax.runtime.files import write_atomically

log = logging.getLogger("gan_jax")

# Of pairs, every n-th name is held out.
HELD_OUT = 10
# Height and width at which drawings are rendered, pixels.
SIDE = 72
# Seconds without an answer after which a server counts as out of reach.
_PATIENCE = 60
_READ = 2**20
_NPM, _DEBIAN = "https://registry.npmjs.org", "https://deb.debian.org/debian/pool/main"


class Package(NamedTuple):
    """A file on the network, and the images in it that are used.

    Attributes:
        url: Where it is.
        sha256: Of the file.
        wanted: Pattern of the paths in it, to the end; its group is the name of the image.
        to: The folder they go to; empty where `_split` decides.
    """

    url: str
    sha256: str
    wanted: str
    to: str = ""

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.url.rpartition("/")[2]


class Recipe(NamedTuple):
    """How a folder is made of packages.

    Attributes:
        packages: They, by what they hold.
        reads: How a recipe names the data, for people.
        note: Licences, and what to know, for people.
        make: `(name, content) -> content`, the bytes of a file in a package to those of a PNG or JPEG.
    """

    packages: tuple[Package, ...]
    reads: str
    note: str
    make: Callable[[bytes], bytes] = bytes


def _emoji(vendor, sha256, side):
    """Emoji of 64 pixels, without skin tones, which are the same picture in five colours."""
    name = rf"img/{vendor}/64/((?!.*1f3f[b-f])[0-9a-f-]+)\.png"
    return Package(
        f"{_NPM}/emoji-datasource-{vendor}/-/emoji-datasource-{vendor}-16.0.0.tgz", sha256, name, side
    )


def _openmoji(folder, side):
    tones = "(?!.*1F3F[B-F])"
    return Package(
        f"{_NPM}/openmoji/-/openmoji-16.0.0.tgz",
        "a103ed4169742058507537e1a7b4b385cb5d18de61fb12cb643048fd3cc2e337",
        rf"{folder}/svg/({tones}[0-9A-F-]+)\.svg",
        side,
    )


def _photographs(path, sha256, folder, names):
    return Package(f"{_DEBIAN}/{path}", sha256, rf"{folder}({'|'.join(names)}).*\.jpg", "train")


def _drawn(content):
    """An SVG as a PNG."""
    try:
        resvg = importlib.import_module("resvg_py")
    except ImportError:
        raise UsageError("openmoji is drawn by resvg, which is not installed: pip install resvg-py") from None
    return bytes(
        resvg.svg_to_bytes(svg_string=content.decode(), width=SIDE, height=SIDE, skip_system_fonts=True)
    )


RECIPES = {
    "emoji": Recipe(
        (
            _emoji("google", "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438", "A"),
            _emoji("twitter", "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877", "B"),
        ),
        "name='unpaired', path={path!r}, resolution=32, heldout_pairs=True",
        "A is Google's (Apache 2.0), B is Twitter's (CC BY 4.0); every tenth name of both is in testA and testB",
    ),
    "openmoji": Recipe(
        (_openmoji("black", "A"), _openmoji("color", "B")),
        "name='paired', path={path!r}, resolution=64",
        "A has the lines, B the colours; OpenMoji, CC BY-SA 4.0; every tenth name is in testA and testB",
        _drawn,
    ),
    "photographs": Recipe(
        (
            _photographs(
                "l/lomiri-wallpapers/lomiri-wallpapers-16.04_20.04.0-2_all.deb",
                "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
                "backgrounds/",
                ("Bridge", "Dragonfly", "Picture_0B", "Picture_1A", "Wine", "aitzgorri", "free", "friends",
                 "greentock", "life", "picosdeeuropa", "seeding", "sunset"),
            ),
            _photographs(
                "l/lomiri-wallpapers/lomiri-wallpapers-20.04_20.04.0-2_all.deb",
                "d44e89b8473aafe64a5b678f014862dc31335aaaf18665c544d985d854f1a709",
                "backgrounds/",
                ("Kleiber",),
            ),
            _photographs(
                "m/mate-backgrounds/mate-backgrounds_1.26.0-1_all.deb",
                "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
                "mate/nature/",
                ("Aqua", "Blinds", "Dune", "FreshFlower", "Garden", "GreenMeadow", "LadyBird", "RainDrops",
                "Storm",
                 "TwoWings", "Wood", "YellowFlower"),
            ),
            _photographs(
                "p/plasma-workspace-wallpapers/plasma-workspace-wallpapers_5.27.5-2_all.deb",
                "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
                "wallpapers/",
                tuple(f"{name}(?=/contents/images/2560x1600)" for name in (
                    "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey",
                    "Kite", "OneStandsOut", "Path", "summer_1am")),
            ),
            Package(
                "https://files.pythonhosted.org/packages/dd/9b/"
                "9fb556463a34d9842491d72a421942c8baff4281025859c84fcdb5e7e602/"
                "scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
                r"skimage/data/(astronaut|chelsea|coffee|motorcycle_left|rocket)\.(?:png|jpg)",
                "test",
            ),
        ),
        "name='photographs', path={path!r}, shrink=2",
        "37 photographs to train on (CC BY, CC BY-SA, CC0 and GPL, by their packages) and 5 to test on (scikit-image); "
        "shrink=2 removes the traces of JPEG",
    ),
}  # fmt: skip


def prepare(name: str, output: str, downloads: str | None = None) -> str:
    """Makes a folder of images of public packages, fetched unless they lie on the disk already.

    Args:
        name: One of `RECIPES`.
        output: The folder; it does not exist, or is empty.
        downloads: Folder with the packages, by the names of their files, where those that are missing are
            written to; None for one in the user's cache.

    Returns:
        What was made and how a recipe reads it, for people.

    Raises:
        UsageError: No such data, a folder that is not empty, or a file that is another one.
        Fault: A package cannot be fetched.
    """
    if name not in RECIPES:
        raise unknown("prepare", name, RECIPES)
    recipe, output = RECIPES[name], os.path.abspath(output)
    if os.path.isdir(output) and os.listdir(output):
        raise UsageError(f"--output={output}: the folder is not empty")
    place = downloads or cache.folder("downloads")
    if place is None:
        raise UsageError("the user's cache cannot be written: give --downloads=FOLDER")
    os.makedirs(place, exist_ok=True)
    files = [fetched(package, place) for package in recipe.packages]
    partial = f"{output}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    counts = _written(recipe, files, partial)
    if os.path.isdir(output):
        os.rmdir(output)
    os.replace(partial, output)
    counted = ", ".join(f"{count:,} in {folder}" for folder, count in sorted(counts.items()))
    return f"{output}: {counted}\n{recipe.note}\ndata=dict({recipe.reads.format(path=output)})"


def fetched(package: Package, place: str) -> str:
    """A package on the disk.

    Args:
        package: The Package.
        place: The folder where it lies, or is written to.

    Returns:
        Path of the file.

    Raises:
        UsageError: What lies there is another file.
        Fault: It cannot be fetched.
    """
    path = os.path.join(place, package.file)
    if not os.path.exists(path):
        log.info("fetching %s", package.url)
        try:
            with (
                urllib.request.urlopen(package.url, timeout=_PATIENCE) as answer,
                write_atomically(path, "wb") as file,
            ):
                shutil.copyfileobj(answer, file, _READ)
        except (OSError, ValueError) as error:
            raise Fault(
                f"{package.url} cannot be fetched ({getattr(error, 'reason', None) or error}); put the file into "
                f"{place}, or give --downloads=FOLDER with it"
            ) from error
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise UsageError(
            f"{path}: expected the file of {package.url}, SHA-256 {package.sha256}, it has {found}"
        )
    return path


def _written(recipe, files, output):
    """Writes the images; the number of them by folder."""
    counts: dict[str, int] = {}
    names = [sorted(_names(package, file)) for package, file in zip(recipe.packages, files)]
    both = set.intersection(*map(set, names)) if recipe.packages[0].to in ("A", "B") else None
    tests = set(sorted(both)[::HELD_OUT]) if both else set()
    for package, file in zip(recipe.packages, files):
        for path, content in members(file, package.wanted):
            name = _name(package, path)
            if both is not None and name not in both:
                continue
            folder = f"{'test' if name in tests else 'train'}{package.to}" if both else package.to
            ending = ".jpg" if path.endswith(".jpg") else ".png"
            os.makedirs(os.path.join(output, folder), exist_ok=True)
            with open(os.path.join(output, folder, f"{name}{ending}"), "wb") as image:
                image.write(recipe.make(content))
            counts[folder] = counts.get(folder, 0) + 1
    return counts


def _names(package, file):
    """The names of the images in a package."""
    found = [_name(package, path) for path, _ in members(file, package.wanted)]
    if not found:
        raise UsageError(f"{file}: no file in it is like {package.wanted}")
    return found


def _name(package, path):
    match = re.search(f"{package.wanted}$", path)
    assert match  # `members` yields no others.
    return match.group(1)


def members(path: str, wanted: str) -> Iterator[tuple[str, bytes]]:
    """Walks an archive of npm (.tgz), Debian (.deb) or Python (.whl); yields paths and contents of some files.

    Args:
        path: The archive.
        wanted: Pattern at the end of the paths.

    Yields:
        Path and content.

    Raises:
        UsageError: The archive is damaged.
    """
    try:
        if path.endswith(".whl"):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if re.search(f"{wanted}$", name):
                        yield name, archive.read(name)
            return
        with open(path, "rb") as file, tarfile.open(fileobj=_tar(path, file), mode="r:*") as archive:
            for member in archive:
                content = archive.extractfile(member) if re.search(f"{wanted}$", member.name) else None
                if content is not None:
                    yield member.name, content.read()
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise UsageError(f"{path}: not an archive that can be read ({error})") from None


def _tar(path: str, file: IO[bytes]) -> IO[bytes]:
    """The tar file in a package of Debian, or the file itself."""
    if not path.endswith(".deb"):
        return file
    if file.read(8) != b"!<arch>\n":
        raise ValueError("no package of Debian")
    while header := file.read(60):
        name, size = header[:16].decode().strip(), int(header[48:58])
        content = file.read(size + size % 2)[:size]
        if name.startswith("data.tar"):
            return io.BytesIO(content)
    raise ValueError("no data in it")
