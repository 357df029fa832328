"""How long the metadata of a HEF takes, beside the digest that the format wants checked and the limit of 50 ms.

Prints one JSON object. Files are given as arguments; else the shared reference files; else a synthetic one of 5 MB.
``peak_bytes`` is the most memory that Python held while reading: the file itself is mapped, not copied.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hailstack.errors import HefError
from hailstack.hef import EMULATED_GRAPH, Direction, FormatOrder, HefBlueprint, Shape, StreamPlan, read_hef, write_hef
from hailstack.hef.header import SIZES, file_digest

LIMIT_MS = 50.0
ROUNDS = 30
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "hef" / "real"


def times_ms(work: Callable[[], object]) -> dict[str, float]:
    """Minimum and median of some rounds."""
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return {"min_ms": round(min(took), 3), "median_ms": round(statistics.median(took), 3)}


def peak_bytes(path: Path) -> int:
    """The most memory that Python held for one reading."""
    tracemalloc.start()
    hef = read_hef(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak if hef.content else 0


def measure(path: Path) -> dict[str, Any]:
    """One file: reading it, and only the digest of what follows its header."""
    hef = read_hef(path)
    rest = hef.content[SIZES[hef.header.version] :]
    reading = times_ms(lambda: read_hef(path))
    digest = times_ms(lambda: file_digest(hef.header.version, rest))
    return {
        "size_bytes": len(hef.content),
        "header_version": hef.header.version,
        "read": reading,
        "digest_only": digest,
        "peak_bytes": peak_bytes(path),
        "within_limit": reading["median_ms"] < LIMIT_MS,
    }


def synthetic(folder: Path) -> Path:
    """A HEF with 5 MB of graph."""
    streams = (
        StreamPlan("net/input_layer1", Direction.H2D, Shape(224, 224, 3)),
        StreamPlan("net/fc1", Direction.D2H, Shape(1, 1, 1000), order=FormatOrder.NC),
    )
    write_hef(folder / "synthetic_5mb.hef", HefBlueprint("net", streams, graphs={EMULATED_GRAPH: bytes(5 << 20)}))
    return folder / "synthetic_5mb.hef"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(argument) for argument in sys.argv[1:]] or sorted(SHARED.glob("*.hef"))
        report: dict[str, Any] = {}
        for path in [*paths, synthetic(Path(folder))]:
            try:
                report[path.name] = measure(path)
            except HefError as error:
                report[path.name] = {"refused": int(error.status)}
    print(json.dumps({"limit_ms": LIMIT_MS, "files": report}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
