"""Our output scales beside those of the vendor's compiler, for networks of which both the ONNX and the HEF are there.

The vendor's calibration pictures are not known; ours are photos of the same kind of thing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import End, HeadPlan, cut
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.quantise.network import quantise
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.hef import read_hef
from hailstack.hef.formats import Direction, QuantInfo
from hailstack.hef.model import Stream
from hailstack.imaging import Preprocess, read_image

NORMALISED = "/norm/InstanceNormalization_output_0"
"""XFeat: the host does all before this tensor."""


def compare_scales(data: Path) -> list[dict[str, object]]:
    """One row an output."""
    rows = _compare_hand(data)
    for size in ("224x320", "480x640"):
        rows += _compare_xfeat(data, size)
    return rows


def _compare_hand(data: Path) -> list[dict[str, object]]:
    graph = load_graph(data / "onnx" / "hand_landmark_lite.onnx")
    streams = _streams(data / "hef" / "real" / "hand_landmark_lite_h8_v0_dfc3.25.hef")
    preprocess = Preprocess(224, 224, mode="stretch")
    photos = sorted((data / "images" / "hands").rglob("*.jpg"))
    frames = [preprocess.apply(read_image(path))[0] for path in photos]
    return _compare("hand_landmark_lite", graph, Normalisation(std=(255.0,) * 3), frames, streams)


def _compare_xfeat(data: Path, size: str) -> list[dict[str, object]]:
    streams = _streams(data / "hef" / "real" / f"xfeat_{size}_h8_v0_dfc3.27.hef")
    pixels = next(stream.quant for stream in streams if stream.direction is Direction.H2D)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "xfeat.onnx"
        source = data / "onnx" / f"xfeat_{size}.onnx"
        ends = [output.name for output in onnx.load(source).graph.output]
        onnx.utils.extract_model(str(source), str(path), [NORMALISED], ends)
        graph = load_graph(path)
    frames = list(_xfeat_frames(sorted((data / "images" / "coco_val").glob("*.jpg")), graph, pixels))
    normalisation = Normalisation((pixels.zp,), (1 / pixels.scale,))
    return _compare(f"xfeat_{size}", graph, normalisation, frames, streams)


def _xfeat_frames(photos: Sequence[Path], graph: Graph, pixels: QuantInfo) -> Iterator[NDArray[np.uint8]]:
    """Grey pictures of mean 0 and deviation 1, as integers of the vendor's input."""
    for path in photos:
        frame = Preprocess(*graph.input_hw, mode="stretch").apply(read_image(path))[0]
        grey = frame.mean(axis=2, keepdims=True)
        real = (grey - grey.mean()) / max(float(grey.std()), 1e-6)
        yield np.clip(np.rint(real / pixels.scale + pixels.zp), 0, 255).astype(np.uint8)


def _streams(path: Path) -> tuple[Stream, ...]:
    return read_hef(path).groups[0].streams


def _compare(
    name: str,
    graph: Graph,
    normalisation: Normalisation,
    frames: Sequence[NDArray[np.uint8]],
    streams: Sequence[Stream],
) -> list[dict[str, object]]:
    plan = HeadPlan("raw", tuple(End(tensor, "raw") for tensor in graph.outputs))
    network = quantise(cut(graph, plan), plan, normalisation, frames)
    rows = []
    for output in network.outputs:
        names = {output.end.tensor, graph.producers[output.end.tensor].name}
        theirs = next(
            s.quant for s in streams if s.direction is Direction.D2H and names.intersection(s.original_names)
        )
        ours = output.scale.quant_info
        rows.append(
            {
                "network": name,
                "output": output.end.tensor,
                "ours": [ours.limvals_min, ours.limvals_max],
                "vendor": [theirs.limvals_min, theirs.limvals_max],
                "scale_ratio": round(ours.scale / theirs.scale, 3),
            }
        )
    return rows
