"""What programs need around them, made once and kept: HEFs and Python environments."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from catalogue import Model, Program
from checkout import SetupError
from edits import EDITS

from hailstack.imaging import Preprocess, read_image

HAILSTACK = Path(__file__).resolve().parents[2]
"""The checkout of Hailstack that this script belongs to."""

DEMO = HAILSTACK / "src" / "hailstack" / "demo" / "data" / "flowers.onnx"
"""The detector that comes with Hailstack."""

NUMPY = "numpy<2"
"""What HailoRT 4.x wants, and with it the programs written for it."""


@dataclass(frozen=True, slots=True)
class Supplies:
    """Where things come from and where what is made of them is kept."""

    models: Path
    data: Path
    cache: Path

    def hef(self, model: Model) -> Path:
        """The HEF of ``model``, compiled now if it was not before.

        Raises:
            SetupError: a file is missing or the compiler refused.
        """
        if model.hef is not None:
            return self.file(self.data, model.hef)
        arguments = self._compile_arguments(model)
        version = hashlib.sha256(repr(arguments).encode()).hexdigest()[:8]
        hef = self.cache / "models" / version / f"{model.name}.hef"
        if not hef.is_file():
            hef.parent.mkdir(parents=True, exist_ok=True)
            _run([*_hailstack(), "compile", *arguments, "--output", str(hef)], f"compiling {model.name}")
        return hef

    def twin(self, model: Model) -> list[str]:
        """The options of ``hailstack emulate`` that a vendor's HEF needs; none for one of ours."""
        if model.hef is None:
            return []
        return ["--twin", f"{self.hef(model)}={self.file(self.models, model.onnx)}{model.twin}"]

    def python(self, programs: Iterable[Program], *, display: bool) -> Path:
        """A Python with Hailstack and all that ``programs`` import.

        OpenCV comes without windows, and with them for programs that open one.
        """
        needs = sorted({need for program in programs for need in program.pip})
        folder = self.cache / ("python-windows" if display else "python")
        stamp = folder / "needs.txt"
        wanted = "\n".join(needs)
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            _make_environment(folder, needs, display)
            stamp.write_text(wanted, encoding="utf-8")
        return folder / "bin" / "python"

    def file(self, folder: Path, name: str) -> Path:
        """``name`` in ``folder``.

        Raises:
            SetupError: it is not there.
        """
        if not (folder / name).exists():
            message = f"{folder / name} is not there; docs/compatibility.md says where it is from"
            raise SetupError(message)
        return (folder / name).resolve()

    def _compile_arguments(self, model: Model) -> list[str]:
        arguments = [str(self.onnx(model)), *model.options]
        arguments += [] if "--name" in model.options else ["--name", Path(model.onnx).stem]
        arguments += ["--calibration", str(self.file(self.data, model.calibration or ""))]
        return arguments + (["--labels", str(self.file(self.data, model.labels))] if model.labels else [])

    def frames(self, folder: Path, size: tuple[int, int], layout: str, limit: int) -> Path:
        """The first pictures of a folder as arrays of one size: a file, or a folder with one for each."""
        key = hashlib.sha256(repr((str(folder), size, layout, limit)).encode()).hexdigest()[:12]
        made = self.cache / "frames" / (key if layout == "files" else f"{key}.npy")
        if not made.exists():
            made.parent.mkdir(parents=True, exist_ok=True)
            _save_frames(sorted(folder.iterdir())[: limit or None], size, layout, made)
        return made

    def onnx(self, model: Model) -> Path:
        """The ONNX file of ``model``, changed as it says.

        Raises:
            SetupError: it is not there.
        """
        source = DEMO if model.onnx == DEMO.name else self.file(self.models, model.onnx)
        if model.edit is None:
            return source
        edited = self.cache / "models" / f"{model.edit} {source.name}"
        if not edited.is_file():
            edited.parent.mkdir(parents=True, exist_ok=True)
            onnx.save(EDITS[model.edit](onnx.load(source)), edited)
        return edited


def _make_environment(folder: Path, needs: list[str], display: bool) -> None:
    _run([sys.executable, "-m", "venv", str(folder)], "making an environment")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--editable", f"{HAILSTACK}[fast]", NUMPY, *needs], "installing what the programs import")
    if display:
        _run([*pip, "--force-reinstall", "--no-deps", "opencv-python<4.12"], "installing OpenCV with windows")


def _save_frames(files: list[Path], size: tuple[int, int], layout: str, to: Path) -> None:
    fit = Preprocess(*size, mode="letterbox", colour="GREY" if layout == "grey" else "RGB")
    frames = np.stack([fit.apply(read_image(file))[0] for file in files])
    if layout == "files":
        to.mkdir()
        for file, frame in zip(files, frames, strict=True):
            np.save(to / f"{file.stem}.npy", frame)
    else:
        np.save(to, frames.transpose(0, 3, 1, 2) if layout == "nchw" else frames)


def _hailstack() -> list[str]:
    return [sys.executable, "-m", "hailstack"]


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        message = f"{what} failed with exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}"
        raise SetupError(message)
