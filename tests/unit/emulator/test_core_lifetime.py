"""Programs that end, fork or are interrupted in the middle of things."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).parent

PRELUDE = """
import os, sys, time, threading
from pathlib import Path
from core_fakes import AddOne, Bench, buffers_for, frame, group_of, hef_of, read
from hailstack.emulator.core import *
from hailstack.emulator.core import programs
from hailstack.emulator.settings import Settings
bench = Bench(Settings(lock_dir=Path(sys.argv[1])))
programs.load_program = bench.load
HEF = hef_of(group_of())
GROUP = HEF.groups[0]
def slowly(inputs):
    time.sleep(0.01)
"""


def start(script: str, lock_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(script), str(lock_dir)],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: str, lock_dir: Path) -> tuple[int, str, str]:
    with start(script, lock_dir) as program:
        out, err = program.communicate(timeout=60)
    return program.returncode, out, err


BUSY = """
bench.programs["net"] = AddOne(on_compute=slowly)
device = VirtualDevice(None, bench.settings)
model = device.create_infer_model(HEF).configure()
group = device.configure(HEF)[0]
source = group.input_vstreams({"net/in0": VStreamParams()})[0]
sink = group.output_vstreams({"net/out0": VStreamParams()})[0]
jobs = [model.run_async([buffers_for(GROUP)], lambda status: None) for _ in range(8)]
source.write(frame(1))
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit(3)", 3), ("raise SystemExit", 0), ("del device", 0), ("raise RuntimeError('mine')", 1)],
)
def test_a_program_that_ends_with_frames_in_flight_ends_with_its_own_exit_code(
    tmp_path: Path, end: str, code: int
) -> None:
    returned, _, err = run(BUSY + end, tmp_path)
    assert returned == code, err
    assert ("Traceback" in err) == (code == 1)


def test_objects_may_go_in_any_order(tmp_path: Path) -> None:
    orders = list(itertools.permutations(["device.release()", "model.close()", "source.close()", "sink.close()"]))
    body = "\n".join(
        f"def case{i}():\n" + textwrap.indent(BUSY + "\n".join(order), "    ") + f"\ncase{i}()"
        for i, order in enumerate(orders)
    )
    code, out, err = run(body + "\nprint(threading.active_count())", tmp_path)
    assert (code, out, err) == (0, "1\n", "")


def test_dropped_objects_leave_the_device_free_in_any_order(tmp_path: Path) -> None:
    orders = itertools.permutations(["device", "model", "group", "source", "sink"], 5)
    body = "\n".join(
        BUSY + "\n".join(f"del {name}" for name in order) for order in itertools.islice(orders, 0, None, 6)
    )
    code, out, err = run(body + "\nimport gc; gc.collect()\nprint(threading.active_count())", tmp_path)
    assert (code, out, err) == (0, "1\n", "")


def test_a_callback_that_never_returns_does_not_hold_up_the_end(tmp_path: Path) -> None:
    script = """
    device = VirtualDevice(None, bench.settings)
    model = device.create_infer_model(HEF).configure()
    entered = threading.Event()
    model.run_async([buffers_for(GROUP)], lambda status: (entered.set(), time.sleep(600)))
    entered.wait()
    """
    assert run(script, tmp_path)[0] == 0


@pytest.mark.parametrize(
    "block",
    [
        "jobs[-1].wait(600_000)",
        "model.wait_for_async_ready(600_000, 40)",
        "read(sink)",
        "source.flush()",
        "[source.write(frame(i)) for i in range(100)]",
    ],
)
def test_a_blocked_call_can_be_interrupted_from_the_keyboard(tmp_path: Path, block: str) -> None:
    script = BUSY.replace("VStreamParams()", "VStreamParams(timeout_ms=600_000)")
    script = "slowly = lambda inputs: gate.wait(60)\ngate = threading.Event()\n" + script
    ending = f"""
try:
    print("blocked", flush=True)
    {block}
except KeyboardInterrupt:
    gate.set()
    print("interrupted", flush=True)
"""
    with start(script + ending, tmp_path) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "blocked\n"
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (0, "interrupted\n"), err


def test_a_forked_child_is_refused_and_leaves_the_parents_device_alone(tmp_path: Path) -> None:
    script = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    device = VirtualDevice(None, bench.settings)
    model = device.create_infer_model(HEF).configure()
    model.run_async([buffers_for(GROUP)]).wait(5000)
    child = os.fork()
    if child == 0:
        statuses = []
        for use in (
            lambda: device.configure(HEF),
            lambda: device.create_infer_model(HEF),
            lambda: model.run_async([buffers_for(GROUP)]),
            model.wait_for_async_ready,
            lambda: VirtualDevice(None, bench.settings),
        ):
            try:
                use()
            except StatusError as error:
                statuses.append(int(error.status))
        model.close()
        device.release()
        print(statuses, flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    model.run_async([buffers_for(GROUP)]).wait(5000)
    try:
        VirtualDevice(None, bench.settings)
    except StatusError as error:
        print(int(error.status))
    """
    code, out, err = run(script, tmp_path)
    assert (code, out) == (0, "[6, 6, 6, 6, 74]\n0\n74\n"), err


def test_forking_while_the_device_is_busy_does_not_hang_the_child(tmp_path: Path) -> None:
    script = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    device = VirtualDevice(None, bench.settings)
    model = device.create_infer_model(HEF).configure()
    import atexit
    stop = False
    def feed():
        while not stop:
            model.wait_for_async_ready(5000)
            model.run_async([buffers_for(GROUP)], lambda status: None)
    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            for call in (model.close, device.release):
                call()
            try:
                VirtualDevice(None, bench.settings)
            except StatusError:
                pass
            # Through the handlers of interpreter shutdown, which the child has inherited.
            atexit._run_exitfuncs()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    stop = True
    feeder.join()
    print("done")
    """
    code, out, err = run(script, tmp_path)
    assert (code, out) == (0, "done\n"), err


def test_a_child_that_outlives_its_parent_does_not_keep_the_chip(tmp_path: Path) -> None:
    script = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    device = VirtualDevice(None, bench.settings)
    child = os.fork()
    if child == 0:
        sys.stdin.readline()
        os._exit(0)
    device.release()
    VirtualDevice(None, bench.settings).release()
    os.kill(child, 9)
    os.waitpid(child, 0)
    print("free")
    """
    code, out, err = run(script, tmp_path)
    assert (code, out) == (0, "free\n"), err
