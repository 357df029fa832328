"""Fixtures of the tests that need PyTorch (``make test-train``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from shapes import write_shapes


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine threads that wait for each other cost far more than they give."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data.yaml`` of 160 + 40 rendered pictures of shapes."""
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="session")
def few_shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data.yaml`` of 9 + 4 small ones, for runs whose outcome does not matter."""
    return write_shapes(tmp_path_factory.mktemp("few"), train=9, val=4, side=64, seed=1)
