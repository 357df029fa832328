"""Choosing, scoring and judging calibration sets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.cli import run
from hailstack.compiler.calibration.build import build_calibration
from hailstack.compiler.calibration.check import check_set
from hailstack.compiler.calibration.choose import Choice, choose, pairwise
from hailstack.compiler.calibration.descriptors import COLOUR, brightness, colour_swapped, describe
from hailstack.compiler.calibration.frames import open_calibration
from hailstack.compiler.calibration.network import embedding_of, preprocess_of
from hailstack.compiler.calibration.page import write_pages
from hailstack.compiler.calibration.plan import Plan
from hailstack.compiler.calibration.report import CalibrationReport
from hailstack.compiler.calibration.write import write_set
from hailstack.errors import InputError
from hailstack.imaging import Preprocess, read_image, write_image
from hailstack.types import Image
from tiny_networks import write_classifier, write_yolov8

PREPROCESS = Preprocess(64, 64, mode="stretch")


def scene(seed: int, light: float = 1.0, noise: int = 0) -> Image:
    """A picture of coloured blocks; ``noise`` makes a picture that hardly differs."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(20, 235, (6, 6, 3)) * light
    picture = np.kron(blocks, np.ones((12, 12, 1)))
    return np.clip(picture + np.random.default_rng(noise).integers(-2, 3, picture.shape) * bool(noise), 0, 255).astype(
        np.uint8
    )


def write_scenes(folder: Path, pictures: list[Image]) -> Path:
    folder.mkdir(parents=True)
    for i, picture in enumerate(pictures):
        write_image(folder / f"{i:03}.png", picture)
    return folder


def codes(report: CalibrationReport) -> dict[str, str]:
    return {finding.code: finding.severity for finding in report.findings}


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 90), st.integers(4, 90), st.integers(0, 2**31))
def test_a_descriptor_is_the_same_for_the_same_frame_and_has_its_brightness(
    height: int, width: int, seed: int
) -> None:
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    first, again = describe(frame), describe(np.ascontiguousarray(frame[::-1])[::-1])
    assert first.shape == (134,)
    np.testing.assert_array_equal(first, again)
    luminance = float((frame @ [0.299, 0.587, 0.114]).mean())
    assert min(height, width) < 32 or abs(int(brightness(first[None])[0]) - luminance) < 4


def test_exchanging_colours_in_a_descriptor_is_exchanging_them_in_the_picture() -> None:
    frame = scene(3)
    told = colour_swapped(describe(frame)[None, COLOUR])
    seen = describe(np.ascontiguousarray(frame[..., ::-1]))[None, COLOUR]
    assert np.abs(told - seen).max() <= 16


def test_the_choice_covers_what_the_first_pictures_miss(tmp_path: Path) -> None:
    day = [scene(1, noise=i) for i in range(1, 31)]
    folder = write_scenes(tmp_path / "photos", [*day, *(scene(seed) for seed in range(2, 8)), scene(9, light=0.2)])
    report = build_calibration([folder], None, Plan(PREPROCESS, count=6, keep_duplicates=True))
    assert report.scores is not None
    cover = report.scores.coverage
    assert cover.chosen > cover.random > cover.first
    assert sum(int(picture.path.stem) < 30 for picture in report.pictures) == 1


def test_near_duplicates_are_left_out_where_enough_differ() -> None:
    descriptors = np.repeat(np.arange(70, dtype=np.int32)[:, None] * 2000, 4, axis=1).repeat(3, axis=0)
    choice = choose(pairwise(descriptors), 128, fewest=64)
    assert choice == Choice(tuple(range(0, 210, 3)), duplicates=140)


