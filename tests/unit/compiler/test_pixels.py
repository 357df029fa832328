from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.quantise.pixels import Normalisation, take_pixels
from hailstack.errors import ConfigError
from tiny_networks import write_classifier

PICTURE = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)


def run(graph: Graph, feed: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph.model.SerializeToString())
    return session.run(None, {graph.input: feed})[0]


@pytest.mark.parametrize(
    "normalisation",
    [
        Normalisation(),
        Normalisation(std=(255.0, 255.0, 255.0)),
        Normalisation((128.0,) * 3, (128.0,) * 3, bgr=True),
        Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        Normalisation((104.0, 117.0, 123.0), (1.0, 1.0, 1.0), bgr=True),
        Normalisation((-5.0,) * 3, (2.0,) * 3),
    ],
)
def test_pixels_give_what_normalised_input_gave(tmp_path: Path, normalisation: Normalisation) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx", softmax=False))
    inside = take_pixels(graph, normalisation)
    picture = PICTURE[..., ::-1] if normalisation.bgr else PICTURE
    real = (picture.astype(np.float32) - normalisation.mean) / normalisation.std
    expected = run(graph, real.transpose(0, 3, 1, 2).astype(np.float32))
    assert inside.shapes[inside.input] == (1, 64, 64, 3)
    np.testing.assert_allclose(run(inside, PICTURE), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_fraction_of_the_mean_goes_into_the_bias(tmp_path: Path) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx", softmax=False))
    normalisation = Normalisation((127.5,) * 3, (127.5,) * 3)
    inside = take_pixels(graph, normalisation)
    expected = run(graph, ((PICTURE.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2))
    assert normalisation.zero_point == 128
    # Only the padding at the picture's border may tell the difference.
    np.testing.assert_allclose(run(inside, PICTURE), expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("std", [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (np.inf, 1.0, 1.0)])
def test_a_deviation_that_makes_no_sense_is_refused(std: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="std"):
        Normalisation(std=std)
