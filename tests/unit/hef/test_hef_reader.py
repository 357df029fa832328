"""Opening files: what is no file, how long a mapped one lives, what the releases of HailoRT disagree on."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hailstack.errors import ConfigError, HefError, Status
from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    FormatOrder,
    Hef,
    HefBlueprint,
    NmsOp,
    QuantInfo,
    RegClsDecoder,
    Shape,
    StreamPlan,
    read_again,
    read_hef,
    write_hef,
)
from hailstack.hef.compose import compose_hef
from hailstack.hef.contradictions import find_contradictions, strict_version_problem
from hailstack.hef.header import write_header
from hailstack.hef.node import encode
from hailstack.hef.writer import hef_bytes

PLAIN = HefBlueprint(
    "net",
    (
        StreamPlan("net/input_layer1", Direction.H2D, Shape(32, 32, 3)),
        StreamPlan("net/fc1", Direction.D2H, Shape(1, 1, 10), order=FormatOrder.NC),
    ),
    emulated=False,
)


def status_of(source: Path | bytes, profile: str = "4.23") -> Status:
    with pytest.raises(HefError) as caught:
        read_hef(source, profile=profile)
    return caught.value.status


def file_with(**changes: object) -> bytes:
    """A HEF whose protobuf has some fields of its own."""
    proto = encode("Hef", compose_hef([PLAIN], {}) | changes)  # type: ignore[arg-type]
    return b"".join((*write_header(2, proto, ())[:1], proto))


def test_a_missing_file_an_empty_one_and_a_folder_have_the_librarys_statuses(tmp_path: Path) -> None:
    (tmp_path / "empty.hef").touch()
    os.mkfifo(tmp_path / "pipe.hef")
    assert status_of(tmp_path / "missing.hef") is Status.OPEN_FILE_FAILURE
    assert status_of(tmp_path / "empty.hef" / "inside") is Status.OPEN_FILE_FAILURE
    assert status_of(tmp_path / "empty.hef") is Status.FILE_OPERATION_FAILURE
    assert status_of(tmp_path) is Status.FILE_OPERATION_FAILURE
    assert status_of(tmp_path / "pipe.hef") is Status.FILE_OPERATION_FAILURE
    assert status_of(b"") is Status.FILE_OPERATION_FAILURE  # the library itself dies of it
    assert status_of(b"not a HEF, but long enough") is Status.HEF_FILE_CORRUPTED


def test_the_message_names_the_file_what_is_wrong_and_the_status(tmp_path: Path) -> None:
    path = tmp_path / "model.hef"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 12345678\n")
    with pytest.raises(HefError) as caught:
        read_hef(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: not a HEF but a git-lfs pointer")
    assert message.endswith("(HAILO_HEF_NOT_SUPPORTED, 92)")


def test_an_unknown_release_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"4\.20, 4\.23, 5\.2"):
        read_hef(hef_bytes(PLAIN), profile="3.0")


def test_a_file_may_be_deleted_or_replaced_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "model.hef"
    write_hef(path, replace(PLAIN, graphs={EMULATED_GRAPH: b"graph" * 1000}))
    hef = read_hef(path)
    write_hef(path, replace(PLAIN, group_name="other", streams=PLAIN.streams))
    path.unlink()
    assert bytes(hef.external_resources[EMULATED_GRAPH]) == b"graph" * 1000
    assert read_again(hef, "5.2").path == path


def test_a_mapped_file_is_let_go_with_the_last_view_of_it(tmp_path: Path) -> None:
    path = tmp_path / "model.hef"
    write_hef(path, replace(PLAIN, graphs={EMULATED_GRAPH: b"graph" * 1000}))

    def maps() -> int:
        return Path("/proc/self/maps").read_text().count(str(path))

    hef: Hef | None = read_hef(path)
    view = hef.external_resources[EMULATED_GRAPH] if hef else b""
    hef = None
    gc.collect()
    assert (bytes(view[:5]), maps()) == (b"graph", 1)
    del view
    gc.collect()
    assert maps() == 0


def test_a_refused_file_is_let_go_at_once(tmp_path: Path) -> None:
    path = tmp_path / "broken.hef"
    path.write_bytes(hef_bytes(PLAIN)[:-1])
    assert status_of(path) is Status.HEF_FILE_CORRUPTED
    gc.collect()
    assert str(path) not in Path("/proc/self/maps").read_text()


def test_release_4_20_knows_neither_version_3_nor_resources_and_has_one_status() -> None:
    assert status_of(hef_bytes(PLAIN, version=3), "4.20") is Status.INVALID_HEF
    resources = hef_bytes(replace(PLAIN, graphs={EMULATED_GRAPH: b"graph"}))
    assert status_of(resources, "4.20") is Status.INVALID_HEF
    assert status_of(hef_bytes(PLAIN)[:-1], "4.20") is Status.INVALID_HEF
    assert read_hef(hef_bytes(PLAIN), profile="4.20").groups[0].name == "net"


@pytest.mark.parametrize("profile", ["4.20", "4.23", "5.2"])
def test_an_emulated_file_opens_in_every_release(profile: str) -> None:
    content = hef_bytes(replace(PLAIN, emulated=True, graphs={EMULATED_GRAPH: b"graph"}))
    assert read_hef(content, profile=profile).emulated


def test_release_5_2_takes_a_version_3_file_whose_end_is_missing() -> None:
    content = hef_bytes(replace(PLAIN, graphs={}), version=3)[:-100]
    assert status_of(content) is Status.HEF_FILE_CORRUPTED
    assert read_hef(content, profile="5.2").groups[0].name == "net"


def test_files_from_before_extension_26_open_in_4_20_only() -> None:
    old = file_with(extensions=[{"type_index": 0, "name": "ABBALE"}])
    assert read_hef(old, profile="4.20").groups[0].name == "net"
    assert status_of(old) is status_of(old, "5.2") is Status.HEF_NOT_SUPPORTED


def test_an_extension_of_5_1_opens_in_5_2_and_names_itself_elsewhere() -> None:
    extensions = [{"type_index": 26, "name": "PERIPH"}, {"type_index": 35, "name": "STRICT"}]
    strict = file_with(extensions=extensions)
    with pytest.raises(HefError, match=r"HailoRT 4\.23 does not know: STRICT"):
        read_hef(strict)
    hef = read_hef(strict, profile="5.2")
    problem = strict_version_problem(hef)
    assert problem is not None
    assert "compiled with 3.33.0" in problem
    assert strict_version_problem(read_hef(hef_bytes(PLAIN), profile="5.2")) is None


def test_a_resource_that_ends_behind_the_file_is_refused() -> None:
    lost = file_with(external_resources=[{"offset": 0, "size": 1 << 40, "name": "weights"}])
    with pytest.raises(HefError, match="'weights' ends"):
        read_hef(lost)


def test_compiler_versions_are_told_in_one_form() -> None:
    text = "sdk-version: 5.4.0, git-branch: HEAD, git-commit: 0123"
    hef = read_hef(file_with(header={"hw_arch": 103, "version": 5, "sdk_version": text}))
    assert (hef.compiler_version, hef.compiler_text) == ("5.4.0", text)


def test_scale_lists_may_be_absent_in_5_2_only() -> None:
    extensions = [{"type_index": number, "name": "x"} for number in (25, 26)]
    sparse = file_with(extensions=extensions)
    assert status_of(sparse) is Status.INVALID_HEF
    (output,) = read_hef(sparse, profile="5.2").groups[0].output_streams
    assert (output.quant, output.quants) == (QuantInfo(0.0, 0.0, 0.0, 0.0), (QuantInfo(),))


def test_an_operation_that_does_not_fit_its_network_gives_warnings() -> None:
    box, score = (
        StreamPlan(f"net/{name}", Direction.D2H, Shape(8, 8, features), order=FormatOrder.NHCW)
        for name, features in (("reg", 64), ("cls", 5))
    )
    nms = NmsOp(
        "",
        "net/nms",
        ("net/reg", "net/cls"),
        classes=4,
        max_proposals_per_class=10,
        image_height=640.0,
        image_width=32.0,
        decoders=(RegClsDecoder(8, "net/reg", "net/cls"),),
    )
    streams = (PLAIN.streams[0], box, score)
    warnings = find_contradictions(read_hef(hef_bytes(replace(PLAIN, streams=streams, ops=(nms,)))))
    assert warnings == (
        "net: YOLOV8-Post-Process: it is set up for images of 640x32, the input is 32x32",
        "net: YOLOV8-Post-Process: net/reg has 8 cells of 8 pixels in height, the image 640 pixels",
        "net: YOLOV8-Post-Process: net/reg has 8 cells of 8 pixels in width, the image 32 pixels",
        "net: YOLOV8-Post-Process: net/cls has 5 features, the operation reads 4",
    )
    assert find_contradictions(read_hef(hef_bytes(PLAIN))) == ()
