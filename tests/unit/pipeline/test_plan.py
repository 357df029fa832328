"""The file that names several models."""

from __future__ import annotations

import pytest

from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.pipeline import Job
from hailstack.pipeline.plan import is_plan, read_plan

WHOLE = """
[[model]]
net = "nets/detector-8n.hef"
priority = 20
sources = ["camera:0"]
on_fault = ["skip"]

[[model]]
net = "palm.hef"
name = "palms"
config = "palm.json"
fps = 2.5

[model.then]
net = "/opt/hand.hef"
classes = ["palm"]
at_most = 2
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "models.toml"
        path.write_text(text)
        return str(path)

    return written


def test_paths_are_relative_to_the_file_and_names_come_from_the_nets(write, tmp_path):
    plan = read_plan(write(WHOLE))
    detector, palms = plan.model
    assert (detector.name, detector.net) == ("detector-8n", str(tmp_path / "nets" / "detector-8n.hef"))
    assert (detector.priority, detector.sources, detector.on_fault) == (20, ("camera:0",), ("skip",))
    assert (palms.name, palms.config, palms.fps) == ("palms", str(tmp_path / "palm.json"), 2.5)
    assert palms.then is not None
    assert (palms.then.name, palms.then.net, palms.then.at_most) == ("hand", "/opt/hand.hef", 2)
    assert [one.name for one in plan.nets] == ["detector-8n", "palms", "hand"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "key 'model'"),
        ("model = []", "key 'model'"),
        ("[[model]]\nnet = 3", r"key 'model\.0\.net', value 3"),
        ('[[model]]\nnet = "a.hef"\nspeed = 3', r"unknown key 'model\.0\.speed'"),
        ('[[model]]\nnet = "a.hef"\npriority = 32', r"key 'model\.0\.priority', value 32"),
        ('[[model]]\nnet = "a.hef"\non_fault = ["try"]', r"key 'model\.0\.on_fault', value \[.try.\].*KIND=ACTION"),
        ('[[model]]\nnet = "a.hef"\nfps = 0', r"key 'model\.0\.fps', value 0"),
        ('[[model]]\nnet = "a.hef"\npostprocess = "magic"', r"key 'model\.0\.postprocess'"),
        ('[[model]]\nnet = "a.hef"\nname = "a/b"', "a name is letters"),
        ('[[model]]\nnet = "a.hef"\n[model.then]\nnet = "b.hef"\nfps = 3', r"unknown key 'model\.0\.then\.fps'"),
        ('[[model]]\nnet = "a.hef"\n[[model]]\nnet = "b/a.hef"', "two models are called 'a'"),
        ("[[model]", "not TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(write, text, said):
    path = write(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_plan(path)
    assert str(caught.value).startswith(path)


def test_a_file_may_begin_with_a_mark_of_the_byte_order(write):
    assert read_plan(write("\ufeff" + WHOLE)).model[1].name == "palms"


def test_a_missing_file_is_named(tmp_path):
    assert is_plan("models.TOML")
    assert not is_plan("models.hef")
    with pytest.raises(NotFoundError, match=r"none\.toml"):
        read_plan(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"postprocess": "raw"}, "--postprocess: write postprocess into"),
        ({"batch_size": 2}, "--batch-size: write batch_size into"),
        ({"depth": "auto"}, "--depth: write depth into"),
        ({"resume": True}, "--resume: a run of the models in .* cannot be taken up again"),
    ],
)
def test_options_of_one_model_are_refused_beside_the_file(write, options, said):
    with pytest.raises(InputError, match=said):
        Job(["clip.mp4"], write(WHOLE), **options).run()
