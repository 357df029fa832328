"""Run every benchmark of this folder and print one JSON object: script name → what it printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    report: dict[str, object] = {}
    for script in sorted(here.glob("*.py")):
        if script.name == Path(__file__).name:
            continue
        print(f"running {script.name}", file=sys.stderr)
        done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, check=False)
        report[script.stem] = json.loads(done.stdout) if done.returncode == 0 else {"failed": done.returncode}
    print(json.dumps(report, indent=2))
    return int(any(isinstance(r, dict) and "failed" in r for r in report.values()))


if __name__ == "__main__":
    sys.exit(main())
