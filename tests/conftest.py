"""Fixtures that every test may use."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real reference files. Outside CI its absence skips the test, in CI it is a failure."""
    if SHARED.is_dir():
        return SHARED
    if os.environ.get("CI") == "true":
        pytest.fail(f"the reference files are missing: {SHARED}")
    pytest.skip("the reference files are not on this machine")


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
