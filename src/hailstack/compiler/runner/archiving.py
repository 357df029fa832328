"""A runner's work as an archive, and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.har import Har
from hailstack.compiler.runner import kept
from hailstack.compiler.runner.arguments import known_chip
from hailstack.compiler.runner.console import dfc_version
from hailstack.compiler.runner.definitions import States
from hailstack.compiler.runner.integers import load_integers, save_integers
from hailstack.compiler.runner.vendor_errors import UnsupportedModelError
from hailstack.compiler.runner.work import Work
from hailstack.errors import ModelError


def make_archive(work: Work) -> Har:
    """Everything that another process needs to go on.

    Raises:
        InvalidStateException: there is no network yet.
    """
    parsed = work.network()
    files = dict(work.kept.files) if work.kept is not None else {}
    files |= kept.save_parsed(parsed)
    plan = work.integers.plan if work.integers is not None else parsed.raw_plan
    tail = cut_tail(parsed.graph, replace(plan, ends=tuple(replace(end, sigmoid=False) for end in plan.ends)))
    if tail is not None:
        files["postprocess.onnx"] = tail.model.SerializeToString()
    if work.integers is not None:
        files |= save_integers(work.integers)
    if work.hef is not None and work.state is States.COMPILED_MODEL:
        files["hef"] = work.hef
    metadata = {"state": work.state.value, "sdk_version": dfc_version(), "hw_arch": work.chip or "hailo8"}
    return Har(
        parsed.name,
        parsed.hn,
        {**metadata, "model_name": parsed.name, "made_by": "hailstack"},
        params=parsed.params,
        params_quantized={**integer_parameters(work), **work.statistics},
        script=work.script,
        nms_config=(work.recipe or work.make_recipe()).nms_config,
        files=files,
    )


def restore(work: Work, archive: Har, source: str) -> None:
    """Go on from an archive, ours or the vendor's.

    Raises:
        UnsupportedModelError: the vendor's network cannot be rebuilt; the message names the layer.
    """
    try:
        parsed, state = kept.load_parsed(archive, source)
    except ModelError as error:
        raise UnsupportedModelError(str(error)) from error
    work.forget()
    work.parsed, work.state, work.kept = parsed, States(state), archive
    work.chip = work.chip or known_chip(archive.metadata.get("hw_arch"))
    work.script, work.script_folder = archive.script, Path()
    work.integers = load_integers(archive.files, source)
    work.hef = archive.files.get("hef")
    work.statistics = {key: value for key, value in archive.params_quantized.items() if "noise_analysis" in key}


def integer_parameters(work: Work) -> dict[str, NDArray[Any]]:
    """Weights and biases in integers with their scales, by layer; nothing where the network is not quantised."""
    return {} if work.integers is None else kept.integer_parameters(work.network(), work.integers)
