"""The folder of a training run."""

from __future__ import annotations

from pathlib import Path

from hailstack.training.folder import RunFolder


def test_what_a_killed_attempt_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    kept = [folder.best, folder.results, folder.path / "notes.part"]
    halves = [folder.best.with_name(".best.pt.0a1b2c3d.part"), folder.path / ".results.csv.0a1b2c3d.part"]
    for file in (*kept, *halves):
        file.write_text("")
    folder.make()
    assert all(file.exists() for file in kept)
    assert not any(file.exists() for file in halves)
