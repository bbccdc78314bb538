"""READMEs name every file of their folder, their Python parses, their names, links and files exist, and they read well.

Their commands are run in `test_readme_commands.py`.
"""

import ast
import dataclasses
import importlib
import importlib.util
import pathlib
import re
import textwrap

import pytest

from gan_jax import recipe

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "gan_jax").rglob("README.md"))
FOLDERS = ("configs", "configs/studies", "launch", "tests")
READMES = [ROOT / "README.md", *(ROOT / folder / "README.md" for folder in FOLDERS), *PACKAGE]
NAME = re.compile(r"gan_jax(?:\.[A-Za-z_]\w*)+")
# A module that a README has its reader write.
NEW = re.compile(r"new file, for example `(gan_jax[\w/]+)\.py`")
PLACE = re.compile(r"`((?:gan_jax|configs|launch|tests|\.ci)/[\w./-]*)`")
COMMAND = re.compile(
    r"^(?:[A-Z]+=\S+ )?(?:python -m ([\w.]+)|python ([\w/]+\.py)|(launch/\w+\.sh))", re.MULTILINE
)
FLAG = re.compile(r"(?<=\s)--([a-z_]+)")


def _id(path):
    return str(path.parent.relative_to(ROOT))


def _parts(path):
    """The README's Python blocks, and its text without any block."""
    text = path.read_text()
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^ *```\w*\n.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for language, code in blocks if language == "python"], prose


def _sentences(prose):
    """The sentences of paragraphs and items, without tables and headings; a code span or a link is its words."""
    lines = ["" if line.lstrip().startswith(("|", "#")) else line for line in prose.splitlines()]
    for part in re.split(r"\n\s*\n|\n *(?:- |\d+\. )", "\n".join(lines)):
        words = re.sub(r"`[^`]*`", "code", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", part))
        yield from re.split(r"(?<=[.!?])[)\"*]*\s+(?=[A-Z*(\"]|code)", words.strip())


def test_a_sentence_ends_at_its_full_stop_and_with_its_item():
    prose = "- One `a. b` of\n  2.5 [links](x.md).\n- Two, e.g. these.\n\n| a | table |\n\nThree! Four"
    sentences = [" ".join(sentence.split()) for sentence in _sentences(prose)]
    assert [sentence for sentence in sentences if sentence] == [
        "- One code of 2.5 links.", "Two, e.g. these.", "Three!", "Four"
    ]  # fmt: skip


@pytest.mark.parametrize("path", READMES, ids=_id)
def test_lines_fit_a_screen_and_sentences_are_short(path):
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("|")]
    assert [line for line in lines if len(line) > 120] == []
    assert [sentence for sentence in _sentences(_parts(path)[1]) if len(sentence.split()) >= 35] == []


def test_the_first_page_is_short():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200 and len(text.encode()) <= 13_000


def test_lines_of_code_fit():
    files = sorted((ROOT / "gan_jax").rglob("*.py"))
    lines = [(file.name, line) for file in files for line in file.read_text().splitlines()]
    assert [place for place in lines if len(place[1]) > 120] == []


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
        "gan_jax.recipe.x.y",
    ):
        assert not _exists(name), name


@pytest.mark.parametrize("path", PACKAGE, ids=_id)
def test_names_every_module_of_its_folder(path):
    prose = _parts(path)[1]
    modules = [module.name for module in path.parent.glob("*.py") if module.read_text().strip()]
    assert [name for name in sorted(modules) if f"`{name}`" not in prose] == []


def test_launch_readme_names_every_script():
    text = (ROOT / "launch" / "README.md").read_text()
    assert [
        path.name for path in sorted((ROOT / "launch").glob("*.sh")) if f"`{path.name}`" not in text
    ] == []


@pytest.mark.parametrize("path", READMES, ids=_id)
def test_python_blocks_parse(path):
    for code in _parts(path)[0]:
        ast.parse(code)


@pytest.mark.parametrize("path", READMES, ids=_id)
def test_names_in_the_text_and_imports_in_the_code_exist(path):
    blocks, prose = _parts(path)
    names = [name for span in re.findall(r"`([^`]+)`", prose) for name in NAME.findall(span)]
    names += [name for code in blocks for name in NAME.findall(code)]
    for node in (node for code in blocks for node in ast.walk(ast.parse(code))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("gan_jax"):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if alias.name.startswith("gan_jax")]
    new = tuple(module.replace("/", ".") for module in NEW.findall(prose))
    assert [name for name in names if not _exists(name) and not name.startswith(new)] == []


def _anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", READMES, ids=_id)
def test_links_and_paths_point_to_files(path):
    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            file, _, anchor = target.partition("#")
            place = (path.parent / file) if file else path
            assert place.exists(), target
            assert not anchor or anchor in _anchors(place), target
    missing = [place for place in PLACE.findall(text) if not (ROOT / place).exists()]
    # Files that an example tells the reader to write.
    assert [place for place in missing if not re.search(rf"new file.*`{place}`", text, re.S)] == []


def commands(path):
    """The lines of the shell blocks, without comments, each command on one line."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)
    return re.sub(r"\\\n *", "", re.sub(r" +#.*", "", "".join(blocks))).splitlines()


@pytest.mark.parametrize("path", READMES, ids=_id)
def test_commands_and_their_config_files_exist(path):
    text = "\n".join(commands(path))
    for module, script, shell in COMMAND.findall(text):
        assert not module or importlib.util.find_spec(module), module
        assert (ROOT / (script or shell)).exists()
    configs = re.findall(r"--config=([\w/]+\.py)", text)
    assert [name for name in configs if not (ROOT / name).exists() and "NAME" not in name] == []


@pytest.mark.parametrize("path", READMES, ids=_id)
def test_flags_of_commands_exist(path):
    for command in commands(path):
        module = re.search(r"python -m (gan_jax[\w.]*)", command)
        if module:
            place = ROOT / module[1].replace(".", "/")
            # The benchmark's commands share flags.
            files = [
                place.with_suffix(".py"),
                place / "__main__.py",
                ROOT / "gan_jax/benchmark/shared_flags.py",
            ]
            source = "".join(file.read_text() for file in files if file.is_file())
            defined = re.findall(r"DEFINE\w*\(\s*(?:[\w.()]+,\s*)?\"(\w+)\"", source)
            assert set(FLAG.findall(command)) <= set(defined), command
            fields = re.findall(r"--config\.(?:base\.)?(\w+)", command)
            assert set(fields) <= {field.name for field in dataclasses.fields(recipe.Recipe)}, command
