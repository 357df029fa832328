"""Programs that open the device, fork, and stream in their children."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core_lifetime import run

FORKED = """
import multiprocessing, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from contextlib import closing
fork = multiprocessing.get_context("fork")
MANUAL = VDeviceParams(scheduling_algorithm=SCHEDULER_NONE)

def status_of(call, *args):
    try:
        call(*args)
    except StatusError as error:
        return error.status.name
    return "fine"

def source_of(group, **params):
    return closing(group.input_vstreams({"net/in0": VStreamParams(**params)})[0])

def sink_of(group, number=0, **params):
    return closing(group.output_vstreams({f"net/out{number}": VStreamParams(**params)})[0])

def send(group, count, wait=True):
    with source_of(group) as source:
        if wait:
            group.wait_for_activation(5000)
        for index in range(count):
            source.write(frame(index % 256))
        source.flush()

def recv(group, count, number=0, wait=True):
    with sink_of(group, number) as sink:
        if wait:
            group.wait_for_activation(5000)
        assert [read(sink) for _ in range(count)] == [(index + 1) % 256 for index in range(count)]

def start(target, *args):
    process = fork.Process(target=target, args=args)
    process.start()
    return process

def ends(*processes):
    for process in processes:
        process.join(30)
    return [process.exitcode for process in processes]

def sockets():
    files = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.path.islink(file) and os.readlink(file).startswith("socket:") for file in files)

def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("hailo-")]
"""


def output_of(script: str, lock_dir: Path) -> list[str]:
    code, out, err = run(FORKED + script, lock_dir)
    assert (code, err) == (0, ""), err
    return out.splitlines()


def test_two_children_stream_while_their_parent_keeps_the_group_active(tmp_path: Path) -> None:
    script = """
with VirtualDevice(MANUAL, bench.settings) as device:
    group = device.configure(HEF)[0]
    sender, receiver = start(send, group, 600), start(recv, group, 600)
    with group.activate():
        print(ends(sender, receiver))
print(threads(), sockets())
"""
    assert output_of(script, tmp_path) == ["[0, 0]", "[] 0"]


def test_under_the_scheduler_nobody_activates(tmp_path: Path) -> None:
    script = """
with VirtualDevice(None, bench.settings) as device:
    group = device.configure(HEF)[0]
    print(ends(start(send, group, 300, False), start(recv, group, 300, 0, False)))
    print(ends(start(lambda: print(status_of(group.wait_for_activation, 10), flush=True))))
"""
    assert output_of(script, tmp_path) == ["[0, 0]", "INVALID_OPERATION", "[0]"]


@pytest.mark.parametrize("count", [1, 300])
def test_each_output_may_have_a_child_of_its_own_however_late_it_comes(tmp_path: Path, count: int) -> None:
    script = f"""
def late(*args):
    time.sleep(0.2)
    recv(*args)
with VirtualDevice(MANUAL, bench.settings) as device:
    group = device.configure(hef_of(group_of(outputs=2)))[0]
    for _ in range(2):
        with group.activate():
            print(ends(start(send, group, {count}), start(recv, group, {count}, 0), start(late, group, {count}, 1)))
"""
    if count == 1:  # who sends has gone before anybody receives
        script = script.replace("start(recv,", "start(late,").replace("        source.flush()\n", "")
    assert output_of(script, tmp_path) == ["[0, 0, 0]"] * 2


def test_a_child_is_told_what_its_parent_would_be(tmp_path: Path) -> None:
    script = """
def use(group):
    print(status_of(group.wait_for_activation, 10))
    print(status_of(group.input_vstreams, {"net/none": VStreamParams()}))
    print(status_of(group.activate), status_of(device.configure, HEF))
    with source_of(group, timeout_ms=50) as source, sink_of(group, timeout_ms=50) as sink:
        print(source.info.name, source.format == sink.format, sink.frame_bytes)
        print(status_of(source.write, frame(1)))
        go.set()
        group.wait_for_activation(5000)
        print(status_of(source.write, frame(1)[1:]), status_of(read, sink))
        for _ in range(2):
            sink.abort()
            print(status_of(read, sink))
            sink.resume()
        source.write(frame(1))
        source.flush()
        sink.clear()
        source.write(frame(2))
        print(read(sink), status_of(sink.set_nms_score_threshold, 0.5))
    print(status_of(read, sink), status_of(source.flush), flush=True)
    source.close()

with VirtualDevice(MANUAL, bench.settings) as device:
    group = device.configure(HEF)[0]
    go = fork.Event()
    child = start(use, group)
    go.wait(30)
    with group.activate():
        print(ends(child))
