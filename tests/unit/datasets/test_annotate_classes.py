"""The class list that people edit while they label."""

from __future__ import annotations

import numpy as np
import pytest

from hailstack.datasets import open_dataset
from hailstack.datasets.annotate.classes import check_name, write_names
from hailstack.errors import InputError
from hailstack.imaging import write_image

PIXELS = np.zeros((8, 8, 3), np.uint8)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "cat"])
def test_names_that_cannot_be_are_refused(name):
    with pytest.raises(InputError):
        check_name(name, ["cat"])


def test_spaces_around_a_name_are_dropped():
    assert check_name(" white flower ", ["cat"]) == "white flower"


def test_a_folder_of_pictures_becomes_a_dataset_with_its_first_class(tmp_path):
    write_image(tmp_path / "0.png", PIXELS)
    write_names(tmp_path, ["a: b", "yes"])
    found = open_dataset(tmp_path)
    assert (found.kind, found.names, len(list(found.samples))) == ("yolo", {0: "a: b", 1: "yes"}, 1)


def test_the_rest_of_an_old_file_stays(tmp_path):
    (tmp_path / "images").mkdir()
    write_image(tmp_path / "images" / "0.png", PIXELS)
    file = tmp_path / "data.yaml"
    file.write_text("# my field\ntrain: images  # all\nnc: 1\nnames: [cat]\n# the end\n")
    write_names(file, ["cat", "dog"])
    assert file.read_text().startswith("# my field\ntrain: images  # all\nnc: 2\n")
    assert file.read_text().endswith("# the end\n")
    assert open_dataset(tmp_path).names == {0: "cat", 1: "dog"}
