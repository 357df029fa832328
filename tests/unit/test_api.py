"""The names that a program uses: there when they are asked for, and no import of anything before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hailstack


def test_the_package_alone_imports_next_to_nothing() -> None:
    code = "import hailstack, sys; print([m for m in sys.modules if m.startswith(('hailstack.', 'numpy', 'cv2'))])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_compile_and_detector_are_those_of_their_rooms() -> None:
    from hailstack.compiler import compile_model
    from hailstack.pipeline.detector import Detector

    assert hailstack.compile is compile_model
    assert hailstack.Detector is Detector


def test_the_names_are_listed_and_others_are_refused() -> None:
    assert {"train", "export", "compile", "Detector"} <= set(dir(hailstack))
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        hailstack.frobnicate  # noqa: B018
