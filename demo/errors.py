"""Errors that only the embedded stack raises. Each has a `message`, as in `sentiment_core.errors`."""

from sentiment_core.errors import TerminalError, TransientError


class PartFailed(TerminalError):
    message = "{name} {why}. Its log is {log}."
    code = "part_failed"


class PortTaken(TerminalError):
    message = "Port {port}, asked for {name}, is used by another program. Stop that program or choose another port."
    code = "port_taken"


class DiskFull(TerminalError):
    message = "The disk of {path} has {free_mb} MB free, {needed_mb} MB are needed. Make room or choose another folder."
    code = "disk_full"


class StateInUse(TerminalError):
    message = "{path} is in use by process {pid}. Stop that process first, or choose another folder with --state."
    code = "state_in_use"


class ProgramMissing(TerminalError):
    message = "The program {name} is not installed: {why}."
    code = "program_missing"


class AirflowUnavailable(TransientError):
    message = "Airflow did not succeed: {why}. Try again when it is up."
    code = "airflow_unavailable"


class AirflowRefused(TerminalError):
    message = "Airflow refused: {why}."
    code = "airflow_refused"


class RunFailed(TerminalError):
    message = "Airflow's run of {dag} for {day} ended as {state}."
    code = "run_failed"


class TourFailed(TerminalError):
    message = "The demo did not come to its results: {why}."
    code = "tour_failed"


class DemoNotRunning(TerminalError):
    message = "No demo is running over {path}. Start it with `make demo`, and leave it running."
    code = "demo_not_running"
