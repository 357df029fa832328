"""Steps run when something is new, and only then; an interruption at any point loses nothing that was done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hailstack.errors import InputError
from hailstack.workflow.carry_out import Outlook, carry_out, look
from hailstack.workflow.record import NAME, read_record
from hailstack.workflow.step import Step


def quiet(stage: str, done: int, total: int | None) -> None:
    pass


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    return folder


@pytest.fixture
def runs() -> list[Path]:
    return []


@pytest.fixture
def step(source: Path, runs: list[Path]) -> Step:
    def run(folder: Path, listener: object) -> Mapping[str, Any]:
        runs.append(folder)
        (folder / "sub").mkdir(exist_ok=True)
        (folder / "sub" / "out.txt").write_text((source / "a.txt").read_text().upper())
        return {"letters": 3}

    return Step("shout", {"photos": source}, {"loud": True, "size": (1, 2)}, {"hailstack": "1"}, run)


def test_a_step_runs_once_and_leaves_its_files_figures_and_seconds(
    tmp_path: Path, step: Step, runs: list[Path]
) -> None:
    first, second = carry_out(tmp_path, step, quiet), carry_out(tmp_path, step, quiet)
    assert len(runs) == 1
    assert (first.outlook.reason, second.outlook.reason) == ("first", "fresh")
    assert (second.folder / "sub" / "out.txt").read_text() == "ONE"
    assert second.record == first.record
    assert second.record.figures == {"letters": 3}
    assert list(second.record.files) == ["sub/out.txt"]


def rewrite(source: Path, step: Step) -> Step:
    (source / "a.txt").write_text("two")
    return step


def add(source: Path, step: Step) -> Step:
    (source / "b.txt").write_text("")
    return step


def rename(source: Path, step: Step) -> Step:
    (source / "a.txt").rename(source / "c.txt")
    (source / "a.txt").symlink_to("c.txt")
    return step


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (rewrite, "photos"),
        (add, "photos"),
        (rename, "photos"),
        (lambda source, step: replace(step, options={"loud": False, "size": (1, 2)}), "loud"),
        (lambda source, step: replace(step, versions={"hailstack": "2"}), "hailstack"),
    ],
)
def test_what_is_new_is_named_and_done_again(
    tmp_path: Path, step: Step, source: Path, runs: list[Path], change: Callable[[Path, Step], Step], name: str
) -> None:
    carry_out(tmp_path, step, quiet)
    carried = carry_out(tmp_path, change(source, step), quiet)
    assert (carried.outlook.reason, carried.outlook.changes) == ("changed", (name,))
    assert len(runs) == 2


@pytest.mark.parametrize("change", ["edited", "deleted", "added"])
def test_files_that_are_not_what_the_step_left_are_made_again(
    tmp_path: Path, step: Step, runs: list[Path], change: str
) -> None:
    folder = carry_out(tmp_path, step, quiet).folder
    victim = folder / "sub" / "out.txt"
    if change == "deleted":
        victim.unlink()
    else:
        (victim if change == "edited" else folder / "sub" / "more.txt").write_text("ONe")
    assert look(tmp_path, step).reason == "damaged"
    assert carry_out(tmp_path, step, quiet).outlook.reason == "damaged"
    assert len(runs) == 2
    assert (folder / "sub" / "out.txt").read_text() == "ONE"
    assert not (folder / "sub" / "more.txt").exists()


def test_moved_as_a_whole_nothing_is_new(tmp_path: Path, step: Step, source: Path) -> None:
    carry_out(tmp_path, step, quiet)
    moved = source.rename(tmp_path / "elsewhere")
    assert look(tmp_path, replace(step, reads={"photos": moved})).reason == "fresh"


def test_a_step_that_fails_leaves_the_folder_of_last_time(tmp_path: Path, step: Step, source: Path) -> None:
    folder = carry_out(tmp_path, step, quiet).folder

    def fail(partial: Path, listener: object) -> Mapping[str, Any]:
        (partial / "half").write_text("")
        raise InputError("no")

    (source / "a.txt").write_text("two")
    with pytest.raises(InputError):
        carry_out(tmp_path, replace(step, run=fail), quiet)
    assert (folder / "sub" / "out.txt").read_text() == "ONE"
    carry_out(tmp_path, step, quiet)
    assert (folder / "sub" / "out.txt").read_text() == "TWO"
    assert not (folder / "half").exists()


@pytest.mark.parametrize("resumes", [True, False])
def test_an_interrupted_attempt_goes_on_where_its_step_can(tmp_path: Path, step: Step, resumes: bool) -> None:
    found: list[bool] = []

    def run(folder: Path, listener: object) -> Mapping[str, Any]:
        found.append((folder / "half").exists())
        (folder / "half").write_text("")
        if len(found) == 1:
            raise InputError("interrupted")
        return {}

    step = replace(step, run=run, resumes=resumes)
    with pytest.raises(InputError):
        carry_out(tmp_path, step, quiet)
    assert carry_out(tmp_path, step, quiet).outlook.reason == ("resumed" if resumes else "first")
    assert found == [False, resumes]


def test_half_of_another_attempt_is_thrown_away(tmp_path: Path, step: Step, source: Path) -> None:
    found: list[bool] = []

    def run(folder: Path, listener: object) -> Mapping[str, Any]:
        found.append((folder / "half").exists())
        (folder / "half").write_text("")
        raise InputError("interrupted")

    for text in ("one", "two"):
        (source / "a.txt").write_text(text)
        with pytest.raises(InputError):
            carry_out(tmp_path, replace(step, run=run, resumes=True), quiet)
    assert found == [False, False]


def test_what_a_build_makes_among_the_photos_is_nothing_new(step: Step, source: Path) -> None:
    out = source / "build"
    out.mkdir()
    step = replace(step, skips=out.resolve())
    carry_out(out, step, quiet)
    assert look(out, step).reason == "fresh"
    (source / "more.txt").write_text("")
    assert look(out, step) == Outlook("changed", ("photos",))


def test_something_that_is_not_there_is_named(tmp_path: Path, step: Step) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        look(tmp_path, replace(step, reads={"photos": tmp_path / "nowhere"}))


def test_a_folder_that_no_step_made_is_not_replaced(tmp_path: Path, step: Step, runs: list[Path]) -> None:
    (tmp_path / "shout").mkdir()
    (tmp_path / "shout" / "mine.txt").write_text("dear")
    with pytest.raises(InputError, match=r"shout: no build made this, so it is not replaced"):
        carry_out(tmp_path, step, quiet)
    assert not runs
    assert (tmp_path / "shout" / "mine.txt").read_text() == "dear"


def test_a_step_whose_links_lead_nowhere_any_more_is_done_again(tmp_path: Path, step: Step, source: Path) -> None:
    def run(folder: Path, listener: object) -> Mapping[str, Any]:
        (folder / "link").symlink_to(next(home.iterdir()))
        return {}

    home = source
    carry_out(tmp_path, replace(step, run=run), quiet)
    home = source.rename(tmp_path / "moved")
    moved = replace(step, run=run, reads={"photos": home})
    assert carry_out(tmp_path, moved, quiet).outlook.reason == "damaged"
    assert look(tmp_path, moved).reason == "fresh"


def test_files_that_lie_anywhere_count_by_their_names_and_contents(tmp_path: Path, step: Step, source: Path) -> None:
    step = replace(step, reads={"photos": (source / "a.txt",)})
    carry_out(tmp_path, step, quiet)
    assert look(tmp_path, step).reason == "fresh"
    (source / "a.txt").write_text("two")
    assert look(tmp_path, step).reason == "changed"


KILLED = """
import os, signal, sys
from pathlib import Path
from hailstack.workflow.carry_out import carry_out
from hailstack.workflow.step import Step
import hailstack.workflow.carry_out as module