def test_near_duplicates_fill_a_set_that_would_be_too_small_and_it_is_said(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(1 + i // 10, noise=i + 1) for i in range(30)])
    report = build_calibration([folder], None, Plan(PREPROCESS, count=10))
    assert report.count == 10
    assert (report.choice.duplicates, report.choice.alike) == (20, 7)
    assert {int(picture.path.stem) // 10 for picture in report.pictures} == {0, 1, 2}
    assert "7 of the 10 are near-duplicates" in next(f.message for f in report.findings if f.code == "duplicates")


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 2**31))
def test_a_choice_has_as_many_as_asked_for_and_each_once(candidates: int, count: int, seed: int) -> None:
    descriptors = np.random.default_rng(seed).integers(-3000, 3000, (candidates, 20)).astype(np.int32)
    choice = choose(pairwise(descriptors), count, keep_duplicates=True)
    assert len(choice.rows) == min(candidates, count)
    assert list(choice.rows) == sorted(set(choice.rows))
    assert choice == choose(pairwise(descriptors), count, keep_duplicates=True)


def test_rare_objects_and_sizes_are_in_the_set(tmp_path: Path) -> None:
    pictures = write_scenes(tmp_path / "images", [scene(seed) for seed in range(60)])
    labels = tmp_path / "labels"
    labels.mkdir()
    for i, picture in enumerate(sorted(pictures.iterdir())):
        rows = ["0 0.5 0.5 0.3 0.3", "1 0.2 0.2 0.1 0.1" if i == 41 else "", "0 0.5 0.5 0.99 0.99" if i == 17 else ""]
        (labels / f"{picture.stem}.txt").write_text("\n".join(rows))
    (tmp_path / "data.yaml").write_text("train: images\nnames: [bud, flower, fruit]\n")
    report = build_calibration([tmp_path], None, Plan(Preprocess(128, 128), count=8))
    assert {41, 17} <= {int(picture.path.stem) for picture in report.pictures}
    assert report.scores is not None
    bud, flower, fruit = report.scores.classes
    assert (bud.source, bud.chosen, flower.chosen, fruit.chosen) == (60, 8, 1, 0)
    assert bud.sizes == {"small": 0, "medium": 8, "large": 1}
    assert "fruit" in next(finding.message for finding in report.findings if finding.code == "classes")


def test_blank_and_unreadable_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(1), np.zeros((40, 60, 3), np.uint8), scene(2)])
    (folder / "zzz.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    report = build_calibration([folder], tmp_path / "set.npz", Plan(Preprocess(64, 64)))
    assert [picture.path.stem for picture in report.pictures] == ["000", "002"]
    assert codes(report)["blank"] == "note"
    assert codes(report)["unreadable"] == "warning"
    assert "zzz.jpg" in report.skipped[0]


def test_the_set_is_what_a_network_is_then_calibrated_with(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(seed) for seed in range(12)])
    preprocess = Preprocess(96, 64, anchor="topleft")
    report = build_calibration([folder], tmp_path / "set.npz", Plan(preprocess, count=5))
    frames = open_calibration(tmp_path / "set.npz", preprocess)
    written = list(frames)
    expected = [preprocess.apply(read_image(picture.path))[0] for picture in report.pictures]
    np.testing.assert_array_equal(np.stack(written), np.stack(expected))
    assert frames.summary.digest == report.digest


def test_the_same_pictures_elsewhere_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for place in ("here", "there"):
        folder = write_scenes(tmp_path / place / "photos", [scene(seed) for seed in range(12)])
        build_calibration([folder], tmp_path / place / "set.npz", Plan(PREPROCESS, count=7))
        made.append((tmp_path / place / "set.npz").read_bytes())
    assert made[0] == made[1]


def test_pictures_from_another_world_are_told_from_the_same_world(tmp_path: Path) -> None:
    streets = write_scenes(tmp_path / "streets", [scene(seed) for seed in range(16)])
    same = write_scenes(tmp_path / "same", [scene(seed) for seed in range(30, 46)])
    night = write_scenes(tmp_path / "night", [scene(99, light=0.25, noise=i + 1) for i in range(8)])
    assert "off-domain" not in codes(build_calibration([streets], None, Plan(PREPROCESS, like=(same,))))
    report = build_calibration([streets], None, Plan(PREPROCESS, like=(night,)))
    assert codes(report)["off-domain"] == "warning"
    assert "darker" in next(finding.message for finding in report.findings if finding.code == "off-domain")


