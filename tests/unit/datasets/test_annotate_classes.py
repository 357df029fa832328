"""The class list in data.yaml, whose other lines stay."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hailstack.datasets.annotate.classes import check_name, write_names
from hailstack.errors import ConfigError, InputError

STYLES = {
    "list": "names: [cat, dog]\n",
    "block list": "names:\n  - cat\n  - dog # barks\n",
    "flush list": "names:\n- cat\n- dog\n",
    "mapping": "names:\n  0: cat\n  1: dog\n",
    "long": "names: {\n  0: cat,\n  1: dog\n}  # two\n",
    "empty": "names: []\n",
    "nothing": "names:\n",
    "absent": "",
}
BEFORE, AFTER = "# my field\npath: .  # here\ntrain: images\nnc: 2\n", "\n# the end\nflip_idx: [0]\n"


@pytest.mark.parametrize("style", STYLES)
def test_the_names_change_and_the_rest_stays(tmp_path, style):
    file = tmp_path / "data.yaml"
    file.write_text(BEFORE + STYLES[style] + AFTER)
    write_names(file, ["cat", "dog", "cow"], ".")
    text = file.read_text()
    read = yaml.safe_load(text)
    assert read["names"] == {0: "cat", 1: "dog", 2: "cow"}
    assert (read["nc"], read["train"], read["flip_idx"]) == (3, "images", [0])
    assert text.startswith("# my field\npath: .  # here\n")
    assert "# the end" in text


names = (
    st.text(st.characters(codec="utf-8"), max_size=30).map(str.strip).filter(lambda text: text and text.isprintable())
)


@given(st.lists(names, max_size=5))
def test_any_name_is_read_back(tmp_path_factory, names):
    file = tmp_path_factory.getbasetemp() / "names.yaml"
    file.unlink(missing_ok=True)
    write_names(file, names, "images")
    write_names(file, names, "images")
    read = yaml.safe_load(file.read_text("utf-8"))
    assert list((read["names"] or {}).values()) == names
    assert read["train"] == "images"


def test_what_is_no_yaml_is_left_alone(tmp_path):
    file = tmp_path / "data.yaml"
    file.write_text("names: [")
    with pytest.raises(ConfigError, match=r"data\.yaml"):
        write_names(file, ["a"], ".")
    assert file.read_text() == "names: ["


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "cat"])
def test_names_that_cannot_be_are_refused(name):
    with pytest.raises(InputError):
        check_name(name, ["cat"])