home, when = Path(sys.argv[1]), int(sys.argv[2])
calls = 0

def mortal(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == when:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

Path.rename, Path.replace, Path.mkdir = mortal(Path.rename), mortal(Path.replace), mortal(Path.mkdir)
module.shutil.rmtree, module.list_files = mortal(module.shutil.rmtree), mortal(module.list_files)

def run(folder, listener):
    (folder / "out.txt").write_text((home / "in.txt").read_text().upper())
    return {"letters": 3}

carry_out(home / "out", Step("shout", {"text": home / "in.txt"}, {}, {}, run), lambda *told: None)
"""


def test_killed_at_any_call_that_touches_the_disk_a_rerun_finishes_the_same(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "in.txt").write_text("one")
    place = tmp_path / "out" / "shout"
    calls = 0
    for text in ("one", "two"):
        (tmp_path / "in.txt").write_text(text)
        for when in range(1, 100):
            code = run_killed(tmp_path, when)
            if code == 0:
                break
            assert code == -signal.SIGKILL
            calls += 1
            if place.exists():
                assert (place / "out.txt").read_text() in ("ONE", text.upper())
        assert run_killed(tmp_path, 0) == 0
        assert (place / "out.txt").read_text() == text.upper()
        record = read_record(place)
        assert record is not None and record.holds(place)
        assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["shout"]
        assert sorted(entry.name for entry in place.iterdir()) == ["out.txt", NAME]
    assert calls >= 8


def run_killed(home: Path, when: int) -> int:
    command = [sys.executable, "-c", KILLED, os.fspath(home), str(when)]
    return subprocess.run(command, check=False, capture_output=True).returncode
