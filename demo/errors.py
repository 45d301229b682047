"""Errors that only the embedded stack raises. An error's docstring is its message, as in `sentiment_core.errors`."""

from sentiment_core.errors import TerminalError, TransientError


class PartFailed(TerminalError):
    """{name} {why}. Its log is {log}."""

    code = "part_failed"


class PortTaken(TerminalError):
    """Port {port}, asked for {name}, is used by another program. Stop that program or choose another port."""

    code = "port_taken"


class DiskFull(TerminalError):
    """The disk of {path} has {free_mb} MB free, {needed_mb} MB are needed. Make room or choose another folder."""

    code = "disk_full"


class StateInUse(TerminalError):
    """{path} is in use by process {pid}. Stop that process first, or choose another folder with --state."""

    code = "state_in_use"


class ProgramMissing(TerminalError):
    """The program {name} is not installed: {why}."""

    code = "program_missing"


class AirflowUnavailable(TransientError):
    """Airflow did not do its part: {why}. Try again when it is up."""

    code = "airflow_unavailable"


class AirflowRefused(TerminalError):
    """Airflow refused: {why}."""

    code = "airflow_refused"


class RunFailed(TerminalError):
    """Airflow's run of {dag} for {day} ended as {state}."""

    code = "run_failed"


class TourFailed(TerminalError):
    """The demo did not come to its results: {why}."""

    code = "tour_failed"


class DemoNotRunning(TerminalError):
    """No demo is running over {path}. Start it with `make demo`, and leave it running."""

    code = "demo_not_running"
