"""Versions and chips other than the default, each in a process of its own: the choice is made at import."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from hailstack.emulator.install import dropin_path
from hailstack.emulator.settings import Settings
from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    FormatOrder,
    FormatType,
    HefBlueprint,
    Shape,
    StreamPlan,
    write_hef,
)

PRELUDE = """
import json, sys
import hailo_platform
from hailo_platform import *
from hailo_platform.pyhailort import _pyhailort, pyhailort
def kind(call):
    try:
        return repr(call())
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}: {error}"
def shape_of(path):
    return [(info.name, info.shape) for info in HEF(path).get_all_vstream_infos()]
"""


def ask(script: str, tmp_path: Path, *arguments: str, **settings: Any) -> Any:
    """What a program of the played version prints as JSON."""
    environment = {"PYTHONPATH": str(dropin_path())}
    Settings(lock_dir=tmp_path / "locks", **settings).to_environment(environment)
    command = [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_4_20_has_the_older_names_and_statuses(tmp_path: Path) -> None:
    answers = ask(
        """
        print(json.dumps({
            "version": hailo_platform.__version__,
            "nms": int(FormatOrder.HAILO_NMS),
            "detections": [hasattr(pyhailort, name) for name in ("HailoDetection", "Detection")],
            "scheduler": VDevice.create_params().scheduling_algorithm,
            "last status": [_pyhailort.get_status_message(90), _pyhailort.get_status_message(91)],
            "resources": hasattr(HEF, "_get_external_resources"),
            "garbage": kind(lambda: HEF(b"garbage" * 100)),
            "old name": pyhailort.HailoDetection.__name__,
        }))
        """,
        tmp_path,
        profile="4.20",
    )
    assert answers == {
        "version": "4.20.0",
        "nms": 9,
        "detections": [True, False],
        "scheduler": 0,
        "last status": ["HAILO_DRIVER_WAIT_CANCELED", ""],
        "resources": False,
        "garbage": (
            "hailo_platform.pyhailort.pyhailort.HailoRTInvalidHEFException: "
            "Invalid HEF. See hailort.log for more information"
        ),
        "old name": "HailoDetection",
    }


def test_5_2_without_a_chip_raises_one_family_of_exceptions(tmp_path: Path) -> None:
    answers = ask(
        """
        params = VDevice.create_params()
        params.multi_process_service = True
        print(json.dumps({
            "version": hailo_platform.__version__,
            "scheduler": params.scheduling_algorithm,
            "family": issubclass(_pyhailort.HailoRTStatusException, HailoRTException),
            "opened": kind(VDevice),
            "service": kind(lambda: VDevice(params)),
            "found": kind(Device),
            "by id": kind(lambda: Device("0000:01:00.0")),
            "gone": [hasattr(hailo_platform, name) for name in ("PcieDevice", "MipiDataTypeRx", "UDPRateLimiter")],
            "rates": hasattr(HEF, "get_udp_rates_dict"),
            "last status": _pyhailort.get_status_message(97),
            "flags": [name for name in dir(HailoFormatFlags) if not name.startswith("__")],
            "reboot": int(_pyhailort.ResetDeviceMode.REBOOT),
        }))
        """,
        tmp_path,
        profile="5.2",
        devices=0,
    )
    no_chip = "libhailort failed with error: 74 (HAILO_OUT_OF_PHYSICAL_DEVICES)"
    assert answers == {
        "version": "5.2.0",
        "scheduler": 1,
        "family": True,
        "opened": f"hailo_platform.pyhailort._pyhailort.HailoRTException: {no_chip}",
        "service": f"hailo_platform.pyhailort._pyhailort.HailoRTException: {no_chip}",
        "found": "hailo_platform.pyhailort._pyhailort.HailoRTException: HailoRT device not found in the system",
        "by id": "hailo_platform.pyhailort._pyhailort.HailoRTStatusException: 2",
        "gone": [False, False, False],
        "rates": False,
        "last status": "HAILO_DEVICE_TEMPORARILY_UNAVAILABLE",
        "flags": ["NONE", "TRANSPOSED", "_pybind11_conduit_v1_", "name", "value"],
        "reboot": 4,
    }


@pytest.fixture(scope="module")
def new_chip_hef(small_graph: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network for a Hailo-10H."""
    path = tmp_path_factory.mktemp("hef") / "small_10h.hef"
    group = {
        "graph": EMULATED_GRAPH,
        "inputs": {"small/input_layer1": "image"},
        "outputs": {"small/conv1": "map", "small/fc1": "sums"},
    }
    streams = (
        StreamPlan("small/input_layer1", Direction.H2D, Shape(8, 8, 3)),
        StreamPlan("small/conv1", Direction.D2H, Shape(8, 8, 4)),
        StreamPlan("small/fc1", Direction.D2H, Shape(1, 1, 4), FormatType.UINT16, FormatOrder.NC),
    )
    write_hef(
        path,
        HefBlueprint(
            "small", streams, "HAILO10H", graphs={EMULATED_GRAPH: small_graph}, meta={"groups": {"small": group}}
        ),
    )
    return path


