"""Where the work is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hailstack.errors import InputError
from hailstack.training.extra import torch


def choose_device(wanted: str) -> torch.device:
    """``auto``: the first GPU, or the CPU where there is none.

    Raises:
        InputError: there is no such device, or PyTorch here cannot use it.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(f"cuda:{wanted}" if wanted.isdigit() else wanted)
    except RuntimeError as error:
        message = f"--device {wanted}: is none; there are auto, cpu, cuda, cuda:1 …"
        raise InputError(message) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        found = f"finds {count} of them" if count else "finds none (this is PyTorch " + torch.__version__ + ")"
        message = f"--device {wanted}: asks for an NVIDIA GPU, and PyTorch {found}; --device cpu works everywhere"
        raise InputError(message)
    if device.type not in ("cpu", "cuda"):
        message = f"--device {wanted}: training runs on cpu or cuda"
        raise InputError(message)
    return device


@contextmanager
def repeatable() -> Iterator[None]:
    """Within: a GPU takes the same algorithm each time, so that a run can be repeated."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


@contextmanager
def enough_memory(device: torch.device, batch: int, side: int) -> Iterator[None]:
    """Within: memory that runs out is the user's to mend.

    Raises:
        InputError: it did.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        told = str(error)
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in told:
            raise
        message = (
            f"out of memory on {device} with --batch {batch} and --imgsz {side}: "
            f"try --batch {max(1, batch // 2)}, a smaller --imgsz or a smaller --model"
        )
        raise InputError(message) from error
