"""Folders made of packages: whatever lies there already is not fetched, and nothing but the right file is used."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile

import command_line
import numpy as np
import pytest
from PIL import Image

from gan_jax import data
from gan_jax.data import packages
from gan_jax.data.packages import Package, Recipe
from gan_jax.errors import Fault, UsageError


def _png(shade):
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), shade, np.uint8)).save(file, "PNG")
    return file.getvalue()


def _tar(contents, compression="gz"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{compression}") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def _deb(contents):
    """A package of Debian, as deb(5) describes it."""
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": _tar(contents, "xz")}
    text = b"!<arch>\n"
    for name, content in parts.items():
        text += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        text += content + b"\n" * (len(content) % 2)
    return text


def _package(folder, file, content, wanted, to=""):
    (folder / file).write_bytes(content)
    return Package(f"http://localhost:9/{file}", hashlib.sha256(content).hexdigest(), wanted, to)


def _tiny(folder, monkeypatch):
    """Pairs 0 to 19 of two packages, one of which has more."""
    shades = {"a": range(21), "b": range(20)}
    made = [
        _package(
            folder, f"{side}.tgz", _tar({f"package/{side}/{n:02d}.png": _png(n) for n in numbers} | {"notes": b""}),
            rf"{side}/(\d+)\.png", side.upper(),
        )
        for side, numbers in shades.items()
    ]  # fmt: skip
    recipe = Recipe(tuple(made), "name='unpaired', path={path!r}, heldout_pairs=True", "tiny")
    monkeypatch.setitem(packages.RECIPES, "tiny", recipe)
    return made


def test_pairs_become_a_folder_that_is_read(tmp_path, monkeypatch):
    _tiny(tmp_path, monkeypatch)
    output = str(tmp_path / "out")
    said = packages.prepare("tiny", output, str(tmp_path))
    assert said.splitlines()[0] == f"{output}: 2 in testA, 2 in testB, 18 in trainA, 18 in trainB"
    assert sorted(os.listdir(tmp_path / "out" / "testA")) == ["00.png", "10.png"]
    source = data.unpaired(path=output, heldout_pairs=True)
    assert [part.size for part in source.parts] == [18, 18]
    rest = source.heldout().read(np.arange(2))
    assert rest["real"][:, 0, 0, 0].tolist() == rest["source"][:, 0, 0, 0].tolist() == [0, 10]
    with pytest.raises(UsageError, match="the folder is not empty"):
        packages.prepare("tiny", output, str(tmp_path))


def test_only_the_right_file_is_used(tmp_path, monkeypatch):
    first, second = _tiny(tmp_path, monkeypatch)
    path = tmp_path / first.file
    path.write_bytes(b"something else")
    with pytest.raises(UsageError, match=f"{path}: expected the file of {first.url}, SHA-256 {first.sha256}"):
        packages.prepare("tiny", str(tmp_path / "out"), str(tmp_path))
    path.unlink()
    with pytest.raises(
        Fault, match=rf"{first.url} cannot be fetched \(.*refused.*\); put the file into {tmp_path}"
    ):
        packages.prepare("tiny", str(tmp_path / "out"), str(tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ending", ["tgz", "deb", "whl"])
def test_archives(tmp_path, ending):
    contents = {"x/photos/b.jpg": b"b", "x/photos/a.jpg": b"a", "x/photos/c.txt": b"c"}
    file = io.BytesIO()
    if ending == "whl":
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    else:
        file.write(_deb(contents) if ending == "deb" else _tar(contents))
    path = tmp_path / f"package.{ending}"
    path.write_bytes(file.getvalue())
    found = dict(packages.members(str(path), r"photos/([ab])\.jpg"))
    assert found == {"x/photos/b.jpg": b"b", "x/photos/a.jpg": b"a"}
    path.write_bytes(file.getvalue()[:60])
    with pytest.raises(UsageError, match=f"package.{ending}: not an archive that can be read"):
        list(packages.members(str(path), "jpg"))


def test_drawings_need_a_program_that_draws(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(packages.importlib, "import_module", missing)
    with pytest.raises(UsageError, match="not installed: pip install resvg-py"):
        packages.RECIPES["openmoji"].make(b"<svg/>")


def test_the_command_line_says_what_there_is(tmp_path):
    command = [sys.executable, "-m", "gan_jax.data.prepare", "emojis", f"--output={tmp_path}/out"]
    ended = subprocess.run(command, cwd=command_line.ROOT, text=True, capture_output=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: prepare: unknown name 'emojis'; did you mean emoji")
    assert ended.stderr.count("\n") == 1
