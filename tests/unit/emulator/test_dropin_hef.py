"""What the drop-in says about HEF files, against the answers of the real library 4.23."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hailstack.emulator.install import install

install()

from hailo_platform import HEF, ConfigureParams, HailoStreamInterface  # noqa: E402

TRUTH = Path(__file__).resolve().parents[4] / "shared" / "data"
FOLDERS = ("hef/real", "hef/synthetic", "hef_bad")
CASES = sorted(path for folder in FOLDERS for path in (TRUTH / folder).glob("*.json"))
DIED = "__process_died__"
QUANT = ("qp_zp", "qp_scale", "limvals_min", "limvals_max")
NMS = ("number_of_classes", "max_bboxes_per_class", "max_accumulated_mask_size")


def outcome(ask: Callable[[], Any]) -> Any:
    """What a call gives, or how it fails, as the truth files write it."""
    try:
        given = ask()
    except Exception as error:  # noqa: BLE001 - what it is, is what is compared
        kind = type(error)
        return {"__exception__": f"{kind.__module__}.{kind.__qualname__}", "args": list(error.args)}
    return list(given) if isinstance(given, tuple) else given


def public(item: object) -> list[str]:
    return [name for name in dir(item) if not name.startswith("_")]


def enum(member: Any) -> dict[str, Any]:
    return {"name": member.name, "value": member.value}


def fields(item: Any, names: tuple[str, ...]) -> Any:
    return item if isinstance(item, list | dict) else {name: getattr(item, name) for name in names}


def common(info: Any) -> dict[str, Any]:
    wanted = info.format
    parts = {"type": enum(wanted.type), "order": enum(wanted.order), "flags": enum(wanted.flags)}
    return {
        "repr": repr(info),
        "name": info.name,
        "direction": enum(info.direction),
        "format": {**parts, "repr": repr(wanted).split(" object")[0]},
        "nms_shape": fields(outcome(lambda: info.nms_shape), NMS),
        "quant_info": fields(info.quant_info, QUANT),
        "attributes": public(info),
    }


def vstream(info: Any) -> dict[str, Any]:
    return {**common(info), "network_name": info.network_name, "shape": outcome(lambda: info.shape)}


def stream(info: Any) -> dict[str, Any]:
    shape = {"shape (python: is hw_shape)": outcome(lambda: info.shape)}
    return {**common(info), "sys_index": info.sys_index, "data_bytes": info.data_bytes, **shape}


def view(hef: HEF, name: str | None = None) -> dict[str, Any]:
    return {
        "input_vstream_infos": outcome(lambda: [vstream(info) for info in hef.get_input_vstream_infos(name)]),
        "output_vstream_infos": outcome(lambda: [vstream(info) for info in hef.get_output_vstream_infos(name)]),
        "all_vstream_infos_order": outcome(lambda: [info.name for info in hef.get_all_vstream_infos(name)]),
        "input_stream_infos": outcome(lambda: [stream(info) for info in hef.get_input_stream_infos(name)]),
        "output_stream_infos": outcome(lambda: [stream(info) for info in hef.get_output_stream_infos(name)]),
        "all_stream_infos_order": outcome(lambda: [info.name for info in hef.get_all_stream_infos(name)]),
    }


def name_map(hef: HEF, group: str, vstream_name: str) -> dict[str, Any]:
    originals = outcome(lambda: hef.get_original_names_from_vstream_name(vstream_name, group))
    known = originals if isinstance(originals, list) else []
    back = {name: outcome(lambda n=name: hef.get_vstream_name_from_original_name(n, group)) for name in known}
    streams = outcome(lambda: hef.get_stream_names_from_vstream_name(vstream_name, group))
    return {"original_names": originals, "stream_names": streams, "back_from_original": back}


def group(hef: HEF, name: str) -> dict[str, Any]:
    streams = [info.name for info in hef.get_all_stream_infos(name)]
    vstreams = [info.name for info in hef.get_all_vstream_infos(name)]
    return {
        "name": name,
        "networks_names": hef.get_networks_names(name),
        "sorted_output_names": hef.get_sorted_output_names(name),
        "bottleneck_fps": outcome(lambda: hef.bottleneck_fps(name)),
        "bottleneck_fps_raw": hef._hef.get_bottleneck_fps(name),
        **view(hef, name),
        "per_network": {network: view(hef, network) for network in hef.get_networks_names(name)},
        "vstream_name_maps": {one: name_map(hef, name, one) for one in vstreams},
        "stream_to_vstream_names": {
            one: outcome(lambda n=one: hef.get_vstream_names_from_stream_name(n, name)) for one in streams
        },
    }


def stream_params(params: Any) -> dict[str, Any]:
    answers = {name: outcome(lambda n=name: getattr(params, n)) for name in public(params)}
    plain = ("direction", "stream_interface")
    return {
        name: enum(value) if name in plain else value if isinstance(value, dict) else f"<{type(value).__name__}>"
        for name, value in answers.items()
    }


def configure_params(hef: HEF) -> dict[str, Any]:
    made = ConfigureParams.create_from_hef(hef, interface=HailoStreamInterface.PCIe)
    return {
        name: {
            "batch_size": params.batch_size,
            "power_mode": enum(params.power_mode),
            "network_params_by_name": {
                network: {"batch_size": one.batch_size} for network, one in params.network_params_by_name.items()
            },
            "stream_params_by_name": {
                one: stream_params(value) for one, value in params.stream_params_by_name.items()
            },
        }
        for name, params in made.items()
    }


def everything(path: Path) -> dict[str, Any]:
    opened = outcome(lambda: HEF(str(path)))
    if isinstance(opened, dict):
        return {"HEF(path)": opened}
    hef: HEF = opened
    infos = hef.get_network_groups_infos()
    unknown = {
        method: outcome(lambda m=method: getattr(hef, m)("nope"))
        for method in (
            "get_input_vstream_infos",
            "get_sorted_output_names",
            "get_networks_names",
            "bottleneck_fps",
            "get_original_names_from_vstream_name",
            "get_vstream_name_from_original_name",
        )
    }
    return {
        "network_group_names": hef.get_network_group_names(),
        "network_groups_infos": [{"name": i.name, "is_multi_context": i.is_multi_context} for i in infos],
        "default_networks_names": hef.get_networks_names(),
        "external_resources": hef._get_external_resources(),
        "from_bytes_same_names": HEF(path.read_bytes()).get_network_group_names(),
        "default_view (name=None)": view(hef),
        "network_groups": [group(hef, name) for name in hef.get_network_group_names()],
        "unknown_name_behaviour": {f"{method}('nope')": answer for method, answer in unknown.items()},
        "configure_params (PCIe)": configure_params(hef),
    }


@pytest.mark.shared
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_getter_answers_as_the_real_library(case: Path) -> None:
    truth = json.loads(case.read_text())["python"]
    if DIED in truth:
        answer = outcome(lambda: HEF(str(case.with_suffix(".hef"))).get_input_vstream_infos())
        assert answer["__exception__"].partition(".HailoRT")[1], "where the real library crashes, ours refuses"
        return
    assert everything(case.with_suffix(".hef")) == truth


def test_infos_survive_pickling(small_hef: Path) -> None:
    for info in HEF(str(small_hef)).get_all_vstream_infos():
        copy = pickle.loads(pickle.dumps(info))
        assert vstream(copy) == vstream(info)
        assert copy != info


def test_infos_are_read_only_and_say_so_as_compiled_code_does(small_hef: Path) -> None:
    info = HEF(str(small_hef)).get_input_vstream_infos()[0]
    with pytest.raises(AttributeError, match=r"^property of 'VStreamInfo' object has no setter$"):
        info.name = "other"
    with pytest.raises(AttributeError, match="'VStreamInfo' object has no attribute 'other'"):
        info.other = 1


def test_an_emulated_hef_lists_its_resources(small_hef: Path) -> None:
    assert set(HEF(str(small_hef))._get_external_resources()) == {"hailstack/graph.onnx", "hailstack/meta.json"}


def test_rates_are_bytes_a_second_and_shrink_to_the_limit(small_hef: Path) -> None:
    hef = HEF(str(small_hef))
    assert hef.get_udp_rates_dict(30, 10**9) == {"small/input_layer1": 30 * 8 * 8 * 3}
    # 192 bytes in, 256 + 8 bytes out: the outputs set the pace.
    assert hef.get_udp_rates_dict(30, 264) == {"small/input_layer1": 192}


@pytest.mark.parametrize("source", [123, Path("model.hef"), None])
def test_only_text_and_bytes_open_a_hef(source: object) -> None:
    with pytest.raises(ValueError, match=r"^HEF can only be created from a file path \(str\) or a buffer \(bytes\)$"):
        HEF(source)


def test_no_bytes_are_refused_like_an_empty_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.hef"
    empty.touch()
    assert outcome(lambda: HEF(b"")) == outcome(lambda: HEF(str(empty)))
    assert all(line.startswith("[HailoRT] [error] ") for line in capfd.readouterr().err.splitlines())