def warm_scene(seed: int) -> Image:
    return np.clip(scene(seed) * [1.0, 0.8, 0.35], 0, 255).astype(np.uint8)


def write_array(path: Path, pictures: list[Image], preprocess: Preprocess = PREPROCESS) -> Path:
    write_set(path, [preprocess.apply(picture)[0] for picture in pictures], len(pictures), preprocess, {})
    return path


def test_exchanged_colours_are_suspected_with_and_without_pictures_to_compare(tmp_path: Path) -> None:
    right = write_array(tmp_path / "right.npz", [warm_scene(seed) for seed in range(12)])
    wrong = write_array(tmp_path / "wrong.npz", [np.ascontiguousarray(warm_scene(s)[..., ::-1]) for s in range(12)])
    camera = write_scenes(tmp_path / "camera", [warm_scene(seed) for seed in range(50, 62)])
    for plan in (None, Plan(PREPROCESS, like=(camera,))):
        assert "swapped" not in codes(check_set(right, plan))
        assert codes(check_set(wrong, plan))["swapped"] == "warning"


def test_a_small_a_grey_and_a_narrow_set_are_remarked_on(tmp_path: Path) -> None:
    grey = [np.repeat(scene(seed)[..., :1], 3, axis=2) for seed in range(5)]
    assert codes(check_set(write_array(tmp_path / "set.npz", grey))) == {
        "small": "warning",
        "grey": "note",
        "light": "note",
    }


def test_a_normalised_set_is_an_error_of_the_check_not_a_crash(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", np.random.default_rng(0).random((4, 64, 64, 3), np.float32))
    report = check_set(tmp_path / "set.npy")
    assert not report.is_sound
    assert codes(report) == {"normalised": "error"}
    assert run(["data", "calibration", str(tmp_path / "set.npy")]) == 2


def test_a_network_says_how_its_pictures_enter_and_what_it_makes_of_them(tmp_path: Path) -> None:
    preprocess = preprocess_of(write_yolov8(tmp_path / "yolo.onnx"), {"pad_value": 0})
    assert (preprocess.mode, preprocess.pad_value) == ("letterbox", 0)
    net = write_classifier(tmp_path / "net.onnx")
    preprocess = preprocess_of(net, {})
    assert preprocess.mode == "crop"
    embed = embedding_of(net, preprocess)
    frames = [preprocess.apply(scene(seed))[0] for seed in (1, 2)]
    assert not np.array_equal(embed(frames[0]), embed(frames[1]))
    np.testing.assert_array_equal(embed(frames[0]), embed(frames[0]))
    with pytest.raises(InputError, match=r"net\.onnx: takes"):
        embedding_of(net, Preprocess(10, 10))


def test_the_page_and_the_sheet_show_the_set(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(seed) for seed in range(14)])
    report = build_calibration([folder], None, Plan(PREPROCESS, count=13))
    write_pages(report, tmp_path / "sheet.png", tmp_path / "page.html")
    sheet = read_image(tmp_path / "sheet.png")
    assert sheet.shape[1] > 1200
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 100
    html = (tmp_path / "page.html").read_text()
    assert "13 pictures are few" in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_the_command_writes_a_set_and_says_what_it_is_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(seed) for seed in range(12)])
    output = tmp_path / "set.npz"
    assert run(["data", "calibration", str(folder), "-n", "5", "--size", "64x48", "-o", str(output), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["count"], told["candidates"]) == (5, 12)
    assert (told["preprocess"]["height"], told["preprocess"]["width"]) == (64, 48)
    assert run(["data", "calibration", str(output)]) == 0
    assert "5 pictures are few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to choose from"),
        ([""], "empty name"),
        (["{photos}"], "what are the pictures for"),
        (["{photos}", "--size", "64", "--net", "x.onnx"], "name one of them"),
        (["{photos}", "--size", "big"], "640x640"),
        (["{photos}", "--size", "64", "-o", "{photos}/set.png"], "an .npz file"),
        (["{photos}", "--size", "64", "-o", "{photos}/no/set.npz"], "there is no folder"),
        (["{photos}", "--size", "64", "-n", "0"], "at least one"),
        (["{photos}", "--check"], "takes one .npz or .npy"),
        (["{photos}/nothing", "--size", "64"], "no such folder"),
    ],
)
def test_a_mistake_on_the_command_line_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    photos = write_scenes(tmp_path / "photos", [scene(1)])
    given_arguments = [argument.format(photos=photos) for argument in arguments]
    if arguments == [""]:
        given_arguments += ["--size", "64"]
    assert run(["data", "calibration", *given_arguments]) == 1
    assert said in capsys.readouterr().err