"""
    assert output_of(script, tmp_path) == [
        "TIMEOUT",
        "NOT_FOUND",
        "INVALID_OPERATION INVALID_OPERATION",
        "net/in0 True 8",
        "NETWORK_GROUP_NOT_ACTIVATED",
        "INVALID_ARGUMENT TIMEOUT",
        "STREAM_ABORT",
        "STREAM_ABORT",
        "3 INVALID_OPERATION",
        "VSTREAM_PIPELINE_NOT_ACTIVATED VSTREAM_PIPELINE_NOT_ACTIVATED",
        "[0]",
    ]


def test_a_blocked_call_in_a_child_ends_when_another_thread_aborts_or_closes(tmp_path: Path) -> None:
    script = """
def use(group):
    with sink_of(group, timeout_ms=60_000) as sink:
        for end in (sink.abort, sink.close):
            threading.Timer(0.1, end).start()
            print(status_of(read, sink), flush=True)
            sink.resume()
with VirtualDevice(None, bench.settings) as device:
    print(ends(start(use, device.configure(HEF)[0])))
"""
    assert output_of(script, tmp_path) == ["STREAM_ABORT", "VSTREAM_PIPELINE_NOT_ACTIVATED", "[0]"]


def test_a_child_that_dies_leaves_nothing_open(tmp_path: Path) -> None:
    script = """
def use(group):
    with source_of(group) as source, sink_of(group, timeout_ms=60_000) as sink:
        ready.set()
        read(sink)
with VirtualDevice(None, bench.settings) as device:
    group = device.configure(HEF)[0]
    for end in ("kill", "terminate"):
        ready = fork.Event()
        child = start(use, group)
        ready.wait(30)
        time.sleep(0.05)
        getattr(child, end)()
        print(ends(child))
        while threads() != ["hailo-relay"]:
            time.sleep(0.001)
    print(ends(start(send, group, 20, False), start(recv, group, 20, 0, False)))
print(threads())
"""
    assert output_of(script, tmp_path) == ["[-9]", "[-15]", "[0, 0]", "[]"]


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "device.release(); sys.exit()"])
def test_children_notice_that_their_parent_has_gone(tmp_path: Path, end: str) -> None:
    script = """
def use(group):
    with sink_of(group, timeout_ms=60_000) as sink:
        os.write(ready[1], b"+")
        first = status_of(read, sink)
        last = "fine"
        while last in ("fine", "STREAM_ABORT"):
            last = status_of(group.wait_for_activation, 0)
        os.write(1, f"{first} {status_of(group.wait_for_activation, 0)}\\n".encode())
        os._exit(0)
ready = os.pipe()
device = VirtualDevice(MANUAL, bench.settings)
group = device.configure(HEF)[0]
group.activate()
for _ in range(3):
    if not os.fork():
        use(group)
for _ in range(3):
    os.read(ready[0], 1)
time.sleep(0.05)
"""
    code, out, err = run(FORKED + script + end, tmp_path)
    first = "COMMUNICATION_CLOSED" if "kill" in end else "STREAM_ABORT"
    assert (code, err) == (-9 if "kill" in end else 0, "")
    assert out.splitlines() == [f"{first} COMMUNICATION_CLOSED"] * 3


def test_a_program_need_not_wait_for_its_children_itself(tmp_path: Path) -> None:
    script = """
device = VirtualDevice(None, bench.settings)
group = device.configure(HEF)[0]
def tell(*args):
    recv(*args)
    print("received", flush=True)
start(send, group, 300, False), start(tell, group, 300, 0, False)
"""
    assert output_of(script, tmp_path) == ["received"]


def test_a_grandchild_streams_as_a_child_does(tmp_path: Path) -> None:
    script = """
def middle(group):
    print(ends(start(send, group, 30, False), start(recv, group, 30, 0, False)), flush=True)
with VirtualDevice(None, bench.settings) as device:
    print(ends(start(middle, device.configure(HEF)[0])))
"""
    assert output_of(script, tmp_path) == ["[0, 0]", "[0]"]


def test_a_process_that_forks_without_groups_starts_nothing(tmp_path: Path) -> None:
    script = """
with VirtualDevice(None, bench.settings) as device:
    print(ends(start(lambda: None)), threads())
"""
    assert output_of(script, tmp_path) == ["[0] []"]


def test_children_that_come_one_after_the_other_leave_nothing_for_the_next(tmp_path: Path) -> None:
    script = """
with VirtualDevice(None, bench.settings) as device:
    group = device.configure(hef_of(group_of(outputs=2)))[0]
    for count in (1, 2, 3):
        for target, *more in ((send, False), (recv, 0, False), (recv, 1, False)):
            print(*ends(start(target, group, count, *more)), end=" ")
"""
    assert output_of(script, tmp_path) == ["0 " * 9]
