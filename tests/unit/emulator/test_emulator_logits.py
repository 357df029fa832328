from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.emulator.host.layout import pack_frame, transfer_bytes
from hailstack.emulator.host.ops.floats import exp, exp_packet, softmax
from hailstack.emulator.host.ops.logits import Argmax, Softmax
from hailstack.emulator.host.transforms import FrameDecoder, plan_output
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import Stream

MAP = Format(FormatType.UINT8, FormatOrder.NHW)


def make_stream(order: FormatOrder, shape: Shape, hw: Shape, quant: QuantInfo | None = None) -> Stream:
    quant = quant or QuantInfo()
    size = transfer_bytes(hw.size)
    return Stream("g/s", "g/n", Direction.D2H, 0, Format(FormatType.UINT8, order), shape, hw, 1, size, quant, (quant,))


def argmax(stream: Stream, pixels: np.ndarray, format: Format = MAP) -> list[float]:
    shape = stream.shape
    out = np.zeros(shape.height * shape.width * format.type.dtype.itemsize, np.uint8)
    Argmax.of(stream, format).run(pack_frame(stream, pixels), out)
    return out.view(format.type.dtype).tolist()


@given(st.sampled_from(["NHWC", "NHCW", "F8CR"]), st.integers(2, 23), st.integers(0, 10**6))
def test_argmax_is_the_first_of_the_largest_features(order: str, features: int, seed: int) -> None:
    features += order == "F8CR" and features % 8 == 0
    hw = Shape(3, 8, features if order != "F8CR" else -(-features // 8) * 8)
    stream = make_stream(FormatOrder[order], Shape(3, 5, features), hw)
    pixels = np.random.default_rng(seed).integers(0, 5, (3, 5, features))

    assert argmax(stream, pixels) == [row.index(max(row)) for row in pixels.reshape(15, -1).tolist()]


def test_argmax_never_looks_into_a_full_last_chunk() -> None:
    # So does the vendor's library: it takes the remainder of the features for the last chunk, which is then none.
    stream = make_stream(FormatOrder.F8CR, Shape(1, 1, 16), Shape(1, 1, 16))

    assert argmax(stream, np.arange(16).reshape(1, 1, 16)) == [7]


@pytest.mark.parametrize("type_", [FormatType.UINT8, FormatType.UINT16, FormatType.FLOAT32])
def test_argmax_of_a_vector_is_one_number(type_: FormatType) -> None:
    stream = make_stream(FormatOrder.NC, Shape(1, 1, 5), Shape(1, 1, 8))

    assert argmax(stream, np.array([1, 7, 3, 7, 0]), Format(type_, FormatOrder.NC)) == [1]


@pytest.mark.parametrize(
    ("features", "format"),
    [
        (256, MAP),
        (4, Format(FormatType.UINT8, FormatOrder.NHWC)),
        (4, Format(FormatType.UINT8, FormatOrder.NC)),
    ],
)
def test_argmax_refuses_what_it_cannot_write(features: int, format: Format) -> None:
    shape = Shape(2, 8, features)

    with pytest.raises(StatusError) as refused:
        Argmax.of(make_stream(FormatOrder.NHCW, shape, shape), format)
    assert refused.value.status is Status.INVALID_OPERATION


# sha256 of what Eigen 3.4 makes of the same lines (g++ 12, x86-64, -O2), first 16 digits.
FROM_EIGEN = {
    3: "603c45f31e99433a",
    8: "3d422031794309a4",
    21: "a56a6c23a6ca8abc",
    24: "ed5f2f60b85f8c1c",
    91: "1d8e7747ca6c9c59",
}


@pytest.mark.parametrize("features", FROM_EIGEN)
def test_softmax_has_the_bits_of_eigen(features: int) -> None:
    lines = ((np.arange(20 * features) * 37 % 97) - 48).astype(np.float32).reshape(20, features) / np.float32(8)

    got = softmax(lines)

    assert hashlib.sha256(got.astype("<f4").tobytes()).hexdigest()[:16] == FROM_EIGEN[features]


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 10**6))
def test_softmax_adds_up_to_one_and_keeps_the_order(features: int, lines: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(0, 5, (lines, features)).astype(np.float32)

    got = softmax(x)

    wanted = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(got, wanted / wanted.sum(1, keepdims=True), rtol=2e-6)


def test_both_exponentials_are_right_and_stop_at_the_ends() -> None:
    x = np.linspace(-80, 80, 10_001, dtype=np.float32)
    exact = np.exp(x.astype(np.float64))

    np.testing.assert_allclose(exp(x), exact, rtol=6e-8)
    np.testing.assert_allclose(exp_packet(x), exact, rtol=3e-7)
    assert exp(np.array([200, -200], np.float32)).tolist() == [np.inf, 0]
    assert np.isfinite(exp_packet(np.array([88, -200], np.float32))).all()


def test_softmax_dequantises_first() -> None:
    quant = QuantInfo(10.0, 0.5)
    stream = make_stream(FormatOrder.NHCW, Shape(1, 2, 2), Shape(1, 8, 2), quant)
    format = Format(FormatType.FLOAT32, FormatOrder.NHWC)
    device = pack_frame(stream, np.array([[[10, 10], [10, 14]]]))
    out = np.zeros(16, np.uint8)

    Softmax(FrameDecoder(plan_output(stream.hw_shape, stream.format, stream.shape, format, (quant,)))).run(device, out)

    e2 = np.exp(2.0)
    np.testing.assert_allclose(out.view(np.float32), [0.5, 0.5, 1 / (1 + e2), e2 / (1 + e2)], rtol=1e-6)


def test_softmax_writes_floats_only() -> None:
    with pytest.raises(StatusError, match="FLOAT32") as refused:
        Softmax.require(Format(FormatType.UINT8, FormatOrder.NHWC))
    assert refused.value.status is Status.INVALID_OPERATION
