"""``--fix`` mends what it may, keeps what was there, and touches nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.cli import run
from hailstack.datasets import read_label
from hailstack.datasets.verify import verify
from hailstack.datasets.verify.mending import apply_mends, plan_mends
from hailstack.errors import InputError

A, B = "labels/train/a.txt", "labels/train/b.txt"


def damage(folder: Path) -> None:
    """All that can be mended, and one that cannot."""
    first, second, *others = (folder / A).read_text().splitlines()
    lines = [first, second, first, "1 0.9995 0.5 0.002 0.1", "1 1.5 0.5 0.1 0.1", *others]
    (folder / A).write_bytes(b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode())
    (folder / B).write_bytes((folder / B).read_text().encode("utf-16"))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".hailstack" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_after_mending_only_what_needs_a_person_is_left(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(field)
    before = contents(field)
    b_boxes = (field / B).read_bytes().decode("utf-16")
    assert run(["data", "verify", str(field), "--fix", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [(one["code"], one["line"]) for one in told["findings"]] == [("box-centre-outside", 4)]
    after = contents(field)
    assert {path for path in after if after[path] != before[path]} == {A, B}
    assert after[B].decode() == b_boxes
    lines = after[A].decode().splitlines()
    assert "1 0.999250 0.500000 0.001500 0.100000" in lines
    assert len(set(lines)) == len(lines) == len(before[A].splitlines()) - 1
    backup = Path(told["mended"]["backup"])
    kept = {str(path.relative_to(backup)): path.read_bytes() for path in backup.rglob("*.txt")}
    assert kept == {A: before[A], B: before[B]}


def test_a_dry_run_shows_the_diff_and_changes_nothing(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(field)
    before = contents(field)
    assert run(["data", "verify", str(field), "--fix", "--dry-run"]) == 2
    told = capsys.readouterr().out
    assert "-1 0.9995 0.5 0.002 0.1\n+1 0.999250 0.500000 0.001500 0.100000\n" in told
    assert f"{field / A}: no byte order mark" in told
    assert "would mend 2 label files" in told
    assert contents(field) == before
    assert not (field / ".hailstack").exists()


def test_the_copies_bring_everything_back(field: Path) -> None:
    damage(field)
    before = contents(field)
    backup = apply_mends(plan_mends(verify(field, depth="none").findings), field)
    assert backup is not None
    shutil.copytree(backup, field, dirs_exist_ok=True)
    assert contents(field) == before


def test_each_mending_keeps_copies_of_its_own(field: Path) -> None:
    for _ in range(2):
        damage(field)
        apply_mends(plan_mends(verify(field, depth="none").findings), field)
    assert sorted(path.name for path in (field / ".hailstack/verify").iterdir()) == ["backup-1", "backup-2"]


def test_a_label_that_somebody_changes_meanwhile_is_left_alone(field: Path) -> None:
    damage(field)
    mends = plan_mends(verify(field, depth="none").findings)
    (field / A).write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(InputError, match=r"a\.txt: was changed by somebody else"):
        apply_mends(mends, field)
    assert (field / A).read_text() == "0 0.5 0.5 0.1 0.1\n"


def test_a_linked_label_is_mended_where_it_really_is(field: Path, tmp_path: Path) -> None:
    damage(field)
    shutil.move(field / A, tmp_path / "real.txt")
    (field / A).symlink_to(tmp_path / "real.txt")
    apply_mends(plan_mends(verify(field, depth="none").findings), field)
    assert (field / A).is_symlink()
    assert not (tmp_path / "real.txt").read_bytes().startswith(b"\xef\xbb\xbf")


@given(
    st.lists(
        st.tuples(st.integers(0, 2), *[st.floats(-0.001, 1.001) for _ in range(2)], *[st.floats(0.0, 1.0)] * 2),
        max_size=6,
    )
)
@settings(max_examples=40)
def test_mended_boxes_have_moved_by_rounding_alone(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    (folder / "a.jpg").touch()
    label = folder / "a.txt"
    label.write_text("".join(" ".join(map(str, row)) + "\n" for row in [*rows, *rows[:2]]))
    before = read_label(label)
    found = verify(folder, depth="none")
    apply_mends(plan_mends(found.findings), folder)
    after = read_label(label)
    dropped = {one.line for one in found.findings if one.code == "line-duplicate"}
    assert before is not None
    assert after is not None
    kept = [row for row in range(len(before)) if row + 1 not in dropped]
    np.testing.assert_array_equal(after.class_id, before.class_id[kept])
    np.testing.assert_allclose(after.relative_xyxy, before.relative_xyxy[kept], atol=2.1e-3)
    again = verify(folder, depth="none")
    assert not any(one.is_fixable for one in again.findings)


@given(
    st.binary(max_size=300)
    | st.text(alphabet="0123456789.-+e \n\t\r\x0c\x1c\u2028naif,\ufeff", max_size=300).map(str.encode)
)
@settings(max_examples=150)
def test_whatever_a_label_holds_it_is_judged_and_mended(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any bytes"
    folder.mkdir(exist_ok=True)
    (folder / "a.jpg").touch()
    (folder / "classes.txt").write_text("cat\ndog\n")
    (folder / "a.txt").write_bytes(data)
    found = verify(folder, depth="none")
    lines = data.count(b"\n") + data.count(b"\r") + 1
    assert all(one.line is None or 1 <= one.line <= lines for one in found.findings)
    apply_mends(plan_mends(found.findings), folder)
    assert not any(one.is_fixable for one in verify(folder, depth="none").findings)
