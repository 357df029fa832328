from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from hailstack.compiler.graph.model import Graph, Scaling, as_maps, load_graph
from hailstack.compiler.graph.proof import differences, same_function
from hailstack.errors import ConfigError, ModelError, NotFoundError
from tiny_networks import NetworkWriter, write_classifier, write_yolov8


def write(path: Path, text: str, opset: int = 17, **weights: np.ndarray) -> Path:
    """An ONNX file from the text form of a graph; ``weights`` are its constants."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> {text}')
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.save(model, path)
    return path


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def kinds(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.nodes]


CONV = "g (float[N,3,8,8] x) => (float[N,4,8,8] y) { y = Conv <pads=[1,1,1,1]> (x, w) }"
WEIGHTS = numbers(4, 3, 3, 3)


# What goes in


def test_an_open_batch_becomes_one_picture(tmp_path: Path) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx", batch="batch"))
    assert graph.shapes[graph.input] == (1, 3, 64, 64)
    assert graph.shape("logits") == (1, 5)


def test_a_larger_batch_becomes_one_picture(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.onnx", batch=8)
    graph = load_graph(path)
    assert graph.shape("probabilities") == (1, 5)
    assert same_function(path, graph)


def test_a_batch_that_is_written_into_the_network_is_refused(tmp_path: Path) -> None:
    text = "g (float[8,3,4,4] x) => (float[8,6] y) { y = Reshape(x, shape) }"
    path = write(tmp_path / "net.onnx", text, shape=np.array([8, -1]))
    with pytest.raises(ModelError, match="exported for 8 pictures"):
        load_graph(path)


OPEN = "g (float[N,3,H,W] images) => (float[N,4,H,W] y) { y = Conv <pads=[1,1,1,1]> (images, w) }"


def test_an_open_size_is_refused_with_the_option_that_closes_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'images' has the open shape NxHxW|--input-shape images=1x3x640x640"):
        load_graph(write(tmp_path / "net.onnx", OPEN, w=WEIGHTS))


def test_an_open_size_is_closed_by_the_caller(tmp_path: Path) -> None:
    graph = load_graph(write(tmp_path / "net.onnx", OPEN, w=WEIGHTS), input_shapes={"images": (1, 3, 32, 48)})
    assert (graph.input_hw, graph.shape("y")) == ((32, 48), (1, 4, 32, 48))


def test_an_open_size_is_closed_by_what_the_exporter_noted(tmp_path: Path) -> None:
    model = onnx.load(write(tmp_path / "net.onnx", OPEN, w=WEIGHTS))
    model.metadata_props.add(key="imgsz", value="[32, 64]")
    onnx.save(model, tmp_path / "net.onnx")
    assert load_graph(tmp_path / "net.onnx").input_hw == (32, 64)


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ({"image": (1, 3, 8, 8)}, "no input 'image' .*inputs are x"),
        ({"x": (1, 3, 16, 16)}, r"fixed to Nx3x8x8 .*cannot become 1x3x16x16"),
        ({"x": (1, 3, 8)}, "cannot become 1x3x8"),
        ({"x": (4, 3, 8, 8)}, "one picture at a time"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(tmp_path: Path, shapes: dict, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        load_graph(write(tmp_path / "net.onnx", CONV, w=WEIGHTS), input_shapes=shapes)


@pytest.mark.parametrize("channels", [1, 3, 4, 32])
@pytest.mark.parametrize("last", [False, True])
def test_the_picture_is_found_with_any_channels_in_both_layouts(tmp_path: Path, channels: int, last: bool) -> None:
    shape = f"1,16,24,{channels}" if last else f"1,{channels},16,24"
    front = "t = Transpose <perm=[0,3,1,2]> (s)" if last else "t = Identity(s)"
    text = f"g (float[{shape}] x) => (y) {{ s = Mul(x, k) {front} y = Conv(t, w) }}"
    graph = load_graph(write(tmp_path / "net.onnx", text, w=numbers(4, channels, 1, 1), k=numbers()))
    assert (graph.channels, graph.input_hw, graph.channels_last) == (channels, (16, 24), last)


def test_several_inputs_load_and_are_named_when_one_is_asked_for(tmp_path: Path) -> None:
    text = "g (float[N,3,8,8] left, float[N,3,8,8] right) => (y) { y = Add(left, right) }"
    path = write(tmp_path / "net.onnx", text)
    graph = load_graph(path)
    assert graph.inputs == ("left", "right")
    assert same_function(path, graph)
    assert graph.input_hw == (8, 8)
    with pytest.raises(ModelError, match=r"takes 2 inputs \(left 1x3x8x8, right 1x3x8x8\)"):
        _ = graph.input


@pytest.mark.parametrize("order", ["mask, small, picture, features", "features, mask, picture, small"])
def test_results_refer_to_the_largest_picture_among_several_inputs(tmp_path: Path, order: str) -> None:
    sizes = {"mask": "1,12", "small": "1,3,8,8", "picture": "1,3,16,24", "features": "1,32,4,6"}
    inputs = ", ".join(f"float[{sizes[name]}] {name}" for name in order.split(", "))
    graph = load_graph(write(tmp_path / "net.onnx", f"g ({inputs}) => (y) {{ y = Relu(picture) }}"))
    assert (graph.picture, graph.input_hw) == ("picture", (16, 24))


def test_an_input_that_is_no_picture_is_named_when_one_is_asked_for(tmp_path: Path) -> None:
    graph = load_graph(write(tmp_path / "net.onnx", "g (float[N,12] x) => (y) { y = Relu(x) }"))
    with pytest.raises(ModelError, match="x 1x12 is no image"):
        _ = graph.input


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("1,12", (1, 1, 12)), ("12", (1, 1, 12)), ("1,5,12", (1, 5, 12)), ("3,8,10", (8, 10, 3)), ("5,12", (1, 5, 12))],
)
def test_inputs_that_are_no_maps_become_some(tmp_path: Path, shape: str, expected: tuple[int, int, int]) -> None:
    path = write(tmp_path / "net.onnx", f"g (float[{shape}] x) => (y) {{ y = Relu(x) }}")
    maps = as_maps(load_graph(path))
    assert maps.map_shape("x") == expected
    value = np.random.default_rng(0).normal(size=[int(size) for size in shape.split(",")]).astype(np.float32)
    session = onnxruntime.InferenceSession(maps.model.SerializeToString())
    assert np.array_equal(session.run(None, {"x": value.reshape(maps.shape("x"))})[0], np.maximum(value, 0))


def test_a_layout_can_be_told(tmp_path: Path) -> None:
    graph = load_graph(write(tmp_path / "net.onnx", "g (float[1,20,30,40] x) => (y) { y = Relu(x) }"))
    assert as_maps(graph, {"x": "NHWC"}).map_shape("x") == (20, 30, 40)
    assert as_maps(graph, {"x": "NCHW"}).map_shape("x") == (30, 40, 20)
    for layouts, words in (({"z": "NCHW"}, "no map 'z'.* are x"), ({"x": "CHW"}, "'CHW' of input 'x' is not known")):
        with pytest.raises(ConfigError, match=words):
            as_maps(graph, layouts)


def test_bytes_become_the_same_numbers_as_floats(tmp_path: Path) -> None:
    text = "g (uint8[1,8,8,3] x) => (y) { f = Cast <to=1> (x) t = Transpose <perm=[0,3,1,2]> (f) y = Conv(t, w) }"
    path = write(tmp_path / "net.onnx", text, w=WEIGHTS)
    graph = load_graph(path)
    assert (graph.scalings, graph.channels_last) == ({"x": Scaling(0.0, 1.0)}, True)
    assert kinds(graph) == ["Transpose", "Conv"]
    assert "x" in graph.reals
    assert same_function(path, graph)


@pytest.mark.parametrize("version", [3, 8])
def test_weights_listed_as_inputs_are_no_inputs(tmp_path: Path, version: int) -> None:
    model = onnx.load(write_classifier(tmp_path / "net.onnx", opset=9))
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    model.ir_version = version
    onnx.save(model, tmp_path / "old.onnx")
    assert load_graph(tmp_path / "old.onnx").input == "images"


# What stays, and what goes


@pytest.mark.parametrize("opset", [9, 11, 12, 13, 15, 17, 20, 22])
def test_every_operator_set_gives_the_same_function(tmp_path: Path, opset: int) -> None:
    path = write_classifier(tmp_path / "net.onnx", opset=opset)
    graph = load_graph(path)
    assert graph.model.opset_import[0].version == max(13, opset)
    assert same_function(path, graph)


def test_upsample_becomes_resize(tmp_path: Path) -> None:
    text = 'g (float[1,3,4,4] x) => (float[1,3,8,8] y) { y = Upsample <mode="nearest"> (x, scales) }'
    path = write(tmp_path / "net.onnx", text, opset=9, scales=np.array([1, 1, 2, 2], np.float32))
    graph = load_graph(path)
    assert kinds(graph) == ["Resize"]
    assert same_function(path, graph)


def test_a_lifted_softmax_over_the_last_axis_is_one_node(tmp_path: Path) -> None:
    text = "g (float[1,5,6] x) => (float[1,5,6] y) { y = Softmax <axis=2> (x) }"
    path = write(tmp_path / "net.onnx", text, opset=11)
    graph = load_graph(path)
    assert kinds(graph) == ["Softmax"]
    assert same_function(path, graph)


def test_an_old_softmax_over_several_axes_keeps_its_meaning(tmp_path: Path) -> None:
    text = "g (float[1,5,6] x) => (float[1,5,6] y) { y = Softmax <axis=1> (x) }"
    path = write(tmp_path / "net.onnx", text, opset=11)
    assert same_function(path, load_graph(path))


def test_every_tensor_has_a_shape(tmp_path: Path) -> None:
    graph = load_graph(write_yolov8(tmp_path / "net.onnx", tail=True))
    assert all(name in graph.shapes for node in graph.nodes for name in node.output)


def test_nodes_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    in_file = [node.output[0] for node in onnx.load(path).graph.node]
    assert [node.output[0] for node in load_graph(path).nodes] == in_file


def test_unsorted_nodes_with_one_name_are_sorted_and_told_apart(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["a"], ["y"], name="act"), helper.make_node("Sigmoid", ["x"], ["a"], name="act")]
    taken, given = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy")
    body = helper.make_graph(nodes, "g", [taken], [given])
    onnx.save(helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    assert [(node.op_type, node.name) for node in graph.nodes] == [("Sigmoid", "act_2"), ("Relu", "act")]


SHAPE_WORK = """g (float[N,4,6,6] x) => (y) {
    s = Shape(x) n = Gather <axis=0> (s, zero) m = Unsqueeze(n, axes) c = Concat <axis=0> (m, minus)
    f = Reshape(x, c) i = Identity(f) d = Dropout(i) y = Relu(d) }"""


def test_shape_arithmetic_and_idle_nodes_are_folded(tmp_path: Path) -> None:
    constants = {"zero": np.array(0), "axes": np.array([0]), "minus": np.array([-1])}
    path = write(tmp_path / "net.onnx", SHAPE_WORK, **constants)
    graph = load_graph(path)
    assert (kinds(graph), graph.shape("y")) == (["Reshape", "Relu"], (1, 144))
    assert same_function(path, graph)


@pytest.mark.parametrize("taken", [True, False])
def test_a_branch_with_a_known_condition_is_written_out(tmp_path: Path, taken: bool) -> None:
    text = """g (float[1,3,4,4] x) => (float[1,3,4,4] y) {
        r = Relu(x)
        z = If (flag) <then_branch = a () => (p) { q = Mul(r, two) p = Add(q, r) },
                       else_branch = b () => (p) { q = Sigmoid(r) p = Identity(q) }>
        q = Neg(z) y = Add(q, r) }"""
    path = write(tmp_path / "net.onnx", text, flag=np.array(taken), two=np.float32(2))
    graph = load_graph(path)
    assert "If" not in kinds(graph)
    assert ("Sigmoid" in kinds(graph)) is not taken
    assert same_function(path, graph)


def test_a_loop_that_needs_no_picture_is_computed(tmp_path: Path) -> None:
    text = """g (float[1,3,4,4] x) => (y) {
        k = Loop (trips, yes, one) <body = b (int64 i, bool c, float[] v) => (bool d, float[] w)
            { d = Identity(c) w = Add(v, v) }>
        y = Div(x, k) }"""
    constants = {"trips": np.array(3), "yes": np.array(True), "one": np.float32(1)}
    path = write(tmp_path / "net.onnx", text, **constants)
    graph = load_graph(path)
    assert (kinds(graph), graph.constants["k"]) == (["Div"], 8.0)


def test_a_branch_that_depends_on_the_picture_keeps_what_it_reads(tmp_path: Path) -> None:
    text = """g (float[1,3,4,4] x) => (y) {
        r = Relu(x) m = ReduceMax <keepdims=0> (x) f = Greater(m, half)
        y = If (f) <then_branch = a () => (p) { p = Sqrt(r) }, else_branch = b () => (p) { p = Neg(r) }> }"""
    path = write(tmp_path / "net.onnx", text, half=np.float32(0.5))
    graph = load_graph(path)
    assert same_function(path, graph)
    assert [node.op_type for node in graph.ancestors(graph.outputs)] == ["Relu", "ReduceMax", "Greater", "If"]


def test_functions_of_the_file_are_written_out(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 17, "own": 1]> g (float[1,3,4,4] x) => (y) { y = own.twice(x) }
        <domain: "own", opset_import: ["": 17]> twice (a) => (b) { b = Add(a, a) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    assert kinds(load_graph(tmp_path / "net.onnx")) == ["Add"]


# What goes into the weights


def normalisation(channels: int) -> dict[str, np.ndarray]:
    gains = {name: numbers(channels, seed=i) for i, name in enumerate(("gain", "offset", "mean"))}
    return {**gains, "variance": np.abs(numbers(channels, seed=9)) + 0.1}


NORM = "BatchNormalization({}, gain, offset, mean, variance)"


@pytest.mark.parametrize(
    ("layer", "weights"),
    [
        ("Conv <pads=[1,1,1,1]> (x, w)", (4, 4, 3, 3)),
        ("Conv <group=2> (x, w, b)", (4, 2, 1, 1)),
        ("ConvTranspose <strides=[2,2]> (x, w, b)", (4, 4, 2, 2)),
        ("ConvTranspose <strides=[2,2], group=2> (x, w)", (4, 2, 2, 2)),
    ],
)
def test_what_follows_a_convolution_goes_into_its_weights(tmp_path: Path, layer: str, weights: tuple) -> None:
    text = f"""g (float[1,4,6,6] x) => (y) {{
        c = {layer} n = {NORM.format("c")} m = Mul(n, factor) d = Div(m, two) s = Sub(one, d) y = Add(s, shift) }}"""
    constants = {"factor": numbers(1, 4, 1, 1), "two": np.float32(2), "one": np.float32(1), "shift": numbers(4, 1, 1)}
    path = write(tmp_path / "net.onnx", text, w=numbers(*weights), b=numbers(4), **normalisation(4), **constants)
    graph = load_graph(path)
    assert len(graph.nodes) == 1
    assert same_function(path, graph)


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_product_with_what_follows_becomes_one_node(tmp_path: Path, transposed: int) -> None:
    text = f"""g (float[1,4] x) => (y) {{
        p = Gemm <transB={transposed}> (x, w) n = {NORM.format("p")} r = Relu(n) m = MatMul(r, v) y = Add(b, m) }}"""
    weights = numbers(5, 4) if transposed else numbers(4, 5)
    path = write(tmp_path / "net.onnx", text, w=weights, v=numbers(5, 3), b=numbers(3), **normalisation(5))
    graph = load_graph(path)
    assert kinds(graph) == ["Gemm", "Relu", "Gemm"]
    assert same_function(path, graph)


def test_weights_that_two_layers_share_change_for_one_only(tmp_path: Path) -> None:
    text = f"g (float[1,4,6,6] x) => (y) {{ a = Conv(x, w) n = {NORM.format('a')} y = Conv(n, w) }}"
    path = write(tmp_path / "net.onnx", text, w=numbers(4, 4, 1, 1), **normalisation(4))
    graph = load_graph(path)
    assert kinds(graph) == ["Conv", "Conv"]
    assert same_function(path, graph)


def test_a_convolution_that_others_read_too_stays_as_it_is(tmp_path: Path) -> None:
    text = f"g (float[1,4,6,6] x) => (y) {{ a = Conv(x, w) n = {NORM.format('a')} y = Add(n, a) }}"
    path = write(tmp_path / "net.onnx", text, w=numbers(4, 4, 1, 1), **normalisation(4))
    graph = load_graph(path)
    assert kinds(graph) == ["Conv", "BatchNormalization", "Add"]
    assert same_function(path, graph)


def test_a_convolution_that_is_an_output_stays_as_it_is(tmp_path: Path) -> None:
    text = f"g (float[1,4,6,6] x) => (a, y) {{ a = Conv(x, w) y = {NORM.format('a')} }}"
    path = write(tmp_path / "net.onnx", text, w=numbers(4, 4, 1, 1), **normalisation(4))
    graph = load_graph(path)
    assert kinds(graph) == ["Conv", "BatchNormalization"]
    assert same_function(path, graph)


@pytest.mark.parametrize("reader", ["Conv(p, w)", "AveragePool <kernel_shape=[3,3]> (p)"])
@pytest.mark.parametrize(("pads", "folds"), [([0, 0, 1, 0, 0, 0, 2, 1], True), ([0, 1, 0, 0, 0, 0, 0, 0], False)])
def test_zeros_around_a_map_become_padding(tmp_path: Path, reader: str, pads: list, folds: bool) -> None:
    text = f"g (float[1,4,6,6] x) => (y) {{ p = Pad(x, pads) y = {reader} }}"
    channels = 4 + pads[1]
    path = write(tmp_path / "net.onnx", text, pads=np.array(pads), w=numbers(2, channels, 3, 3))
    graph = load_graph(path)
    assert ("Pad" not in kinds(graph)) is folds
    assert same_function(path, graph)


def test_names_of_nodes_and_tensors_survive(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx", tail=True)
    model = onnx.load(path)
    for place, node in enumerate(model.graph.node):
        node.name = f"node_{place}"
    onnx.save(model, path)
    before = {node.name: node for node in model.graph.node}
    for node in load_graph(path).nodes:
        assert node.op_type == before[node.name].op_type


def test_names_that_were_folded_lead_to_the_tensor_that_has_their_values(tmp_path: Path) -> None:
    text = f"""g (float[1,4,6,6] x) => (y) {{
        a = Conv(x, w) n = {NORM.format("a")} i = Identity(n) r = Relu(i) y = Identity(r) }}"""
    path = write(tmp_path / "net.onnx", text, w=numbers(4, 4, 1, 1), **normalisation(4))
    model = onnx.load(path)
    for node, name in zip(model.graph.node, ("first", "norm", "same", "act", "last"), strict=True):
        node.name = name
    onnx.save(model, path)
    graph = load_graph(path)
    assert kinds(graph) == ["Conv", "Relu"]
    for names, tensor in (("first norm same i n", "n"), ("act r last y", "y"), ("x", "x")):
        assert {graph.find(name) for name in names.split()} == {tensor}
    assert [graph.find(name) for name in ("a", "w", "nothing")] == [None] * 3


def test_turns_that_undo_each_other_vanish(tmp_path: Path) -> None:
    text = """g (float[1,3,4,5] x) => (y, z) {
        a = Transpose <perm=[0,2,3,1]> (x) b = Transpose <perm=[0,3,1,2]> (a) y = Relu(b)
        c = Transpose(a) z = Neg(c) }"""
    path = write(tmp_path / "net.onnx", text)
    graph = load_graph(path)
    assert kinds(graph) == ["Relu", "Transpose", "Neg"]
    assert same_function(path, graph)


# Number formats


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_precisions_become_float(tmp_path: Path, kind: int) -> None:
    name, number = ("float16", np.float16) if kind == TensorProto.FLOAT16 else ("double", np.float64)
    text = f"g ({name}[1,8] x) => (y) {{ c = MatMul(x, w) f = Cast <to=1> (c) y = Cast <to={kind}> (f) }}"
    path = write(tmp_path / "net.onnx", text, w=numbers(8, 4).astype(number))
    graph = load_graph(path)
    assert (kinds(graph), graph.reals) == (["MatMul"], {"x", "y"})
    assert same_function(path, graph, tolerance=5e-3)


def test_integer_weights_become_float(tmp_path: Path) -> None:
    text = "g (float[1,3,8,8] x) => (y) { w = DequantizeLinear <axis=0> (q, s) y = Conv(x, w) }"
    path = write(tmp_path / "net.onnx", text, q=(WEIGHTS * 127).astype(np.int8), s=np.full(4, 0.01, np.float32))
    graph = load_graph(path)
    assert kinds(graph) == ["Conv"]
    assert same_function(path, graph)


def test_a_quantised_network_is_refused(tmp_path: Path) -> None:
    text = "g (float[1,3,8,8] x) => (y) { q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }"
    path = write(tmp_path / "net.onnx", text, s=np.float32(0.1), z=np.uint8(3))
    with pytest.raises(ModelError, match=r"net\.onnx: is already quantised: 1 QuantizeLinear .*float model"):
        load_graph(path)


# Weights outside the file


def external(path: Path) -> Path:
    model = onnx.load(write(path, CONV, w=WEIGHTS))
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_weights_beside_the_file_are_read(tmp_path: Path) -> None:
    graph = load_graph(external(tmp_path / "net.onnx"))
    assert np.array_equal(graph.constants["w"], WEIGHTS)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    path = external(tmp_path / "net.onnx")
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(NotFoundError, match=r"net\.onnx: .*weights\.bin, which is missing"):
        load_graph(path)


def test_weights_that_are_cut_off_are_named(tmp_path: Path) -> None:
    path = external(tmp_path / "net.onnx")
    (tmp_path / "weights.bin").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match=r"'w' end at byte 432 of .*weights\.bin, which has only 100"):
        load_graph(path)


def test_weights_that_are_too_large_are_refused(tmp_path: Path) -> None:
    path = external(tmp_path / "net.onnx")
    model = onnx.load(path, load_external_data=False)
    entries = {entry.key: entry for entry in model.graph.initializer[0].external_data}
    entries["length"].value = str(3 * 2**30)
    onnx.save(model, path)
    with (tmp_path / "weights.bin").open("r+b") as file:
        file.truncate(3 * 2**30)  # takes no space: the rest is a hole
    with pytest.raises(ModelError, match=r"3\.0 GiB of weights"):
        load_graph(path)


# Refusals


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.onnx"):
        load_graph(tmp_path / "absent.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x12\x00" * 40, b"\xff" * 300])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        load_graph(path)


def test_a_cut_off_model_is_refused(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.onnx")
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(ModelError, match=r"net\.onnx"):
        load_graph(path)


def test_unknown_operators_are_named_all_at_once(tmp_path: Path) -> None:
    net = NetworkWriter()
    path = net.save(tmp_path / "odd.onnx", [net.add("Frobnicate", net.add("Whirl", net.conv("images", 3, 4)))])
    with pytest.raises(ModelError, match=r"Whirl.*Frobnicate"):
        load_graph(path)


def test_operators_of_an_engine_are_named_with_their_domain(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
        g (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = com.microsoft.Gelu(x) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    with pytest.raises(ModelError, match=r"com\.microsoft .*1 Gelu \('y'\)"):
        load_graph(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("g (float[1,3,4,4] x) => (y) { y = Add(x, lost) }", "'lost', wanted by Add 'y', is made by no node"),
        ("g (float[1,3,4,4] x) => (y) { a = Add(x, y) y = Relu(a) }", "waits for its own result"),
        ("g (float[1,3,4,4] x) => (y) { y = Relu(x) y = Neg(x) }", "'y' is made twice"),
    ],
)
def test_a_graph_that_is_no_network_is_refused(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        load_graph(write(tmp_path / "net.onnx", text))


@pytest.mark.parametrize(("operator", "weights"), [("Conv", (7, 5, 1, 1)), ("MatMul", (1, 1, 5, 7))])
def test_shapes_that_do_not_fit_are_refused(tmp_path: Path, operator: str, weights: tuple) -> None:
    text = f"g (float[1,3,4,4] x) => (y) {{ y = {operator}(x, w) }}"
    with pytest.raises(ModelError, match=r"shapes do not fit|does not run"):
        load_graph(write(tmp_path / "net.onnx", text, w=numbers(*weights)))


# The proof itself, and real networks


def test_another_function_is_told_apart(tmp_path: Path) -> None:
    first = write(tmp_path / "a.onnx", CONV, w=WEIGHTS)
    second = write(tmp_path / "b.onnx", CONV, w=WEIGHTS * np.float32(1.001))
    assert same_function(first, load_graph(first))
    assert not same_function(first, load_graph(second))


REAL = """fastestdet_352 hand_landmark_lite mobilenet_v1_0.25_128 mobilenet_v2_1.0_224 nanodet_m_416
    osnet_x0_25_msmt17 palm_detection_lite resnet8_cifar10 super_resolution_224 ultraface_rfb_320
    ultraface_slim_320 vittracker vww_96_person xfeat_224x320 xfeat_224x320_only_head xfeat_480x640
    xfeat_480x640_only_head yolox_nano_416 yunet_n_320"""


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL.split())
def test_a_real_network_stays_the_same_function_under_its_names(shared: Path, name: str) -> None:
    path = shared / "onnx" / f"{name}.onnx"
    graph = load_graph(path)
    assert max(differences(path, graph).values()) <= 1e-5
    before = {name for node in onnx.load(path).graph.node for name in (node.name, *node.output)}
    assert before.issuperset(name for node in graph.nodes for name in (node.name, *node.output))
    assert all(name in graph.shapes for node in graph.nodes for name in node.output)
