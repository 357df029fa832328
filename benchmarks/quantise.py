"""What integers cost: accuracy on labelled pictures, output scales beside the vendor's, time beside onnxruntime's.

Prints JSON; a table for people goes to stderr. Three parts:

* ``accuracy``: float and int8 for each network of :mod:`inputs.quantise_tasks` and each set of options. Pictures that
  calibrate do not score. ``agreement`` needs no labels: how far the answers are from the float network's. Peer:
  onnxruntime's ``quantize_static`` on the same pictures, and the drop that real hardware shows on networks of the kind
  (median over the Model Zoo's tables).
* ``scales``: output scales of networks that the vendor compiled too, ours over theirs.
* ``time``: compiling a ResNet-18 with 64 pictures beside a bare ``quantize_static`` in turns; goal 1.3.

    python benchmarks/quantise.py [--only NAME ...] [--levels 0 1 2] [--all-options] [--skip accuracy scales time]
"""

from __future__ import annotations

import argparse
import json
import sys

from inputs.quantise_accuracy import measure_accuracy
from inputs.quantise_scales import compare_scales
from inputs.quantise_tasks import DATA
from inputs.quantise_time import measure_time

PARTS = ("accuracy", "scales", "time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="networks whose name begins so")
    parser.add_argument("--levels", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--all-options", action="store_true", help="every clipping, one scale a layer, 16-bit outputs")
    parser.add_argument("--skip", nargs="*", default=[], choices=PARTS)
    arguments = parser.parse_args()
    report: dict[str, object] = {}
    if not DATA.is_dir():
        print(f"the reference pictures are not at {DATA}: accuracy and scales are left out", file=sys.stderr)
    elif "accuracy" not in arguments.skip:
        report["accuracy"] = measure_accuracy(arguments.only, arguments.levels, every=arguments.all_options)
    if DATA.is_dir() and "scales" not in arguments.skip:
        report["scales"] = compare_scales(DATA)
    if "time" not in arguments.skip:
        report["time"] = measure_time()
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
