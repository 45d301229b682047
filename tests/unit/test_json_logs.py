"""Log records as JSON."""

import json
import logging

from sentiment_core.json_logs import JsonFormatter


def test_a_record_with_any_characters_is_one_line_of_json() -> None:
    fields = {"name": "a", "levelname": "INFO", "msg": 'two\nlines "quoted" \ud800 💛', "port": 8090, "path": {1}}
    line = JsonFormatter().format(logging.makeLogRecord(fields))
    line.encode("ascii")
    assert "\n" not in line
    found = json.loads(line)
    assert (found["logger"], found["level"], found["port"], found["path"]) == ("a", "info", 8090, "{1}")
    assert found["event"] == fields["msg"]