def test_memory_does_not_grow_with_the_set(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(seed) for seed in range(60)])
    code = (
        "import resource, sys\n"
        "from hailstack.compiler.calibration.build import build_calibration\n"
        "from hailstack.compiler.calibration.plan import Plan\n"
        "from hailstack.imaging import Preprocess\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "build_calibration([sys.argv[1]], __import__('pathlib').Path(sys.argv[2]), Plan(Preprocess(768, 768)))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "set.npz")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "set.npz").stat().st_size > 100e6
    assert int(done.stdout) * 1024 < 60e6


def compile_with(tmp_path: Path, calibration: str) -> int:
    net, hef = write_yolov8(tmp_path / "net.onnx"), tmp_path / "net.hef"
    return run(["compile", str(net), "--calibration", calibration, "-o", str(hef), "--json"])


def test_a_network_compiles_with_a_set_and_its_report_names_the_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(seed) for seed in range(6)])
    preprocess = preprocess_of(write_yolov8(tmp_path / "net.onnx"), {})
    made = build_calibration([folder], tmp_path / "set.npz", Plan(preprocess))
    assert compile_with(tmp_path, str(tmp_path / "set.npz")) == 0
    told = json.loads(capsys.readouterr().out)["calibration"]
    assert (told["count"], told["digest"]) == (6, made.digest)


def test_a_set_that_does_not_fit_the_network_is_refused_with_both_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preprocess = preprocess_of(write_yolov8(tmp_path / "net.onnx"), {})
    wrong_size = write_array(tmp_path / "size.npz", [scene(1)], Preprocess(48, 48))
    assert compile_with(tmp_path, str(wrong_size)) == 1
    said = capsys.readouterr().err
    assert "48x48 in the set" in said
    assert f"{preprocess.height}x{preprocess.width} here" in said
    stretched = Preprocess(preprocess.height, preprocess.width, mode="stretch")
    assert compile_with(tmp_path, str(write_array(tmp_path / "mode.npz", [scene(1)], stretched))) == 1
    assert "mode is stretch in the set and letterbox here" in capsys.readouterr().err
    assert not (tmp_path / "net.hef").exists()


def test_no_name_is_no_calibration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_with(tmp_path, "") == 1
    assert "empty name" in capsys.readouterr().err


def test_a_file_that_two_sources_name_counts_once(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "photos", [scene(seed) for seed in range(4)])
    np.save(folder / "more.npy", np.stack([PREPROCESS.apply(scene(seed))[0] for seed in range(10, 13)]))
    sources = [folder / "more.npy", folder, folder / "001.png", tmp_path / "photos" / ".." / "photos" / "more.npy"]
    report = build_calibration(sources, tmp_path / "set.npz", Plan(PREPROCESS, keep_duplicates=True))
    assert report.count == 7


def test_a_set_of_unknown_making_is_not_passed_on_as_if_it_were_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "old.npy", np.stack([PREPROCESS.apply(scene(seed))[0] for seed in range(4)]))
    command = ["data", "calibration", str(tmp_path / "old.npy"), "-n", "2", "-o", str(tmp_path / "new.npz")]
    assert run(command) == 1
    assert "does not say how its frames were made" in capsys.readouterr().err
    assert run([*command, "--size", "64", "--resize", "stretch"]) == 0
    assert len(list(open_calibration(tmp_path / "new.npz", PREPROCESS))) == 2
