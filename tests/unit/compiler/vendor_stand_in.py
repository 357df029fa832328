"""A package by the name of the vendor's, with the calls that the driver makes; put into a Python of its own.

It does nothing but write what it was called with, and go wrong as ``STAND_IN_FAULT`` says: the words of its log and of
its exceptions are those of public logs of the real compiler.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

__version__ = "3.33.1"
FAULT = os.environ.get("STAND_IN_FAULT", "")
GOOD_NODES = ["/head/a/Conv", "/head/b/Conv"]


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class ParsingWithRecommendationException(Exception):
    pass


class BackendAllocatorException(Exception):
    pass


class ClientRunner:
    def __init__(self, hw_arch="hailo8", har=None):
        self.facts = json.loads(Path(har).read_text()) if har else {"hw_arch": hw_arch}

    def translate_onnx_model(self, model, net_name, **options):
        say("[info] Translation started on ONNX model " + net_name)
        if FAULT == "nodes" and options.get("end_node_names") != GOOD_NODES:
            advice = f"Please try to parse the model again, using these end node names: {', '.join(GOOD_NODES)}"
            message = f"Parsing failed. The errors found in the graph are:\n UnexpectedNodeError in op x\n{advice}"
            raise ParsingWithRecommendationException(message)
        if FAULT == "nodes-always":
            raise ParsingWithRecommendationException("using these end node names: /somewhere/else")
        self.facts |= {"net_name": net_name, **options}

    def save_har(self, path):
        Path(path).write_text(json.dumps(self.facts))

    def load_model_script(self, path):
        self.facts["script"] = Path(path).read_text()

    def get_hn_dict(self):
        kinds = {"type": "input_layer"}
        layers = {
            f"net/input_layer{i}": kinds | {"original_names": [name]} for i, name in enumerate(["left", "pose"], 1)
        }
        return {"layers": layers | {"net/conv1": {"type": "conv", "original_names": ["/conv"]}}}

    def optimize(self, data):
        if isinstance(data, dict):
            self.facts["fed"] = {name: [list(one.shape), float(one.max())] for name, one in data.items()}
            return
        self.facts |= {"shape": list(data.shape), "dtype": str(data.dtype), "top": float(data.max())}
        self.facts |= {"cpus": len(os.sched_getaffinity(0)), "user": os.environ["USER"], "folder": str(Path.cwd())}
        self.facts |= {"threads": os.environ["OMP_NUM_THREADS"]}
        Path("acceleras.log").write_text("dropped here")
        if FAULT.startswith("level"):
            say("[warning] Reducing optimization level to 0 (...) because there's no available GPU")
            time.sleep(60 if FAULT == "level" else 0)
        if FAULT == "memory":
            self.facts["too much"] = bytearray(64 << 30)
        if FAULT == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if FAULT == "workers":
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            Path("waiting").touch()
            time.sleep(60)
        say("Calibration:  50%|#####     | 1/2\r[info] Bias Correction skipped")
        say("[info] net/output_layer1 SNR:\t24.5 dB")

    def compile(self):
        if FAULT == "room":
            say("[error] Mapping Failed (allocation time: 13s)")
            say("No successful assignments: concat24 errors:\n    Agent infeasible")
            raise BackendAllocatorException("Compilation failed")
        if FAULT == "odd":
            raise RuntimeError("something else")
        say("[info] Found valid partition to 4 contexts")
        return b"HEF" + json.dumps(self.facts).encode()
