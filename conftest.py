"""What all tests share, those that need PyTorch too."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("steady", deadline=None)
hypothesis.settings.load_profile("steady")

SHARED = Path(__file__).resolve().parents[1] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real reference files. Outside CI its absence skips the test, in CI it is a failure."""
    if SHARED.is_dir():
        return SHARED
    if os.environ.get("CI") == "true":
        pytest.fail(f"the reference files are missing: {SHARED}")
    pytest.skip("the reference files are not on this machine")
