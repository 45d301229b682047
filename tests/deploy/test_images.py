"""The built images: small, without tools, with an unprivileged user and a read-only file system."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import REVISION, Run

pytestmark = pytest.mark.timeout(3600)  # the first test waits until both images are built
BOTH = pytest.mark.parametrize("image", ["api", "airflow"])
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")  # noqa: S108
MEGABYTE = 1_000_000

COUNT_COMPILED = """
from numba.core import event
from sentiment_core import warmup
with event.install_recorder("numba:compile") as compiled:
    warmup.compile_kernels()
print("compiled:", len(compiled.buffer))
"""
ASK = """
import json, time, urllib.request
def ask(path, body=None):
    url = "http://127.0.0.1:8080" + path
    headers = {"Content-Type": "application/json"}
    return urllib.request.urlopen(urllib.request.Request(url, body and json.dumps(body).encode(), headers), timeout=5)
for _ in range(200):
    try:
        urllib.request.urlopen("http://127.0.0.1:8081/readyz", timeout=5)
        break
    except OSError:
        time.sleep(0.1)
print(ask("/predict", {"text": "A lovely kettle, quiet and quick."}).read().decode())
"""


def _inside(run: Run, image: str, *command: str, options: tuple[str, ...] = ()) -> str:
    """Run a command in a new container with the hardening of a cluster, and return its output."""
    started = ("docker", "run", "--rm", "--network", "none", *HARDENED, *options, image, *command)
    return str(run(*started, timeout=180).stdout)


def _inspect(run: Run, image: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("docker", "image", "inspect", image).stdout)[0]
    return found


@contextmanager
def _started(run: Run, image: str, *command: str, options: tuple[str, ...] = ()) -> Iterator[str]:
    begun = run("docker", "run", "--detach", "--network", "none", *HARDENED, *options, image, *command)
    container = begun.stdout.strip()
    try:
        yield container
    finally:
        run("docker", "rm", "--force", container)


@pytest.mark.parametrize(("image", "most"), [("api", 500), ("airflow", 1500)])
def test_an_image_is_small(run: Run, images: dict[str, str], image: str, most: int) -> None:
    size = int(str(_inspect(run, images[image])["Size"])) / MEGABYTE
    assert size < most


@pytest.mark.parametrize(
    ("image", "user", "identity"), [("api", "10001:10001", "10001:10001"), ("airflow", "50000:0", "50000:0")]
)
def test_an_image_runs_as_a_user_without_rights(
    run: Run, images: dict[str, str], image: str, user: str, identity: str
) -> None:
    config = _inspect(run, images[image])["Config"]
    assert isinstance(config, dict)
    assert config["User"] == user
    assert _inside(run, images[image], "bash", "-c", "echo $(id -u):$(id -g)").strip() == identity


@BOTH
def test_an_image_says_which_commit_it_is(run: Run, images: dict[str, str], image: str) -> None:
    config = _inspect(run, images[image])["Config"]
    assert isinstance(config, dict)
    assert config["Labels"]["org.opencontainers.image.revision"] == REVISION
    assert config["Labels"]["org.opencontainers.image.title"] == f"sentiment-{image}"
    assert f"SENTIMENT_CODE_VERSION={REVISION}" in config["Env"]
    assert config["Healthcheck"]["Test"][0] == "CMD"


@BOTH
def test_an_image_holds_no_tool_to_build_or_to_install_with(run: Run, images: dict[str, str], image: str) -> None:
    tools = "pip pip3 uv gcc cc g++ clang ld as make cmake strip apt apt-get git curl"
    found = _inside(run, images[image], "bash", "-c", f"for tool in {tools}; do command -v $tool; done; true")
    assert found == ""
    modules = _inside(
        run,
        images[image],
        "python",
        "-c",
        "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('ensurepip'))",
    )
    assert modules.split() == ["None", "None"]
    assert _inside(run, images[image], "find", "/usr", "/opt", "-xdev", "-type", "f", "-perm", "/6000") == ""


@BOTH
def test_an_image_holds_the_locked_packages_and_no_other(
    run: Run, images: dict[str, str], checkout: Path, image: str
) -> None:
    lister = "import importlib.metadata as m; print(*sorted(f'{d.name}=={d.version}' for d in m.distributions()))"
    found = set(_normal(_inside(run, images[image], "python", "-c", lister)).split())
    locked = set(
        re.findall(r"^(\S+==\S+)", _normal((checkout / "requirements" / f"{image}.txt").read_text()), re.MULTILINE)
    )
    ours = {name for name in found if name.startswith("sentiment-core==")}
    assert len(ours) == 1
    assert found - ours <= locked
    assert len(found) > 30


def _normal(text: str) -> str:
    return re.sub(r"[-_.](?=[\w.-]*==)", "-", text.lower())


def test_the_api_image_has_none_of_what_others_need(run: Run, images: dict[str, str]) -> None:
    heavy = ("airflow", "mlflow", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy", "boto3")
    checker = f"import importlib.util as u; print([n for n in {heavy} if u.find_spec(n)])"
    assert _inside(run, images["api"], "python", "-c", checker).strip() == "[]"


@BOTH
def test_an_image_compiles_nothing(run: Run, images: dict[str, str], image: str) -> None:
    assert "compiled: 0" in _inside(run, images[image], "python", "-c", COUNT_COMPILED)


def test_the_service_answers_from_the_model_in_its_image_and_compiles_nothing(run: Run, images: dict[str, str]) -> None:
    with _started(run, images["api"]) as container:
        answer = json.loads(run("docker", "exec", container, "python", "-c", ASK).stdout)
        log = run("docker", "logs", container)
    assert answer["label"] == "positive"
    assert "cannot be cached" not in log.stdout + log.stderr
    assert "warning" not in log.stdout + log.stderr


def test_the_service_ends_well_on_sigterm(run: Run, images: dict[str, str]) -> None:
    with _started(run, images["api"]) as container:
        run("docker", "exec", container, "python", "-c", ASK)
        run("docker", "stop", "--time", "20", container)
        state = json.loads(run("docker", "inspect", container).stdout)[0]["State"]
    assert state["ExitCode"] == 0


MOUNTED = {
    "api": {"/var/cache/sentiment"},
    "airflow": {
        "/opt/airflow",
        "/opt/airflow/config",
        "/opt/airflow/logs",
        "/var/cache/sentiment",
        "/var/lib/sentiment",
    },
}
ELSEWHERE = ("/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/run/lock")  # noqa: S108


@BOTH
def test_only_folders_to_mount_into_belong_to_the_user(run: Run, images: dict[str, str], image: str) -> None:
    passed_over = " -o ".join(f"-path {folder}" for folder in ELSEWHERE)
    finder = f"find / -xdev \\( {passed_over} \\) -prune -o -writable ! -type l -print 2>/dev/null; true"
    found = run("docker", "run", "--rm", "--network", "none", images[image], "bash", "-c", finder).stdout
    assert set(found.split()) == MOUNTED[image]


def test_airflow_reads_the_dags_of_its_image(run: Run, images: dict[str, str], checkout: Path) -> None:
    quietly = ("airflow db migrate", "airflow dags reserialize")
    told = ("airflow dags list --output json", "airflow dags list-import-errors --output json")
    script = "; ".join([*(f"{command} >/dev/null 2>&1" for command in quietly), *told])
    options = ("-e", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:////tmp/airflow.db")
    answer = _inside(run, images["airflow"], "bash", "-c", script, options=options)
    dags, errors = (json.loads(line) for line in answer.splitlines() if line.startswith("["))
    names = {path.stem for path in (checkout / "dags").glob("*.py")} - {"wiring"}
    assert {dag["dag_id"] for dag in dags} == names
    assert errors == []


def test_airflow_has_the_executor_and_the_login_that_the_chart_asks_for(
    run: Run, images: dict[str, str], checkout: Path
) -> None:
    values = yaml.safe_load((checkout / "helm" / "values.yaml").read_text())["airflow"]
    options = ("-e", f"AIRFLOW__CORE__EXECUTOR={values['executor']}")
    login = values["config"]["core"]["auth_manager"]
    script = f"""
