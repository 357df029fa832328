"""Who may change a dataset: one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hailstack.datasets.add import add_pictures
from hailstack.datasets.annotate.desk import Desk
from hailstack.datasets.claim import Claim
from hailstack.datasets.incoming import find_sources
from hailstack.errors import InputError
from label_sets import write_picture

HOLD = """
import sys, time
from pathlib import Path
from hailstack.datasets.claim import Claim

with Claim(Path(sys.argv[1]), "hailstack data add"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_others_are_told_who_has_the_dataset_and_a_killed_process_has_it_no_longer(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=rf"hailstack data add \(process {holder.pid}\) has this dataset open"):
            Claim(tmp_path, "hailstack data split")
        holder.send_signal(signal.SIGKILL)
    with Claim(tmp_path, "hailstack data split"):
        assert (tmp_path / ".hailstack" / "lock").read_text() == f"hailstack data split (process {os.getpid()})"


def test_nothing_is_added_while_people_label_and_nobody_labels_while_something_is_added(tmp_path: Path) -> None:
    sources = find_sources([write_picture(tmp_path / "in" / "a.png")], 1)
    add_pictures(sources, tmp_path / "set")
    with Desk(tmp_path / "set"), pytest.raises(InputError, match=r"data annotate.*open"):
        add_pictures(sources, tmp_path / "set")
    with Claim(tmp_path / "set", "hailstack data add"), pytest.raises(InputError, match=r"data add.*open"):
        Desk(tmp_path / "set")
    assert add_pictures(sources, tmp_path / "set").duplicates == 1


def test_a_claim_may_be_closed_twice(tmp_path: Path) -> None:
    claim = Claim(tmp_path, "one")
    claim.close()
    claim.close()
    Claim(tmp_path, "another").close()
