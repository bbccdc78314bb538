"""Every public function, method and record of the package is annotated; mypy checks the annotations in .ci/run."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "gan_jax"


def _functions(tree):
    """Public functions of a module and public methods of its public classes, with `__init__` and `__call__`."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                public = isinstance(method, ast.FunctionDef) and (
                    not method.name.startswith("_") or method.name in ("__init__", "__call__")
                )
                if public:
                    yield f"{node.name}.{method.name}", method
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node


def _bare(function):
    """Names of parameters without annotation, and `return`."""
    parameters = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    parameters += [extra for extra in (function.args.vararg, function.args.kwarg) if extra]
    bare = [p.arg for p in parameters if p.annotation is None and p.arg not in ("self", "cls")]
    return bare + ["return"] * (function.returns is None)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_public_functions_are_annotated(path):
    tree = ast.parse(path.read_text())
    found = {name: bare for name, function in _functions(tree) if (bare := _bare(function))}
    assert not found


def test_the_check_sees_what_it_should():
    code = "class A:\n def __call__(self, x): ...\n def _b(self): ...\ndef c(x: int, *y) -> int: ...\ndef d() -> None: ..."
    assert {name: _bare(f) for name, f in _functions(ast.parse(code))} == {
        "A.__call__": ["x", "return"],
        "c": ["y"],
        "d": [],
    }


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
