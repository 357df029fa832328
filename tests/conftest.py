"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of an installed program. Outside CI its absence skips the test, in CI it is a failure."""

    def find(name: str) -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if path is None and os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing")
        if path is None:
            pytest.skip(f"{name} is not on this machine (Debian: apt install {name.lower()})")
        return path

    return find


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Any]:
    """A real browser without a screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session", autouse=True)
def sensitive_to_interrupts() -> None:
    """A shell lets its background jobs ignore Ctrl-C, and programs that they start inherit it. Tests send signals."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Emulated chips of this run alone: what else runs on this machine must not hold them."""
    folder = str(tmp_path_factory.mktemp("bus"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield
