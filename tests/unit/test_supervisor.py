"""The demo's supervisor, tested with small real programs."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from demo import processes
from demo.errors import DiskFull, PartFailed, PortTaken, StateInUse
from demo.processes import Program, Stopping, Supervisor
from demo.sessions import Trace, end_all
from demo.steps import Silent, Step, run_all
from demo.workspace import Workspace

SLEEPS = "import time; time.sleep(60)"
LEAVES_CHILD = """
    import pathlib, subprocess, sys, time
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", deaf])
    pathlib.Path(sys.argv[1]).write_text(str(child.pid))
    time.sleep(60)
"""
NOTES_ITS_END = """
    import pathlib, signal, sys, time
    def end(*_):
        time.sleep(0.2)
        with open(sys.argv[1], "a") as file:
            file.write(sys.argv[2] + "\\n")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    pathlib.Path(sys.argv[1] + sys.argv[2]).touch()
    time.sleep(60)
"""


def program(name: str, code: str, *arguments: str | Path, **changed: object) -> Program:
    command = (sys.executable, "-c", textwrap.dedent(code), *map(str, arguments))
    return Program(**{"name": name, "command": command, "environment": dict(os.environ), **changed})


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path) as supervisor:
        yield supervisor


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_program_that_dies_at_its_start_is_told_with_its_log(supervisor: Supervisor) -> None:
    code = "import sys; [print('line', n, flush=True) for n in range(40)]; sys.exit('no license')"
    with pytest.raises(PartFailed, match=r"model-store ended by itself with exit code 1\. Its log is ") as caught:
        supervisor.start(program("model-store", code, ready=lambda: False))
    assert str(supervisor.logs / "model-store.log") in str(caught.value)
    lines = caught.value.__notes__[0].splitlines()
    assert len(lines) == 1 + processes.TAIL_LINES
    assert lines[-2:] == ["line 39", "no license"]


def test_program_that_is_never_ready_is_told_and_ended(tmp_path: Path) -> None:
    with pytest.raises(PartFailed, match=r"slow was not ready after 0\.3 s"), Supervisor(tmp_path) as supervisor:
        supervisor.start(program("slow", SLEEPS, ready=lambda: False, ready_within_s=0.3))
    assert supervisor.processes == []


def test_probe_may_fail_until_the_program_answers(supervisor: Supervisor, tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    code = "import pathlib, sys, time; time.sleep(0.3); pathlib.Path(sys.argv[1]).write_text('up'); time.sleep(60)"
    supervisor.start(program("late", code, sign, ready=lambda: sign.read_text() == "up"))
    assert sign.exists()


def test_death_of_a_running_program_is_noticed(supervisor: Supervisor) -> None:
    supervisor.start(program("steady", SLEEPS))
    supervisor.start(program("brief", "import time; time.sleep(0.3)"))
    supervisor.check()
    with pytest.raises(PartFailed, match="brief ended by itself with exit code 0"):
        supervisor.watch()


def test_killed_program_is_told_by_its_signal(supervisor: Supervisor) -> None:
    supervisor.start(program("victim", SLEEPS))
    os.kill(supervisor.processes[0].popen.pid, signal.SIGKILL)
    with pytest.raises(PartFailed, match="victim was ended by SIGKILL"):
        supervisor.watch()


def test_full_disk_in_the_log_is_told_as_such(supervisor: Supervisor) -> None:
    code = "import errno, os; raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"
    with pytest.raises(PartFailed, match=r"writer found its disk full \(\d+ MB are free\)"):
        supervisor.run(program("writer", code))


def test_too_little_room_is_told_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "NEEDED_MB", 10**9)
    with pytest.raises(DiskFull, match=r"has \d+ MB free, 1000000000 MB are needed"):
        Workspace(tmp_path)
    monkeypatch.undo()
    Workspace(tmp_path).close()


def test_run_waits_for_the_end_and_refuses_a_failure(supervisor: Supervisor, tmp_path: Path) -> None:
    done = tmp_path / "done"
    supervisor.run(program("migrate", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", done))
    assert done.exists()
    assert supervisor.processes == []
    with pytest.raises(PartFailed, match="ended by itself with exit code 3"):
        supervisor.run(program("migrate", "import sys; sys.exit(3)"))


def test_child_that_outlives_its_parent_and_ignores_sigterm_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "child"
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(program("parent", LEAVES_CHILD, note, ready=lambda: note.read_text() != ""))
        child = int(note.read_text())
        assert runs(child)
    assert not runs(child)


def test_program_that_ignores_its_signal_is_killed_after_its_time(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = """
        import pathlib, signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path(sys.argv[1]).touch()
        time.sleep(3600)
    """
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(program("stubborn", code, ready, ready=ready.exists, stop_within_s=0.5))
        pid = supervisor.processes[0].popen.pid
    assert not runs(pid)


def test_programs_end_before_those_that_they_need(tmp_path: Path) -> None:
    order = tmp_path / "order"

    def noting(name: str, *needs: str) -> Program:
        return program(name, NOTES_ITS_END, order, name, needs=needs, ready=Path(f"{order}{name}").exists)

    with Supervisor(tmp_path) as supervisor:
        for part in (
            noting("service", "models"),
            noting("database"),
            noting("models", "database", "files"),
            noting("files"),
        ):
            supervisor.start(part)
    ended = order.read_text().split()
    assert ended[:2] == ["service", "models"]
    assert sorted(ended[2:]) == ["database", "files"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_programs_end_with_a_supervisor_that_gets_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    parent = supervised_by_another_process(tmp_path)
    part = part_of(tmp_path)
    parent.send_signal(number)
    parent.wait(10)
    assert not runs(part)
    assert (tmp_path / "processes.json").read_text() == "[]"


def test_next_start_ends_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    parent = supervised_by_another_process(tmp_path)
    part = part_of(tmp_path)
    with pytest.raises(StateInUse, match=f"in use by process {parent.pid}"):
        Workspace(tmp_path)
    parent.kill()
    parent.wait(10)
    assert runs(part)
    Workspace(tmp_path).close()
    assert not runs(part)


def test_stale_child_is_ended_when_its_parent_is_gone_too(tmp_path: Path) -> None:
    parent = supervised_by_another_process(tmp_path, LEAVES_CHILD.replace("sys.argv[1]", "'child'"))
    wait_for(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
    child = int((tmp_path / "child").read_text())
    parent.kill()
    parent.wait(10)
    os.kill(part_of(tmp_path), signal.SIGKILL)
    assert runs(child)
    Workspace(tmp_path).close()
    assert not runs(child)


def test_foreign_process_with_a_recorded_number_is_left_alone(tmp_path: Path) -> None:
    foreign = subprocess.Popen([sys.executable, "-c", SLEEPS], start_new_session=True, cwd=tmp_path)
    try:
        created = psutil.Process(foreign.pid).create_time() - 100
        end_all([Trace("part", foreign.pid, created, str(tmp_path), signal.SIGTERM, 1.0, ())])
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_failing_step_ends_the_waits_of_the_others_and_is_told(supervisor: Supervisor) -> None:
    def fail() -> str:
        raise PartFailed(name="first", why="broke", log="log")

    def wait() -> str:
        supervisor.pause(60)
        return ""

    steps = [Step("first", (), fail), Step("second", (), wait), Step("third", ("first",), wait)]
    with pytest.raises(PartFailed, match="first broke"):
        run_all(steps, supervisor, Silent())


def test_nothing_starts_while_the_supervisor_ends(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.stop()
    with pytest.raises(Stopping):
        supervisor.start(program("late", SLEEPS))


def test_ports_and_secrets_stay_the_same_between_starts(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        before = [workspace.port("api"), workspace.port("s3"), workspace.secret("s3 key")]
    with Workspace(tmp_path) as workspace:
        assert before == [workspace.port("api"), workspace.port("s3"), workspace.secret("s3 key")]
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_kept_port_that_another_program_took_is_replaced(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        kept = workspace.port("api")
    with socket.create_server(("127.0.0.1", kept)), Workspace(tmp_path) as workspace:
        assert workspace.port("api") != kept


def test_asked_port_that_another_program_took_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {taken}, asked for api"):
            Workspace(tmp_path, {"api": taken})
    with Workspace(tmp_path, {"api": taken}) as workspace:
        assert workspace.port("api") == taken


def supervised_by_another_process(state: Path, code: str = SLEEPS) -> subprocess.Popen[bytes]:
    """Start a process whose supervisor holds the folder and runs one part."""
    supervising = """
        import os, pathlib, signal, sys
        # A shell's background jobs ignore it, and so would this one when the tests are such a job.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from demo.processes import Program
        from demo.workspace import Workspace
        with Workspace(pathlib.Path(sys.argv[1])) as workspace:
            workspace.supervisor.start(Program("part", (sys.executable, "-c", sys.argv[2]), dict(os.environ)))
            pathlib.Path(sys.argv[1], "started").touch()
            workspace.supervisor.pause(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(supervising), str(state), textwrap.dedent(code)]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for((state / "started").exists)
    return parent


def part_of(state: Path) -> int:
    return Trace.from_json(json.loads((state / "processes.json").read_text())[0]).pid
