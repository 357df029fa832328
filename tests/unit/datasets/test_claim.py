"""Who may change a dataset: one process at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hailstack.datasets.add import add_pictures
from hailstack.datasets.annotate.desk import Desk
from hailstack.datasets.claim import claimed
from hailstack.datasets.incoming import find_sources
from hailstack.errors import InputError
from label_sets import write_picture

HOLD = """
import sys, time
from pathlib import Path
from hailstack.datasets.claim import claimed

with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_dataset_is_one_process_own_until_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="has this dataset open; let it finish"), claimed(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with claimed(tmp_path):
        pass


def test_nothing_is_added_while_people_label_and_nobody_labels_while_something_is_added(tmp_path: Path) -> None:
    sources = find_sources([write_picture(tmp_path / "in" / "a.png")], 1)
    add_pictures(sources, tmp_path / "set")
    with Desk(tmp_path / "set"), pytest.raises(InputError, match="has this dataset open"):
        add_pictures(sources, tmp_path / "set")
    with claimed(tmp_path / "set"), pytest.raises(InputError, match="has this dataset open"):
        Desk(tmp_path / "set")
    assert add_pictures(sources, tmp_path / "set").duplicates == 1
