"""Runs in the vendor compiler's Python, not in ours: ``python runner.py TASK.json``, or ``--probe``.

It imports the vendor's package, and numpy, which that brings along; nothing of Hailstack. Progress goes to standard
output as lines that start with ``MARK`` and go on in JSON; all other lines are the compiler's own.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

MARK = "\x1ehailstack "


def tell(**facts: Any) -> None:
    sys.stdout.write(f"\n{MARK}{json.dumps(facts)}\n")
    sys.stdout.flush()


def end_with_parent() -> None:
    """End the whole group when the one who started us is gone: its end of our standard input closes then."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def keep_limits(task: dict[str, Any]) -> None:
    """The compiler starts a worker for each processor it sees and takes all memory there is; this binds them all."""
    if task.get("cpus"):
        os.sched_setaffinity(0, task["cpus"])
    if task.get("memory_bytes"):
        resource.setrlimit(resource.RLIMIT_AS, (task["memory_bytes"], task["memory_bytes"]))


def probe() -> None:
    from importlib import metadata

    import hailo_sdk_client  # type: ignore[import-not-found]

    try:
        version = metadata.version("hailo_dataflow_compiler")
    except metadata.PackageNotFoundError:
        version = str(getattr(hailo_sdk_client, "__version__", ""))
    tell(version=version, gpu=Path("/proc/driver/nvidia/version").exists())


def save(runner: Any, path: str) -> None:
    """An archive that is there whole or not at all."""
    partial = Path(path).with_suffix(".part.har")
    runner.save_har(str(partial))
    partial.replace(path)


def parse(runner: Any, task: dict[str, Any]) -> None:
    options = {key: task[key] for key in ("start_node_names", "end_node_names") if task.get(key)}
    if task["model"].endswith(".tflite"):
        runner.translate_tf_model(task["model"], task["name"], **options)
    else:
        if task.get("net_input_shapes"):
            options["net_input_shapes"] = task["net_input_shapes"]
        runner.translate_onnx_model(task["model"], task["name"], **options)
    save(runner, task["parsed_har"])


def optimise(runner: Any, task: dict[str, Any]) -> None:
    runner.load_model_script(task["script"])
    runner.optimize(calibration(runner, task["calibration"]))
    save(runner, task["optimised_har"])


def calibration(runner: Any, files: dict[str, str]) -> Any:
    """The array of the one input; of several one for each input layer, which is known by the input's name."""
    import numpy

    arrays = {name: numpy.load(path, mmap_mode="r") for name, path in files.items()}
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    layers = runner.get_hn_dict()["layers"]
    inputs = {layer: facts["original_names"] for layer, facts in layers.items() if facts["type"] == "input_layer"}
    return {layer: arrays[name] for layer, names in inputs.items() for name in names if name in arrays}


def compile_hef(runner: Any, task: dict[str, Any]) -> None:
    hef, path = runner.compile(), Path(task["hef"])
    partial = path.with_suffix(".part")
    partial.write_bytes(hef)
    partial.replace(path)


STAGES = {"parse": parse, "optimise": optimise, "compile": compile_hef}


def run(task: dict[str, Any]) -> None:
    keep_limits(task)
    from hailo_sdk_client import ClientRunner

    archives = {"parse": None, "optimise": task["parsed_har"], "compile": task["optimised_har"]}
    har = archives[task["start"]]
    runner = ClientRunner(hw_arch=task["target"], **({"har": har} if har else {}))
    for stage in list(STAGES)[list(STAGES).index(task["start"]) :]:
        tell(stage=stage)
        STAGES[stage](runner, task)
        tell(done=stage)


def main() -> None:
    end_with_parent()
    try:
        if sys.argv[1] == "--probe":
            probe()
        else:
            run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    except BaseException as error:  # noqa: BLE001 - the process boundary: told as it is, and judged on the other side
        traceback.print_exc()
        tell(error=type(error).__name__, module=type(error).__module__, message=str(error))
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # workers that the compiler left behind must not hold us up


if __name__ == "__main__":
    main()
