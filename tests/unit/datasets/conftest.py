"""Datasets that tests copy and damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from verify_samples import write_flowers


@pytest.fixture(scope="session")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLO dataset of seven rendered pictures without damage. Not to be changed."""
    folder = tmp_path_factory.mktemp("flowers")
    write_flowers(folder)
    return folder


@pytest.fixture
def field(flowers: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(flowers, tmp_path / "field")