import pkgutil
from airflow.executors.executor_loader import ExecutorLoader
print(ExecutorLoader.import_default_executor_cls()[0].__name__, pkgutil.resolve_name({login!r}).__name__)
"""
    answer = _inside(run, images["airflow"], "python", "-c", script, options=options)
    assert answer.split()[-2:] == [values["executor"], login.rpartition(".")[2]]


@pytest.mark.parametrize(
    "command",
    [
        ("version",),
        ("airflow", "version"),
        ("bash", "-c", "exec airflow version"),
        ("/entrypoint", "airflow", "version"),
    ],
)
def test_airflow_is_started_in_all_the_ways_of_the_official_chart(
    run: Run, images: dict[str, str], command: tuple[str, ...]
) -> None:
    assert re.fullmatch(r"3\.\d+\.\d+", _inside(run, images["airflow"], *command).strip().splitlines()[-1])


@pytest.mark.parametrize(
    "command",
    [
        ("mlflow", "--version"),
        ("sentiment", "registry", "first-model", "--help"),
        ("sentiment", "db", "upgrade", "--help"),
    ],
)
def test_the_airflow_image_has_the_command_line_and_mlflow(
    run: Run, images: dict[str, str], command: tuple[str, ...]
) -> None:
    assert _inside(run, images["airflow"], *command)


@BOTH
def test_the_command_line_lists_what_works_in_its_image(run: Run, images: dict[str, str], image: str) -> None:
    told = _inside(run, images[image], "sentiment", "--help")
    assert "  demo " not in told
    assert "  predict " in told
    assert ("  load " in told) is (image == "airflow")


def test_the_api_image_can_wait_for_the_schema(run: Run, images: dict[str, str]) -> None:
    options = ("-e", "SENTIMENT_DATABASE_URL=postgresql://nobody@127.0.0.1:1/none")
    told = run(
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        *HARDENED,
        *options,
        images["api"],
        "sentiment",
        "db",
        "status",
        check=False,
    )
    assert told.returncode == 1
    assert "not installed" not in told.stderr
    assert "127.0.0.1" in told.stderr
