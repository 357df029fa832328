"""What is read from the vendor compiler's log lines and messages."""

from __future__ import annotations

import pytest

from hailstack.compiler.vendor.log import failure_details, read_line, recommended_nodes
from hailstack.compiler.vendor.versions import RELEASES, check_target, warn_of_pair
from hailstack.errors import ConfigError


@pytest.mark.parametrize(
    ("line", "kind", "values"),
    [
        ("[warning] Reducing optimization level to 0 (...) because there's no available GPU",
         "level-dropped", {"level": "0"}),
        ("[info] Using default optimization level of 2", "level", {"level": "2"}),
        ("[info] Using dataset with 64 entries for calibration", "dataset", {"count": "64", "purpose": "calibration"}),
        ("[info] Assigning 4bit weights to layer net/conv41 with 1180.00k parameters", "narrow-weights",
         {"layer": "net/conv41"}),
        ("[info] net/output_layer1 SNR:\t24.12 dB", "snr", {"layer": "net/output_layer1", "snr_db": "24.12"}),
        ("The calibration set seems to not be normalized, because the values range is [0,1]", "not-normalised", {}),
        ("[info] Model Optimization Algorithm Mixed Precision is done (completion time is 00:00:00.82)", "done",
         {"name": "Mixed Precision"}),
        ("[info] Bias Correction skipped", "skipped", {"name": "Bias Correction"}),
        ("Calibration:  41%|####      | 26/64 [00:02<00:03, 11.54entries/s]", "bar",
         {"name": "Calibration", "percent": "41"}),
        ("[info] Single context flow failed: Recoverable single context error", "single-context-failed",
         {"reason": "Recoverable single context error"}),
        ("Iteration #184 - Contexts: 5", "iteration", {"iteration": "184", "contexts": "5"}),
        ("[info] Found valid partition to 4 contexts", "contexts", {"contexts": "4"}),
        ("[error] Mapping Failed (allocation time: 10m 11s)", "mapping-failed", {"time": "10m 11s"}),
        ("[info] Successful Mapping (allocation time: 19s)", "mapped", {"time": "19s"}),
        ("No successful assignments: concat24 errors:", "no-partition", {}),
        ("Compilation failed: Failed to reach required FPS on the following layers: conv3", "too-slow", {}),
        ("numpy.core._exceptions._ArrayMemoryError: Unable to allocate 5 GiB", "out-of-memory", {}),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "out-of-memory", {}),
    ],
)  # fmt: skip
def test_a_line_that_tells_something_is_an_event(line: str, kind: str, values: dict[str, str]) -> None:
    event = read_line(line)
    assert event is not None
    assert event.kind == kind
    assert event.values.items() >= values.items()


@pytest.mark.parametrize("line", ["", "[info] Starting Model Optimization", "[info] Saved HAR to: /tmp/x.har"])
def test_other_lines_are_none(line: str) -> None:
    assert read_line(line) is None


@pytest.mark.parametrize(
    ("message", "nodes"),
    [
        ("Parsing failed.\n ShuffleError in op a\nPlease try to parse the model again, using these end node names: "
         "/model.22/cv2.0/cv2.0.2/Conv, /model.22/cv3.0/cv3.0.2/Conv",
         ("/model.22/cv2.0/cv2.0.2/Conv", "/model.22/cv3.0/cv3.0.2/Conv")),
        ("use these end node names: a, b\nmore", ("a", "b")),
        ("using these start node names: x\nusing these end node names: 'a'.", ("a",)),
        ("using these end node names: net/bias;net/conv;net/read, net/other", ("net/bias", "net/other")),
        ("nothing", ()),
    ],
)  # fmt: skip
def test_recommended_end_nodes_are_read_from_the_message(message: str, nodes: tuple[str, ...]) -> None:
    assert recommended_nodes(message) == nodes


def test_the_reason_of_a_failed_mapping_is_kept_without_what_came_before_and_after() -> None:
    log = ["[info] x", "[error] Mapping Failed (allocation time: 13s)", " concat24 errors:", "", " Agent infeasible",
           "Traceback (most recent call last):", "  File"]  # fmt: skip
    assert failure_details(log) == (
        "[error] Mapping Failed (allocation time: 13s)",
        "concat24 errors:",
        "Agent infeasible",
    )


def test_a_compiler_of_the_other_line_is_refused_for_a_chip() -> None:
    check_target("3.33.1", "hailo8l")
    check_target("5.2.0", "hailo10h")
    check_target("unknown", "hailo8")
    with pytest.raises(ConfigError, match=r"5\.2\.0 makes HEFs for hailo10h, .*not for hailo8l; that takes 3\.x"):
        check_target("5.2.0", "hailo8l")


def test_only_a_compiler_newer_than_the_runtime_is_warned_of() -> None:
    assert all(warn_of_pair(release.compiler, release.runtime) == "" for release in RELEASES)
    assert "which goes with compiler 3.30; it goes with runtime 4.23" in warn_of_pair("3.33.1", "4.20.0")
    assert warn_of_pair("3.28.0", "4.23.0") == warn_of_pair("3.30", "9.9") == warn_of_pair("", "4.23") == ""
