"""A dataset under people's hands: drafts, saving, reviews, classes; what is on disk at every step."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hailstack.datasets import open_dataset
from hailstack.datasets.annotate.desk import Desk
from hailstack.datasets.annotate.documents import Batch
from hailstack.datasets.annotate.lines import Edit
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.imaging import write_image

NEAR, LABELLED, FAR = "images/a.jpg", "images/b.jpg", "images/far/a.jpg"
A, B, C = (f"{number} 0.500000 0.500000 0.100000 0.100000" for number in range(3))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images" / "far").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "far/a.jpg"):
        write_image(tmp_path / "images" / name, np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "b.txt").write_text(f"{A}\nbroken line\n")
    return tmp_path


def batch(*edits, **more):
    return Batch([Edit(*edit) for edit in edits], **more)


def test_pictures_come_with_their_state_and_count(folder):
    with Desk(folder) as desk:
        desk.edit(NEAR, batch((None, A), (None, B)))
        assert desk.overview() == [
            ("images/a.jpg", "draft", 2),
            ("images/b.jpg", "labelled", 2),
            ("images/far/a.jpg", "open", 0),
        ]


def test_a_draft_outlives_the_server_and_writes_no_label(folder):
    with Desk(folder) as desk:
        desk.edit(FAR, batch((None, A)))
        assert not (folder / "labels/far/a.txt").exists()
    with Desk(folder) as desk:
        assert desk.document(FAR).lines == (A,)
        assert desk.document(FAR).state == "draft"


def test_saving_writes_the_label_file_and_the_review(folder):
    with Desk(folder) as desk:
        desk.edit(FAR, batch((None, A)))
        assert desk.save(FAR, batch((None, B)), "Ann").state == "reviewed"
    assert (folder / "labels/far/a.txt").read_text() == f"{A}\n{B}\n"
    with Desk(folder) as desk:
        assert desk.document(FAR).state == "reviewed"
    noted = json.loads((folder / ".hailstack/annotate/reviewed.json").read_text())
    assert noted["reviewed"]["images/far/a.jpg"]["by"] == "Ann"
    assert not list(folder.rglob("*.part"))


def test_a_picture_with_nothing_in_it_gets_an_empty_label_file(folder):
    with Desk(folder) as desk:
        desk.save(NEAR, batch(), "")
        assert (folder / "labels/a.txt").read_text() == ""
        samples = list(open_dataset(folder).samples)
        assert samples[0].objects is not None
        assert len(samples[0].objects) == 0
        assert desk.reopen(NEAR).state == "open"
    assert not (folder / "labels/a.txt").exists()


def test_reopening_keeps_boxes(folder):
    with Desk(folder) as desk:
        desk.save(NEAR, batch((None, A)), "")
        assert desk.reopen(NEAR).state == "labelled"
    assert (folder / "labels/a.txt").read_text() == f"{A}\n"


def test_lines_that_no_page_can_show_stay_as_they_are(folder):
    with Desk(folder) as desk:
        desk.save(LABELLED, batch((A, B)), "")
    assert (folder / "labels/b.txt").read_text() == f"{B}\nbroken line\n"


def test_a_draft_that_is_taken_back_is_none(folder):
    with Desk(folder) as desk:
        desk.edit(LABELLED, batch((None, C)))
        assert desk.edit(LABELLED, batch((C, None), undoes=True)).state == "labelled"
    assert not list((folder / ".hailstack").rglob("b.jpg.json"))


def test_what_somebody_writes_into_the_label_file_meanwhile_is_not_lost(folder):
    with Desk(folder) as desk:
        desk.edit(LABELLED, batch((None, C)))
        (folder / "labels/b.txt").write_text(f"{A}\n{B}\n")
        assert desk.save(LABELLED, batch(), "").lines == (A, C, B)


def test_a_batch_that_is_sent_again_counts_once(folder):
    with Desk(folder) as desk:
        desk.edit(NEAR, batch((None, A), sender="x", number=1))
        desk.edit(NEAR, batch((A, None), sender="y", number=1))
        assert desk.edit(NEAR, batch((None, A), sender="x", number=1)).lines == ()
        assert desk.edit(NEAR, batch((None, A), sender="x", number=2)).lines == (A,)


def test_the_revision_changes_with_lines_and_state_and_not_with_a_restart(folder):
    with Desk(folder) as desk:
        first = desk.document(NEAR).revision
        second = desk.edit(NEAR, batch((None, A))).revision
        third = desk.save(NEAR, batch(), "").revision
    with Desk(folder) as desk:
        assert desk.document(NEAR).revision == third
    assert len({first, second, third}) == 3


def test_a_bad_line_is_refused_and_nothing_is_changed(folder):
    with Desk(folder) as desk:
        with pytest.raises(InputError, match="finite"):
            desk.edit(NEAR, batch((None, A), (None, "0 nan 2 1 1")))
        assert desk.document(NEAR).lines == ()


def test_a_label_that_lies_outside_the_picture_can_be_removed_and_brought_back(folder):
    (folder / "labels/a.txt").write_text("0.0 0.98 0.5 0.3 0\n")
    with Desk(folder) as desk:
        (line,) = desk.document(NEAR).lines
        desk.edit(NEAR, batch((line, None)))
        assert desk.edit(NEAR, batch((None, line), undoes=True)).lines == (line,)


def test_a_name_that_is_no_text_is_spelled_out(folder):
    strange = os.fsencode(folder / "images") + b"/caf\xe9.jpg"
    os.link(folder / "images/a.jpg", strange)
    with Desk(folder) as desk:
        name = next(name for name, _, _ in desk.overview() if "caf" in name)
        assert name == r"images/caf\udce9.jpg"
        desk.save(name, batch((None, A)), "")
    assert Path(os.fsdecode(os.fsencode(folder / "labels") + b"/caf\xe9.txt")).exists()


def test_only_the_pictures_of_the_dataset_are_known(folder):
    with Desk(folder) as desk:
        for name in ("", "images/c.jpg", "../data.yaml", "/etc/passwd"):
            with pytest.raises(NotFoundError, match="no such picture"):
                desk.document(name)


def test_one_server_at_a_time(folder):
    with Desk(folder), pytest.raises(InputError, match="open"):
        Desk(folder)
    Desk(folder).close()


def test_a_draft_that_is_no_draft_is_named(folder):
    place = folder / ".hailstack/annotate/drafts/images/a.jpg.json"
    place.parent.mkdir(parents=True)
    place.write_text("{}")
    with Desk(folder) as desk, pytest.raises(ConfigError, match=r"a\.jpg\.json"):
        desk.document(NEAR)


def test_a_label_file_that_is_no_text_hides_no_other_picture(folder):
    (folder / "labels/a.txt").write_bytes(b"\xff\xfe\x00")
    with Desk(folder) as desk:
        assert desk.overview()[0] == ("images/a.jpg", "labelled", 0)
        with pytest.raises(InputError, match=r"labels/a\.txt: this label file cannot be read"):
            desk.document(NEAR)


def test_a_folder_that_cannot_be_written_is_named(folder):
    (folder / "labels/far").write_text("in the way")
    with Desk(folder) as desk, pytest.raises(InputError, match="labels/far"):
        desk.save(FAR, batch((None, A)), "")


def test_pictures_outside_the_folder_have_their_drafts_inside(folder, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    (away / "data.yaml").write_text(f"path: {folder}\ntrain: images\nnames: [x]\n")
    with Desk(away) as desk:
        name = desk.overview()[0][0]
        assert name == f"{folder}/images/a.jpg".lstrip("/")
        desk.edit(name, batch((None, A)))
        assert desk.overview()[0][1] == "draft"
    assert len(list(away.rglob("*.json"))) == 1
    assert not (folder / ".hailstack").exists()


def test_pictures_that_are_in_no_split_can_be_labelled(folder):
    (folder / "train.txt").write_text("./images/b.jpg\n")
    (folder / "data.yaml").write_text("train: train.txt\nnames: [x]\n")
    with Desk(folder) as desk:
        assert [name for name, _, _ in desk.overview()] == [LABELLED, NEAR, FAR]
        desk.save(NEAR, batch((None, A)), "")
    assert (folder / "labels/a.txt").read_text() == f"{A}\n"


def test_a_class_without_boxes_can_be_removed_and_one_with_boxes_cannot(folder):
    (folder / "labels/b.txt").write_text(f"{A}\n{B}\nno number here\n")
    (folder / "data.yaml").write_text("train: images\nnames: [bud, open, gone, more]\n")
    with Desk(folder) as desk:
        desk.edit(NEAR, batch((None, C)))
        desk.edit(LABELLED, batch((B, None)))  # not saved: the label file has it
        with pytest.raises(InputError, match="'gone' is in use: boxes 1, pictures 1;"):
            desk.remove_class(2, "gone")
        with pytest.raises(InputError, match="'open' is in use: boxes 1,"):
            desk.remove_class(1, "open")
        desk.remove_class(3, "more")
        with pytest.raises(InputError, match="no longer called"):
            desk.remove_class(3, "more")
        desk.save(LABELLED, batch(), "")
        with pytest.raises(InputError, match="without it 'gone' would be class 1, which its 1 boxes"):
            desk.remove_class(1, "open")
        desk.edit(NEAR, batch((C, None)))
        desk.remove_class(1, "open")
        assert desk.names == ["bud", "gone"]
    assert open_dataset(folder).names == {0: "bud", 1: "gone"}


def test_a_class_that_can_only_be_a_mistake_is_told(folder):
    (folder / "data.yaml").write_text("train: images\nnames: {0: bud, 1000000000: open}\n")
    with pytest.raises(InputError, match=r"class 1000000000 \(open\): classes go up to 9999"):
        Desk(folder)
    (folder / "data.yaml").write_text("train: images\nnames: {0: bud, 2: open}\n")
    with Desk(folder) as desk:
        assert desk.names == ["bud", "1", "open"]


def test_a_draft_whose_name_is_too_long_is_told(folder):
    name = f"{'x' * 250}.jpg"
    os.link(folder / "images/a.jpg", folder / "images" / name)
    with Desk(folder) as desk:
        desk.edit(NEAR, batch((None, A)))
        with pytest.raises(InputError, match="File name too long"):
            desk.document(f"images/{name}")


def test_the_first_class_makes_a_dataset_of_a_folder(folder):
    with Desk(folder) as desk:
        assert desk.add_class(" flower ") == 0
        assert desk.add_class("bud: pink") == 1
        assert desk.add_class("flower") == 0
        desk.rename_class(0, "flower", "Blüte")
        with pytest.raises(InputError, match="renamed"):
            desk.rename_class(0, "flower", "other")
        with pytest.raises(InputError, match="already"):
            desk.rename_class(0, "Blüte", "bud: pink")
    assert open_dataset(folder).names == {0: "Blüte", 1: "bud: pink"}
    with Desk(folder) as desk:
        assert desk.names == ["Blüte", "bud: pink"]
