"""The forms of ``--config``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hailstack.errors import ConfigError, NotFoundError
from hailstack.heads import HeadSettings, OutputFacts, palm
from hailstack.pipeline.configuration import read_config


@pytest.fixture
def read(tmp_path):
    def reader(content):
        path = tmp_path / "config.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_config(str(path))

    return reader


def test_a_flat_object_gives_class_names_by_id(read):
    assert read({"1": "goldfish", "0": "tench", "3": "shark"}).classes == ("tench", "goldfish", "2", "shark")


def test_two_parts_give_names_and_the_shape_they_are_for(read):
    config = read([{"preprocessing": {"network_type": "detection", "input_shape": [640, 640, 3]}}, {"0": "Person"}])
    assert config.classes == ("Person",)
    assert config.input_shape == (640, 640, 3)
    assert config.confidence_threshold is None


def test_the_first_part_may_be_a_whole_description_of_a_model_zoo(read):
    zoo = {
        "preprocessing": {
            "network_type": "detection",
            "input_shape": [640, 640, 3],
            "meta_arch": "yolo_v5",
            "padding_color": 114,
        },
        "postprocessing": {"meta_arch": "nanodet_v8", "nms_iou_thresh": 0.7, "score_threshold": 0.001},
        "network": {"network_name": "yolov8"},
        "parser": {"nodes": [None, ["/model.22/Conv"]]},
        "evaluation": {"labels_offset": 1, "classes": 80},
        "quantization": {"calib_set": ["a"]},
    }
    config = read([zoo, {"0": "Person", "1": "Bicycle"}])
    assert config.classes == ("Person", "Bicycle")
    assert config.confidence_threshold is None


def test_the_generic_form_gives_names_and_thresholds(read):
    config = read({"classes": ["a", "b"], "confidence_threshold": 0.5, "nms_threshold": 0.45})
    assert (config.classes, config.confidence_threshold, config.nms_threshold) == (("a", "b"), 0.5, 0.45)
    assert read({"classes": {"1": "b"}}).classes == ("0", "b")
    assert read({"preprocess": {"mode": "stretch"}}).preprocess == {"mode": "stretch"}


PALM = [
    {
        "num_layers": 4,
        "min_scale": 0.1484375,
        "max_scale": 0.75,
        "input_size_height": 192,
        "input_size_width": 192,
        "anchor_offset_x": 0.5,
        "anchor_offset_y": 0.5,
        "strides": [8, 16, 16, 16],
        "aspect_ratios": [1.0],
        "reduce_boxes_in_lowest_layer": False,
        "interpolated_scale_aspect_ratio": 1.0,
        "fixed_anchor_size": True,
    },
    {
        "num_classes": 1,
        "num_anchors": 2016,
        "num_coords": 18,
        "score_clipping_thresh": 100.0,
        "x_scale": 192.0,
        "y_scale": 192.0,
        "h_scale": 192.0,
        "w_scale": 192.0,
        "min_score_thresh": 0.6,
        "min_suppression_threshold": 0.3,
        "num_keypoints": 7,
        "kp1": 0,
        "kp2": 2,
        "theta0": 1.5707963267948966,
        "dscale": 2.6,
        "dy": -0.5,
        "resolution": 256,
    },
]


def test_both_parts_of_a_palm_configuration_reach_the_head(read):
    config = read(PALM)
    assert (config.confidence_threshold, config.nms_threshold) == (0.6, 0.3)
    assert config.input_shape == (192, 192, 3)
    outputs = [OutputFacts("numbers", (2016, 18)), OutputFacts("scores", (2016, 1))]
    head = palm.bind_palm(outputs, HeadSettings(192, 192, facts=config.head))
    assert head is not None
    assert head.kind == replace(palm.PALM, layouts=palm.PALM.layouts[:1], unit=(192, 192, 192, 192))
    assert head.unit.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("part", "key", "value", "named"),
    [
        (1, "num_anchors", 2017, r"key '1\.num_anchors', value 2017: it must be 2016"),
        (1, "num_coords", 16, r"key '1\.num_coords', value 16: it must be 18"),
        (1, "kp2", 7, r"key '1\.kp2', value 7: it must be 6"),
        (0, "num_layers", 3, r"key '0\.num_layers', value 3: it must be 4"),
        (0, "fixed_anchor_size", False, r"key '0\.fixed_anchor_size', value false"),
        (0, "stride", [8], r"unknown key '0\.stride' \(value \[8\]\)"),
        (1, "dscale", 0, r"key '1\.dscale', value 0"),
    ],
)
def test_a_palm_configuration_that_contradicts_itself_is_refused_by_key(read, part, key, value, named):
    content = json.loads(json.dumps(PALM))
    content[part][key] = value
    with pytest.raises(ConfigError, match=named):
        read(content)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"clases": ["a"]}, r"unknown key 'clases' \(value \[\"a\"\]\); known: classes, confidence_threshold"),
        ({"confidence_threshold": 1.5}, r"key 'confidence_threshold', value 1\.5"),
        ({"confidence_threshold": "high"}, r"key 'confidence_threshold', value \"high\""),
        ({"classes": [1, 2]}, r"key 'classes\.0', value 1"),
        ({"0": "a", "1": 7}, r"key 'classes\.1', value 7"),
        ({"classes": {"first": "a"}}, "'first' is not a class id"),
        ({"4000000000": "a"}, "'4000000000' is not a class id"),
        ({"preprocess": {"mode": "squash"}}, "mode is 'squash'"),
        ([{"preprocessing": {"input_shape": [640, 640, 3]}}, {"0": "a"}], r"key '0\.preprocessing\.network_type'"),
        ([{"preprocesing": {}}, {"0": "a"}], "preprocess?ing"),
        ([{"0": "a"}], "two objects"),
        ("[1, 2", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (
            [{"preprocessing": {"network_type": "x", "input_shape": [1, 1, 3], "a": 1}}, {}],
            r"unknown key '0\.prep[^;]*$",
        ),
        ("7", "must hold a JSON object"),
    ],
)
def test_what_is_wrong_is_named_by_file_key_and_value(read, content, named):
    with pytest.raises(ConfigError, match=rf"(?s)config\.json: .*{named}"):
        read(content)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match=r"none\.json"):
        read_config(str(tmp_path / "none.json"))


def test_a_byte_order_mark_as_windows_writes_it_is_no_obstacle(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"0": "cat"}', encoding="utf-8-sig")
    assert read_config(str(path)).classes == ("cat",)
