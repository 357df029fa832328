"""The drop-in has the names, parameters and text of the package whose place it takes."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hailstack.emulator.install import dropin_path, install
from hailstack.emulator.settings import Settings

GOLDEN = Path(__file__).parents[2] / "golden"
PROFILES = ("4.20", "4.23", "5.2")


def differences(profile: str) -> list[str]:
    """What this process's ``hailo_platform`` lacks or does otherwise."""
    listing = json.loads((GOLDEN / f"hailo_platform_{profile}.json").read_text())
    return [line for name, module in listing.items() for line in in_module(importlib.import_module(name), module)]


def in_module(module: ModuleType, listing: dict[str, Any]) -> Iterator[str]:
    where = module.__name__
    yield from (f"{where}.{name} is missing" for name in listing["names"] if not hasattr(module, name))
    if listing["all"] is not None and sorted(getattr(module, "__all__", ())) != listing["all"]:
        yield f"{where}.__all__ differs"
    yield from in_namespace(where, module, listing, vars(module))


def in_namespace(where: str, owner: Any, listing: dict[str, Any], names: dict[str, Any]) -> Iterator[str]:
    for name, wanted in listing["functions"].items():
        found = inspect.getattr_static(owner, name, None)
        yield from compare(f"{where}.{name}", found, wanted, names)
    for name, wanted in listing["classes"].items():
        found = getattr(owner, name, None)
        if found is None:
            yield f"{where}.{name} is missing"
            continue
        ancestors = {ancestor.__name__ for ancestor in found.__mro__}
        yield from (f"{where}.{name} is no {base}" for base in wanted["bases"] if base not in ancestors)
        yield from (f"{where}.{name}.{one} is missing" for one in wanted["names"] if not hasattr(found, one))
        yield from in_namespace(f"{where}.{name}", found, wanted, names)


def compare(where: str, found: Any, wanted: str, names: dict[str, Any]) -> Iterator[str]:
    kind, _, rest = wanted.partition("(")
    if found is None:
        yield f"{where} is missing"
    elif kind == "property":
        yield from () if isinstance(found, property) else (f"{where} is no property",)
    elif (kind in ("staticmethod", "classmethod")) != isinstance(found, staticmethod | classmethod):
        yield f"{where} is no {kind}"
    else:
        expected = inspect.signature(eval(f"lambda {rest.removesuffix(')')}: None", names))
        actual = inspect.signature(getattr(found, "__func__", found))
        yield from () if actual == expected else (f"{where}{actual} should be {expected}",)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.filterwarnings("ignore")
def test_every_public_name_and_parameter_of_the_vendors_package_is_there(profile: str) -> None:
    script = f"from test_dropin_names import differences; print(differences({profile!r}))"
    environment: dict[str, str] = {"PYTHONPATH": f"{dropin_path()}:{Path(__file__).parent}"}
    Settings(profile=profile).to_environment(environment)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_inner_package_is_empty() -> None:
    install()
    inner = importlib.import_module("hailo_platform.pyhailort")
    assert not hasattr(inner, "HEF")
    assert (dropin_path() / "hailo_platform" / "pyhailort" / "__init__.py").read_text() == ""


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("HEF", "hailo_platform.pyhailort.pyhailort"),
        ("HailoRTTimeout", "hailo_platform.pyhailort.pyhailort"),
        ("FormatType", "hailo_platform.pyhailort._pyhailort"),
        ("HailoSchedulingAlgorithm", "hailo_platform.pyhailort.pyhailort"),
        ("VStreamInfo", "hailo_platform.pyhailort._pyhailort"),
        ("HailoRTStatusException", "hailo_platform.pyhailort._pyhailort"),
    ],
)
def test_types_say_that_they_come_from_the_vendors_modules(name: str, module: str) -> None:
    install()
    assert getattr(importlib.import_module(module), name).__module__ == module
