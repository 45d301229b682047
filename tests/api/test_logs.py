"""An output of the log that stalls or fails delays no answer, and lines that are missing are counted."""

import fcntl
import http.client
import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from api.observability.logs import LogOutput

PAGE = 4_096


class Pipe:
    """A pipe of one page, which nobody reads until the test does."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, PAGE)

    def read_to_end(self):
        """Close the write end here, and return all events."""
        os.close(self.write_end)
        with os.fdopen(self.read_end, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def line(number, size=1_000):
    return json.dumps({"event": "request", "number": number, "filling": "x" * size})


def record(event):
    return logging.makeLogRecord({"msg": event, "levelname": "INFO", "name": "test"})


@contextmanager
def service_that_writes_to(pipe, folder):
    """A service that is ready, its port and its log."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}
    env |= {"SENTIMENT_API_PORT": "0", "SENTIMENT_API_DRAIN_S": "0", "SENTIMENT_MODEL_CACHE": str(folder)}
    with (
        os.fdopen(pipe.read_end, encoding="utf-8") as log,
        subprocess.Popen([sys.executable, "-m", "api"], env=env, stdout=pipe.write_end) as process,
    ):
        os.close(pipe.write_end)
        try:
            while (event := json.loads(log.readline()))["event"] != "listening":
                pass
            yield process, int(event["address"][0].rpartition(":")[2]), log
        finally:
            process.kill()


def ask(port, request_ids):
    """Send requests over one connection, and return the metrics after them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for request_id in request_ids:
        connection.request("GET", "/healthz", headers={"X-Request-Id": request_id})
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    connection.request("GET", "/metrics")
    exposition = connection.getresponse().read().decode()
    connection.close()
    return exposition


# Lines of 200 bytes: 50 times what the pipe holds.
REQUESTS = [str(number) for number in range(1_000)]


def test_answers_come_while_nobody_reads_the_log_and_no_line_is_lost(tmp_path):
    with service_that_writes_to(Pipe(), tmp_path) as (process, port, log):
        exposition = ask(port, REQUESTS)
        assert 'app_log_dropped_count_total{reason="full"} 0.0' in exposition
        process.terminate()
        events = [json.loads(text) for text in log]
        assert process.wait(30) == 0
    assert [each["request_id"] for each in events if each.get("route") == "/healthz"] == REQUESTS


def test_a_service_ends_although_nobody_reads_its_log(tmp_path):
    with service_that_writes_to(Pipe(), tmp_path) as (process, port, _log):
        ask(port, REQUESTS)
        process.terminate()
        assert process.wait(60) == 0


def test_lines_and_records_are_written_in_the_order_of_the_calls():
    pipe = Pipe()
    with LogOutput(pipe.write_end) as output:
        output.write([line(0, 10), line(1, 10)])
        output.handle(record("between"))
        output.write([line(2, 10)])
    found = pipe.read_to_end()
    assert [each.get("number", each["event"]) for each in found] == [0, 1, "between", 2]
    assert found[2].keys() == {"time", "level", "logger", "event"}


def test_what_a_full_queue_drops_is_counted_and_the_log_says_where_it_is_missing():
    pipe = Pipe()
    drops = []
    with LogOutput(pipe.write_end, length=3) as output:
        output.on_drop = lambda reason, lines: drops.append((reason, lines))
        os.write(pipe.write_end, b" " * PAGE)
        output.write([line(0)])
        while not output.queue.empty():  # until the thread has this entry, and cannot write it
            time.sleep(0.01)
        for number in (1, 3, 5, 7):
            output.write([line(number), line(number + 1)])
        output.handle(record("dropped, too"))
        assert drops == [("full", 2), ("full", 1)]
        with os.fdopen(pipe.read_end, encoding="utf-8") as log:
            kept = [json.loads(log.readline())["number"] for _ in range(7)]
            output.handle(record("after"))
            gap, after = (json.loads(log.readline()) for _ in range(2))
    assert kept == list(range(7))
    assert (gap["event"], gap["level"], gap["lines_missing"]) == ("log lines dropped", "warning", 3)
    assert after["event"] == "after"
    assert len(drops) == 2
    os.close(pipe.write_end)


def test_lines_that_an_output_refuses_are_counted_and_the_next_ones_are_written():
    pipe = Pipe()
    os.set_blocking(pipe.write_end, False)
    drops = []
    refused = threading.Event()

    def on_drop(reason, lines):
        drops.append((reason, lines))
        refused.set()

    with LogOutput(pipe.write_end) as output:
        output.on_drop = on_drop
        os.write(pipe.write_end, b" " * PAGE)
        output.write([line(0), line(1)])
        assert refused.wait(30)
        assert os.read(pipe.read_end, PAGE) == b" " * PAGE
        output.write([line(2)])
    assert drops == [("failed", 2)]
    assert [each["number"] for each in pipe.read_to_end()] == [2]


def test_an_exception_is_logged_by_type_and_place_without_its_message():
    pipe = Pipe()
    with LogOutput(pipe.write_end) as output:
        logger = logging.getLogger("test_logs")
        logger.addHandler(output)
        logger.propagate = False
        try:
            raise ValueError("a user's text")  # noqa: TRY301
        except ValueError:
            logger.exception("failed", extra={"code": "some"})
        logger.removeHandler(output)
    (event,) = pipe.read_to_end()
    assert (event["event"], event["error"], event["code"]) == ("failed", "ValueError", "some")
    assert "a user's text" not in json.dumps(event)
    assert event["at"][0].startswith(__file__)
