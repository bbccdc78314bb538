"""The READMEs of folders: they name every module, their Python parses, and the names in them exist."""

import ast
import importlib
import importlib.util
import pathlib
import re
import textwrap

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "gan_jax"
READMES = sorted(PACKAGE.rglob("README.md"))
NAME = re.compile(r"gan_jax(?:\.[A-Za-z_]\w*)+")
# A module that a README has its reader write.
NEW = re.compile(r"new file, for example `(gan_jax[\w/]+)\.py`")
IDS = [path.parent.name for path in READMES]


def _parts(path):
    """The README's Python blocks, and its text without any block."""
    text = path.read_text()
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^ *```\w*\n.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for language, code in blocks if language == "python"], prose


def _exists(name):
    """Tells if a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            spec = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # Its parent is no package.
            continue
        if spec is None:
            continue
        value = None if length == len(parts) else importlib.import_module(module)
        for attribute in parts[length:]:
            if not hasattr(value, attribute):
                return False
            value = getattr(value, attribute)
        return True
    return False


def test_dotted_names_that_do_not_exist_are_noticed():
    for name in ("gan_jax.main", "gan_jax.data.source.Source", "gan_jax.types.Game.sample", "gan_jax.load"):
        assert _exists(name), name
    for name in (
        "gan_jax.nowhere",
        "gan_jax.data.source.Nothing",
        "gan_jax.types.Game.eat",
        "gan_jax.main.x.y",
    ):
        assert not _exists(name), name


@pytest.mark.parametrize("path", READMES, ids=IDS)
def test_names_every_module_of_its_folder(path):
    prose = _parts(path)[1]
    modules = [module.name for module in path.parent.glob("*.py") if module.read_text().strip()]
    assert [name for name in sorted(modules) if f"`{name}`" not in prose] == []


@pytest.mark.parametrize("path", READMES, ids=IDS)
def test_python_blocks_parse(path):
    for code in _parts(path)[0]:
        ast.parse(code)


@pytest.mark.parametrize("path", READMES, ids=IDS)
def test_names_in_the_text_and_imports_in_the_code_exist(path):
    blocks, prose = _parts(path)
    names = [name for span in re.findall(r"`([^`]+)`", prose) for name in NAME.findall(span)]
    for node in (node for code in blocks for node in ast.walk(ast.parse(code))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("gan_jax"):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if alias.name.startswith("gan_jax")]
    new = tuple(module.replace("/", ".") for module in NEW.findall(prose))
    assert [name for name in names if not _exists(name) and not name.startswith(new)] == []
