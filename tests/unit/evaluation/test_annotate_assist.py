"""Networks that propose boxes on the annotation page: of any file, the same boxes."""

from __future__ import annotations

import numpy as np
import pytest

from hailstack.cli.annotate_assist import open_assistant
from hailstack.demo.detector import LABELS
from hailstack.demo.shots import take_shots
from hailstack.errors import InputError, NotFoundError
from tiny_networks import write_classifier


def test_a_hef_and_its_onnx_propose_about_the_same_again_and_again(field):
    first, second = (shot.image for shot in take_shots(401, 2))
    with open_assistant(field.onnx) as exported, open_assistant(field.hef) as device:
        for image in (first, second):
            expected, found = exported(image), device(image)
            sure = expected.xyxy[expected.score > 0.5]
            gaps = np.abs(sure[:, None] - found.xyxy[None]).max(axis=2).min(axis=1)
            assert len(sure) > 3
            assert np.mean(gaps < 3) > 0.8
            assert found.names == LABELS


def test_a_network_that_finds_no_boxes_is_refused_before_anybody_waits_for_it(tmp_path):
    with pytest.raises(InputError, match="proposes no boxes"), open_assistant(write_classifier(tmp_path / "c.onnx")):
        pass


def test_what_is_no_model_is_named(tmp_path):
    (tmp_path / "model.pt").write_text("")
    with pytest.raises(InputError, match=r"model\.pt"), open_assistant(tmp_path / "model.pt"):
        pass
    with pytest.raises(NotFoundError, match=r"gone\.hef"), open_assistant(tmp_path / "gone.hef"):
        pass
