"""The folder of a training run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hailstack.errors import ConfigError
from hailstack.training.folder import RunFolder
from hailstack.training.options import TrainOptions


def test_what_a_killed_attempt_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    kept = [folder.best, folder.results, folder.path / ".notes.txt.0a1b2c3d.part"]
    halves = [folder.best.with_name(".best.pt.0a1b2c3d.part"), folder.path / ".results.csv.0a1b2c3d.part"]
    for file in (*kept, *halves):
        file.write_text("")
    folder.make()
    assert all(file.exists() for file in kept)
    assert not any(file.exists() for file in halves)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/tmp"])
def test_a_run_stays_within_its_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="the name of a folder, without a path"):
        TrainOptions(name=name)