def test_a_hailo_10h_only_infers_asynchronously(tmp_path: Path, new_chip_hef: Path, small_hef: Path) -> None:
    answers = ask(
        """
        import numpy as np
        own, older = sys.argv[1:]
        with VDevice() as device:
            configured = kind(lambda: device.configure(HEF(own)))
            refused = kind(lambda: device.create_infer_model(older).configure())
            model = device.create_infer_model(own)
            with model.configure() as ready:
                outputs = {"small/conv1": np.zeros((8, 8, 4), np.uint8), "small/fc1": np.zeros(4, np.uint16)}
                bindings = ready.create_bindings({"small/input_layer1": np.ones((8, 8, 3), np.uint8)}, outputs)
                errors = []
                job = ready.run_async([bindings], lambda completion_info: errors.append(completion_info.exception))
                job.wait(5000)
            total = int(outputs["small/conv1"].sum()) == int(outputs["small/fc1"].sum())
        print(json.dumps({"configure": configured, "older": refused, "errors": errors, "computed": total}))
        """,
        tmp_path,
        str(new_chip_hef),
        str(small_hef),
        profile="5.2",
    )
    assert answers == {
        "configure": (
            "hailo_platform.pyhailort._pyhailort.HailoRTException: "
            "libhailort failed with error: 7 (HAILO_NOT_IMPLEMENTED)"
        ),
        "older": (
            "hailo_platform.pyhailort.pyhailort.HailoRTHEFNotCompatibleWithDevice: "
            "HEF file is not compatible with device. See hailort.log for more information"
        ),
        "errors": [None],
        "computed": True,
    }


def test_a_hailo_15h_has_virtual_streams_and_the_scheduler_by_default(tmp_path: Path, new_chip_hef: Path) -> None:
    answers = ask(
        """
        import numpy as np
        with VDevice() as device:
            group = device.configure(HEF(sys.argv[1]))[0]
            params = InputVStreamParams.make(group), OutputVStreamParams.make(group)
            with InferVStreams(group, *params) as pipeline:
                results = pipeline.infer(np.zeros((2, 8, 8, 3), np.uint8))
        print(json.dumps({name: array.shape for name, array in results.items()}))
        """,
        tmp_path,
        str(new_chip_hef),
        profile="5.2",
        chip="hailo15h",
    )
    assert answers == {"small/conv1": [2, 8, 8, 4], "small/fc1": [2, 4]}


def test_language_models_import_and_say_that_they_are_not_emulated(tmp_path: Path) -> None:
    answers = ask(
        """
        from hailo_platform.genai import LLM, VLM, Speech2Text, Speech2TextTask
        with VDevice() as device:
            print(json.dumps([
                kind(lambda: LLM(device, "model.hef")),
                kind(lambda: VLM(device, "model.hef")),
                kind(lambda: Speech2Text(device, "model.hef")),
                kind(lambda: HailoSession.connect(12345)),
                kind(lambda: HailoSessionListener(12345)),
                Speech2TextTask.TRANSCRIBE.name,
            ]))
        """,
        tmp_path,
        profile="5.2",
    )
    assert answers.pop() == "TRANSCRIBE"
    assert all(answer.startswith("hailo_platform.pyhailort._pyhailort.HailoRTException: ") for answer in answers)
    assert all("is not emulated: the software NPU runs vision networks only" in answer for answer in answers)
