"""Lists the names and parameters of the vendor's Python package, from its sources, as JSON.

The lists beside this file were made with it::

    git clone https://github.com/hailo-ai/hailort
    python tests/golden/list_hailo_platform.py hailort v4.23.0 > tests/golden/hailo_platform_4.23.json
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys

ROOT = "hailort/libhailort/bindings/python/platform"
LEFT_OUT = ("hailocli", "common/")


def list_package(checkout: str, tag: str) -> dict[str, object]:
    """Module name → what it defines, for every public module of the package."""
    files = git(checkout, "ls-tree", "-r", "--name-only", tag, f"{ROOT}/hailo_platform").split()
    python = [name for name in files if name.endswith(".py") and not any(part in name for part in LEFT_OUT)]
    return {module_name(name): list_module(git(checkout, "show", f"{tag}:{name}")) for name in python}


def git(checkout: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", checkout, *arguments], check=True, capture_output=True, text=True).stdout


def module_name(path: str) -> str:
    dotted = path.removeprefix(f"{ROOT}/").removesuffix(".py").replace("/", ".")
    return dotted.removesuffix(".__init__")


def list_module(source: str) -> dict[str, object]:
    tree = ast.parse(source)
    names = [target.id for node in tree.body for target in assigned(node)]
    exported = next((ast.literal_eval(node.value) for node in tree.body if defines_all(node)), None)
    return {
        "names": sorted({*names, *imported(tree)} - {"__all__"}),
        "all": None if exported is None else sorted(exported),
        **list_body(tree.body),
    }


def assigned(node: ast.stmt) -> list[ast.Name]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target for target in targets if isinstance(target, ast.Name) and is_public(target.id)]


def imported(tree: ast.Module) -> list[str]:
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    own = [node for node in nodes if (node.module or "").startswith("hailo_platform")]
    return [alias.asname or alias.name for node in own for alias in node.names if is_public(alias.name)]


def defines_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)


def list_body(body: list[ast.stmt]) -> dict[str, object]:
    functions = [node for node in body if isinstance(node, ast.FunctionDef) and is_public(node.name)]
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    return {
        "functions": {node.name: describe(node) for node in functions},
        "classes": {node.name: list_class(node) for node in classes},
    }


def list_class(node: ast.ClassDef) -> dict[str, object]:
    attributes = [target.id for statement in node.body for target in assigned(statement)]
    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    return {"bases": [base for base in bases if base != "object"], "names": attributes, **list_body(node.body)}


def describe(node: ast.FunctionDef) -> str:
    """For example ``function(self, name='')``, ``staticmethod(params=None)``, ``property(self)``."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    kinds = [kind for kind in ("property", "staticmethod", "classmethod") if kind in decorators]
    for arg in ast.walk(node.args):
        if isinstance(arg, ast.arg):
            arg.annotation = None
    return f"{kinds[0] if kinds else 'function'}({ast.unparse(node.args)})"


def is_public(name: str) -> bool:
    return name == "__init__" or (name.isidentifier() and not name.startswith("_"))


if __name__ == "__main__":
    json.dump(list_package(*sys.argv[1:3]), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
