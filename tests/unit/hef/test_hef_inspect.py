"""``hailstack inspect`` and the answers for a ``hailortcli parse-hef`` of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hailstack.cli import run
from hailstack.errors import HefError
from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    FormatOrder,
    HefBlueprint,
    Shape,
    StreamPlan,
    parse_hef_text,
    read_hef,
    write_hef,
)
from hailstack.hef.parse_hef import answer_parse_hef

BLUEPRINT = HefBlueprint(
    "net",
    (
        StreamPlan("net/input_layer1", Direction.H2D, Shape(32, 32, 3)),
        StreamPlan("net/fc1", Direction.D2H, Shape(1, 1, 10), order=FormatOrder.NC),
    ),
    bottleneck_fps=120.0,
    graphs={EMULATED_GRAPH: b"graph"},
)
TEXT = """\
Architecture HEF was compiled for: HAILO8
Network group name: net, Single Context
    Network name: net/net
        VStream infos:
            Input  net/input_layer1 UINT8, NHWC(32x32x3)
            Output net/fc1 UINT8, NC(10)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good files with a bad one between them, and something else."""
    for name in ("a.hef", "c.hef"):
        write_hef(tmp_path / name, BLUEPRINT)
    (tmp_path / "b.hef").write_text("not a model at all")
    (tmp_path / "readme.txt").write_text("something else")
    return tmp_path


def test_a_file_is_shown_as_the_vendors_tool_shows_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(folder / "a.hef")]) == 0
    assert capsys.readouterr().out == TEXT
    assert run(["inspect", str(folder / "a.hef"), "--streams", "--profile", "5.2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("HEF Compatible for: HAILO8\n")
    assert "        Stream infos:\n            Input  net/input_layer1 UINT8, NHWC(32x32x3)\n" in out


def test_a_folder_is_shown_file_by_file_in_spite_of_a_bad_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(folder)]) == 1
    out, err = capsys.readouterr()
    stars = "*" * 80
    assert out == "".join(f"{stars}\nParsing {folder / name}:\n{TEXT}" for name in ("a.hef", "c.hef"))
    assert err == f"hailstack: error: {folder / 'b.hef'}: not a HEF (HAILO_HEF_NOT_SUPPORTED, 92)\n"


def test_json_tells_everything_and_the_bad_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(folder), "--json"]) == 1
    first, bad, _ = json.loads(capsys.readouterr().out)
    assert (first["emulated"], first["resources"][EMULATED_GRAPH]) == (True, {"size_bytes": 5})
    (group,) = first["groups"]
    assert (group["bottleneck_fps"], group["output_vstreams"][0]["frame_bytes"]) == (120.0, 10)
    assert group["streams"][1]["format"] == {"type": "UINT8", "order": "NC", "flags": []}
    assert bad["status"] == 92
    assert run(["inspect", str(folder / "c.hef"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"] == first["groups"]


@pytest.mark.parametrize("name", ["b.hef", "missing.hef"])
def test_a_bad_file_is_named_on_stderr(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(folder / name)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"hailstack: error: {folder / name}: ")


def test_a_folder_without_hefs_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(tmp_path)]) == 1
    assert "no HEF file in this folder" in capsys.readouterr().err


def test_the_tool_stops_at_the_first_bad_file_of_a_folder(folder: Path) -> None:
    answer = answer_parse_hef(folder)
    stars = "*" * 80
    assert answer.exit_code == 92
    assert answer.stdout == f"{stars}\nParsing {folder / 'a.hef'}:\n{TEXT}{stars}\nParsing {folder / 'b.hef'}:\n"
    assert answer.stderr.startswith("[HailoRT] [error] Unsupported hef version ")
    assert answer.stderr.endswith(f"- Failed to parse HEF {folder / 'b.hef'}\n")


def test_the_tool_answers_a_good_file_an_empty_one_and_a_missing_one(tmp_path: Path, folder: Path) -> None:
    good = answer_parse_hef(folder / "a.hef", vstreams=False)
    assert (good.exit_code, good.stderr) == (0, "")
    assert good.stdout.endswith("    Network name: net/net\n")
    missing = answer_parse_hef(tmp_path / "none.hef")
    assert missing.exit_code == 105
    assert "File does not exist" in missing.stderr
    (tmp_path / "none").mkdir()
    assert answer_parse_hef(tmp_path / "none").exit_code == 2
    (tmp_path / "empty.hef").touch()
    empty = answer_parse_hef(tmp_path / "empty.hef")
    line = "CHECK_SUCCESS failed with status=HAILO_FILE_OPERATION_FAILURE(14)"
    assert (empty.exit_code, empty.stderr) == (
        14,
        f"[HailoRT] [error] {line}\n[HailoRT] [error] {line}\n[HailoRT] [error] Failed parsing HEF file\n"
        f"[HailoRT] [error] Failed creating HEF\n[HailoRT] [error] {line}\n[HailoRT CLI] [error] {line}\n",
    )


def test_the_text_for_another_release_is_made_from_the_same_file(folder: Path) -> None:
    hef = read_hef(folder / "a.hef")
    assert parse_hef_text(hef, profile="5.2") == parse_hef_text(read_hef(folder / "a.hef", profile="5.2"))
    write_hef(folder / "a.hef", BLUEPRINT, version=3)
    with pytest.raises(HefError, match="header version 3, which is unknown"):
        parse_hef_text(read_hef(folder / "a.hef"), profile="4.20")
