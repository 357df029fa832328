"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hailstack.errors import InputError, NotFoundError
from hailstack.files import locked, replacing


def test_the_name_appears_when_all_is_written(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as partial:
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_a_failure_the_old_file_stays_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_of_the_greatest_length_can_be_written_in_any_script(tmp_path):
    path = tmp_path / f"{'😀' * 62}.txt"
    with replacing(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def test_two_writers_of_one_name_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    with replacing(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(path) as partial:
        partial.write_text("new")
    assert os.read(reading, 10) == b"new"
    os.close(reading)
    assert path.is_fifo()


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [("folder", InputError, "folder: is a folder"), ("absent/a.txt", NotFoundError, "there is no folder .*absent")],
)
def test_a_place_where_no_file_can_be_is_named(tmp_path, name, kind, said):
    (tmp_path / "folder").mkdir()
    with pytest.raises(kind, match=said), replacing(tmp_path / name):
        pytest.fail("nothing may be written")


def test_what_the_operating_system_refuses_names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: cannot be written: No space left"), replacing(tmp_path / "a.txt"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_locked_folder_is_one_processs_own_until_that_ends(tmp_path):
    folder = tmp_path / "new" / "run"
    hold = (
        "import sys, pathlib; from hailstack.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), ''): print('mine', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"mine\n"
    with pytest.raises(InputError, match="run: somebody is at work"), locked(folder, "somebody is at work"):
        pass
    holder.kill()
    holder.communicate()
    with locked(folder, "somebody is at work"):
        pass
