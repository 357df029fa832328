"""The script that runs public programs: it must not flatter, and never touch what it runs."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from hailstack.imaging import write_image

TOOLS = Path(__file__).resolve().parents[3] / "tools" / "compatibility"
sys.path.insert(0, str(TOOLS))

import catalogue as catalogues  # noqa: E402
import checkout as checkouts  # noqa: E402
import run as script  # noqa: E402
import table as tables  # noqa: E402
import verdict as verdicts  # noqa: E402
from play import Run  # noqa: E402
from supplies import Supplies  # noqa: E402

APP = """
import sys
from pathlib import Path
from hailo_platform import Device
Path("result.txt").write_text(" ".join(Device.scan()))
print("chips:", len(Device.scan()), "label:", Path("label.txt").read_text())
sys.exit(int(Path("code.txt").read_text()) if Path("code.txt").exists() else 0)
"""


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    """A folder with one clone: a program that looks for chips."""
    repository = tmp_path / "clones" / "someone" / "app"
    (repository / "docs").mkdir(parents=True)
    (repository / "app.py").write_text(APP)
    (repository / "docs" / "readme.txt").write_text("read me")
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path / "clones"


def program(**changes: object) -> catalogues.Program:
    """The entry of that program."""
    fields: dict[str, object] = {
        "name": "app",
        "repository": "someone/app",
        "commit": "HEAD",
        "licence": "MIT",
        "what": "looks for chips",
        "api": "Device",
        "scheduler": "off",
        "command": ("{python}", "app.py"),
        "expect": (catalogues.Expectation(output="chips: 1 label: rose"), catalogues.Expectation(file="result.txt")),
        "place": (catalogues.Placement(to="label.txt", text="rose"),),
        "frames": 0,
    }
    return catalogues.Program(**{**fields, **changes})  # type: ignore[arg-type]


def forms(entry: catalogues.Program) -> list[str]:
    """What is sent to it in forms."""
    requests = entry.server.requests if entry.server else ()
    return [value for request in requests if request.form for value in request.form.values()]


def tried(entry: catalogues.Program, clones: Path, monkeypatch: pytest.MonkeyPatch) -> tables.Result:
    """What the script makes of ``entry``, in this Python."""
    monkeypatch.setattr(Supplies, "python", lambda *_, **__: Path(sys.executable))
    supplies = Supplies(clones, clones, clones)
    catalogue = catalogues.Catalogue({}, (entry,), ())
    return script.try_program(entry, script.Workshop(catalogue, supplies, clones), None)


def test_the_list_of_programs_is_complete_and_names_each_program_once() -> None:
    listed = catalogues.read_catalogue(TOOLS / "programs.toml")
    names = [entry.name for entry in listed.programs]
    models = {item.model for entry in listed.programs for item in entry.place if item.model}
    assert len(set(names)) == len(names)
    asked = {value.removeprefix("model:") for entry in listed.programs for value in forms(entry) if "model:" in value}
    assert models | asked == set(listed.models)
    assert all(entry.expect or entry.server or entry.cells for entry in listed.programs)
    assert all((TOOLS / entry.driver).is_file() for entry in listed.programs if entry.driver)


def test_an_entry_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "programs.toml"
    path.write_text('program = []\n[model.a]\nonnx = "a.onnx"\ncolour = "red"\n')
    with pytest.raises(TypeError, match="colour"):
        catalogues.read_catalogue(path)


def test_a_program_that_does_as_expected_works(clones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = tried(program(), clones, monkeypatch)
    assert result.faults == ()
    assert "works" in tables.as_text(result)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"expect": (catalogues.Expectation(output="chips: 2"),)}, "lacks 'chips: 2'"),
        ({"expect": (catalogues.Expectation(file="*.png", kind="picture"),)}, "0 files"),
        (
            {"place": (catalogues.Placement(to="label.txt", text=""), catalogues.Placement(to="code.txt", text="3"))},
            "3",
        ),
        ({"frames": 1}, "computed 0 frames"),
        ({"command": ("{python}", "-c", "raise ValueError")}, "traceback"),
        ({"command": ("sh", "-c", "echo '#' >> app.py")}, "app.py was changed"),
    ],
)
def test_what_a_program_does_wrong_is_said(
    changes: dict[str, object], fault: str, clones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fault in " ".join(tried(program(**changes), clones, monkeypatch).faults)


def test_only_the_wanted_files_are_exported(clones: Path, tmp_path: Path) -> None:
    repository = checkouts.find_repository(clones, "someone/app")
    checkouts.export(repository, "HEAD", ["docs"], tmp_path / "folder")
    checkouts.export(repository, "HEAD", ["*.py"], tmp_path / "pattern")
    assert list(checkouts.fingerprint(tmp_path / "folder")) == ["docs/readme.txt"]
    assert list(checkouts.fingerprint(tmp_path / "pattern")) == ["app.py"]


def test_a_missing_clone_or_commit_is_no_failure_of_the_program(clones: Path, tmp_path: Path) -> None:
    with pytest.raises(checkouts.SetupError, match="no checkout of nobody/nothing"):
        checkouts.find_repository(clones, "nobody/nothing")
    with pytest.raises(checkouts.SetupError, match="ls-tree"):
        checkouts.export(clones / "someone" / "app", "0" * 40, [], tmp_path / "copy")


def test_a_file_of_the_program_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("theirs")
    with pytest.raises(checkouts.SetupError, match="not replaced"):
        checkouts.place("ours", tmp_path / "config.yaml")
    assert (tmp_path / "config.yaml").read_text() == "theirs"


def test_what_is_placed_outside_the_checkout_is_cleared_away(
    clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "usr" / "share" / "models" / "a.hef"
    entry = program(place=(catalogues.Placement(to=str(outside), text="model"),))
    supplies = Supplies(clones, clones, clones)
    workshop = script.Workshop(catalogues.Catalogue({}, (entry,), ()), supplies, clones)
    monkeypatch.setattr(Supplies, "python", lambda *_, **__: Path(sys.executable))
    with ExitStack() as afterwards:
        workshop.furnish(entry, tmp_path / "copy", afterwards)
        assert outside.read_text() == "model"
    assert not (tmp_path / "usr").exists()


def test_a_picture_of_one_colour_is_no_result(tmp_path: Path) -> None:
    write_image(tmp_path / "grey.png", np.full((8, 8, 3), 90, np.uint8))
    (tmp_path / "torn.png").write_bytes(b"\x89PNG")
    entry = program(expect=(catalogues.Expectation(file="*.png", kind="picture", at_least=2),))
    faults = verdicts.judge(entry, Run(exit_code=0), tmp_path)
    assert len(faults) == 2
    assert "same" in faults[0]


def test_cells_of_a_notebook_become_a_script(tmp_path: Path) -> None:
    notebook = tmp_path / "a.ipynb"
    code = '{"cell_type": "code", "source": ["%matplotlib inline\\n", "x = 1\\n", "print(x)"]}'
    notebook.write_text(f'{{"cells": [{{"cell_type": "markdown", "source": ["# words"]}}, {code}]}}')
    checkouts.write_cells(notebook, tmp_path / "a.py")
    assert (tmp_path / "a.py").read_text() == "x = 1\nprint(x)\n"


def test_the_table_is_put_between_its_marks(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    result = tables.Result(program(), (), Run(exit_code=0, frames=7))
    tables.update(document, tables.as_markdown([result], [catalogues.Refusal("a/b", "c", "why | not")]))
    text = document.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "works, 7 frames" in text


def test_the_compile_scripts_can_be_read_and_say_where_their_hef_lies() -> None:
    catalogue = catalogues.read_catalogue(TOOLS / "scripts.toml")
    assert len({(entry.repository, entry.name) for entry in catalogue.programs}) == len(catalogue.programs)
    for entry in catalogue.programs:
        assert entry.compiles
        assert any(expected.kind == "hef" and expected.file for expected in entry.expect), entry.name
        assert all(placed.onnx is None or placed.onnx in catalogue.models for placed in entry.place), entry.name
