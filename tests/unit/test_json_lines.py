"""Output of other programs as JSON lines."""

import json
import signal
import subprocess
import sys

from sentiment_core.json_lines import json_lines

WRAPPED = (sys.executable, "-m", "sentiment_core.json_lines", "part")


def parsed(*lines: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in json_lines(lines, "mlflow")]


def test_a_line_of_text_is_an_event_with_the_level_that_it_names() -> None:
    levels = {
        "2026/11/28 03:04:05 INFO mlflow.store: Creating tables": "info",
        "INFO:     127.0.0.1:5000 - GET /health 200": "info",
        "2026-11-28T03:00:44Z [warning  ] Table x not found": "warning",
        "ERROR [alembic] no revision": "error",
        "UserWarning: it is deprecated": "warning",
        "The schema is at revision 0012.": "info",
        f"{'x' * 80} ERROR far from the beginning": "info",
    }
    found = parsed(*(f"{line}\n" for line in levels))
    assert [(each["event"], each["level"]) for each in found] == list(levels.items())
    assert {each["logger"] for each in found} == {"mlflow"}
    assert all(each["time"].endswith("+00:00") for each in found)


def test_an_object_passes_unchanged_and_a_broken_one_is_text() -> None:
    assert list(json_lines(['{"event": "a", "n": 1}\n'], "part")) == ['{"event": "a", "n": 1}']
    assert parsed('{"event": \n')[0]["event"] == '{"event":'


def test_a_traceback_is_one_event() -> None:
    lines = ["Traceback (most recent call last):\n", '  File "a.py", line 1\n', "\n", "    f()\n", "ValueError: no\n"]
    first, second = parsed(*lines, "after\n")
    assert first["level"] == "error"
    assert first["event"].splitlines()[-1] == "ValueError: no"
    assert second["event"] == "after"
    (cut_off,) = parsed(*lines[:2])
    assert cut_off["level"] == "error"


def test_a_program_keeps_its_streams_its_status_and_its_last_line() -> None:
    script = r"echo out; printf 'half\xff' >&2; exit 7"
    done = subprocess.run([*WRAPPED, "bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert json.loads(done.stdout)["event"] == "out"
    assert json.loads(done.stderr)["event"] == "half\ufffd"
    done = subprocess.run([*WRAPPED, "not-a-program"], capture_output=True, text=True, check=False)
    assert (done.returncode, "cannot be started" in json.loads(done.stdout)["event"]) == (127, True)


def test_a_program_gets_the_signal_that_stops_a_pod() -> None:
    script = "trap 'echo stopped; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen([*WRAPPED, "bash", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.readline())["event"] == "stopped"
        assert process.wait(10) == 3
    killed = subprocess.run([*WRAPPED, "bash", "-c", "kill -KILL $$"], capture_output=True, check=False)
    assert killed.returncode == 128 + signal.SIGKILL
