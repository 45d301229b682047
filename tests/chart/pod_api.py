"""Pods without a cluster: each is a container of the Docker engine. The part of the Kubernetes API that Airflow calls.

No Kubernetes API server is available here. Options of `docker run` reproduce what a kubelet does with a pod.
"""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.chart.helm import named
from tests.chart.manifest_process import environment

Pod = dict[str, Any]
PODS = re.compile(r"/api/v1/namespaces/[^/]+/pods(?:/(?P<name>[^/]+))?(?P<log>/log)?")
DISCOVERY = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"]}
        ],
    },
}


class Kubelet:
    """Run pods of one container as containers in this machine's network, with only what the pod specifies."""

    def __init__(self, manifests: list[Pod], secret: Mapping[str, str], folder: Path) -> None:
        self._manifests = manifests
        self._secret = secret
        self._folder = folder
        self._started: list[str] = []

    def start(self, pod: Pod) -> None:
        """Start the pod's container, with the name of the pod."""
        name = pod["metadata"]["name"]
        (container,) = pod["spec"]["containers"]
        values = environment(container, self._manifests, self._secret)
        if pod["spec"].get("enableServiceLinks") is not False:
            values = self._service_links() | values
        command = [*container.get("command", ()), *container.get("args", ())]
        entry = ("--entrypoint", command.pop(0)) if container.get("command") else ()
        variables = (f"--env={key}={value}" for key, value in values.items())
        options = [*self._security(pod, container), *self._mounts(pod["spec"], container), *variables, *entry]
        self._started.append(name)
        self.docker("run", "--detach", "--name", name, "--network", "host", *options, container["image"], *command)

    def docker(self, *command: str, check: bool = True) -> str:
        """Run a command of Docker's client and return its output."""
        done = subprocess.run(["docker", *command], capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0 or not check, f"docker {' '.join(command)}: {done.stderr}"
        return done.stdout + done.stderr

    def end(self) -> None:
        """Remove all containers."""
        for name in self._started:
            self.docker("rm", "--force", "--volumes", name, check=False)

    def _service_links(self) -> dict[str, str]:
        """Return the service-link variables, which pods get for the Services of their namespace unless they opt out."""
        links = {}
        for service in self._manifests:
            if service["kind"] == "Service":
                name = service["metadata"]["name"].upper().replace("-", "_")
                port = str(service["spec"]["ports"][0]["port"])
                links |= {f"{name}_PORT": f"tcp://10.0.0.1:{port}", f"{name}_SERVICE_HOST": "10.0.0.1"}
                links |= {f"{name}_SERVICE_PORT": port}
        return links

    def _security(self, pod: Pod, container: Pod) -> Iterable[str]:
        context = pod["spec"].get("securityContext", {}) | container.get("securityContext", {})
        yield f"--user={context['runAsUser']}:{context['runAsGroup']}"
        if context.get("readOnlyRootFilesystem"):
            yield "--read-only"
        if not context.get("allowPrivilegeEscalation", True):
            yield "--security-opt=no-new-privileges:true"
        for each in context.get("capabilities", {}).get("drop", ()):
            yield f"--cap-drop={each}"
        yield f"--memory={container['resources']['limits']['memory'].removesuffix('i')}"

    def _mounts(self, spec: Pod, container: Pod) -> Iterable[str]:
        volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
        for mount in container.get("volumeMounts", ()):
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                yield f"--tmpfs={mount['mountPath']}:mode=1777"
            else:
                data = named(self._manifests, "ConfigMap", volume["configMap"]["name"])["data"]
                file = self._folder / mount["subPath"]
                file.write_text(data[mount["subPath"]])
                yield f"--volume={file}:{mount['mountPath']}:ro"


class PodApi:
    """Serve the pods of one namespace: create, list, watch, change and delete them, and return their logs."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.seen: dict[str, Pod] = {}
        self._kubelet = kubelet
        self._pods: dict[str, Pod] = {}
        self._events: list[Pod] = []
        self._changed = threading.Condition()
        api = self

        class Handler(_Handler):
            pods = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def make(self, pod: Pod) -> Pod:
        pod = pod | {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Pending"}}
        pod["metadata"] |= {"uid": pod["metadata"]["name"], "creationTimestamp": _now()}
        with self._changed:
            self._keep("ADDED", pod)
        threading.Thread(target=self._run, args=(pod["metadata"]["name"],), daemon=True).start()
        return pod

    def find(self, name: str) -> Pod | None:
        return self._pods.get(name)

    def listed(self, query: Mapping[str, str]) -> Pod:
        with self._changed:
            items = [pod for pod in self._pods.values() if _selected(pod, query)]
            return {"apiVersion": "v1", "kind": "PodList", "metadata": self._version(), "items": items}

    def watch(self, query: Mapping[str, str]) -> Iterable[Pod]:
        """Yield the events after the query's resource version, for as long as the query asks."""
        seen = int(query.get("resourceVersion") or 0)
        deadline = time.monotonic() + float(query.get("timeoutSeconds") or 30)
        while time.monotonic() < deadline:
            with self._changed:
                if len(self._events) <= seen:
                    self._changed.wait(timeout=0.5)
                news = self._events[seen:]
            seen += len(news)
            yield from (event for event in news if _selected(event["object"], query))

    def patch(self, name: str, change: Pod) -> Pod:
        with self._changed:
            pod = json.loads(json.dumps(self._pods[name]))
            for field in ("labels", "annotations"):
                pod["metadata"][field] = pod["metadata"].get(field, {}) | change["metadata"].get(field, {})
            self._keep("MODIFIED", pod)
        return pod

    def delete(self, name: str) -> Pod:
        with self._changed:
            pod = json.loads(json.dumps(self._pods[name]))
            pod["metadata"]["deletionTimestamp"] = _now()
            self._keep("DELETED", pod)
            del self._pods[name]
        return pod

    def log(self, name: str) -> str:
        return self._kubelet.docker("logs", name, check=False)

    def _run(self, name: str) -> None:
        self._kubelet.start(self._pods[name])
        self._set_status(name, "Running", {"running": {"startedAt": _now()}})
        status = int(self._kubelet.docker("wait", name).strip())
        ended = {"exitCode": status, "reason": "Error" if status else "Completed", "finishedAt": _now()}
        self._set_status(name, "Failed" if status else "Succeeded", {"terminated": ended})

    def _set_status(self, name: str, phase: str, state: Pod) -> None:
        with self._changed:
            if name in self._pods:
                pod = json.loads(json.dumps(self._pods[name]))
                container = {"name": "base", "image": "", "imageID": "", "ready": False, "restartCount": 0}
                pod["status"] = {"phase": phase, "containerStatuses": [container | {"state": state}]}
                self._keep("MODIFIED", pod)

    def _keep(self, kind: str, pod: Pod) -> None:
        pod["metadata"]["resourceVersion"] = str(len(self._events) + 1)
        self._pods[pod["metadata"]["name"]] = self.seen[pod["metadata"]["name"]] = pod
        self._events.append({"type": kind, "object": pod})
        self._changed.notify_all()

    def _version(self) -> Pod:
        return {"resourceVersion": str(len(self._events))}


class _Handler(BaseHTTPRequestHandler):
    pods: PodApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, query = self._asked()
        found = PODS.fullmatch(path)
        if path in DISCOVERY:
            self._answer(DISCOVERY[path])
        elif found is None:
            self._missing()
        elif found["log"]:
            self._send(200, self.pods.log(found["name"]).encode(), "text/plain")
        elif found["name"]:
            self._answer(self.pods.find(found["name"]))
        elif query.get("watch"):
            self._stream(self.pods.watch(query))
        else:
            self._answer(self.pods.listed(query))

    def do_POST(self) -> None:
        self._answer(self.pods.make(self._body()), 201)

    def do_PATCH(self) -> None:
        name, change = self._known(), self._body()
        self._answer(name and self.pods.patch(name, change))

    def do_DELETE(self) -> None:
        name, _options = self._known(), self._body()
        self._answer(name and self.pods.delete(name))

    def log_message(self, *_: object) -> None:
        """Log nothing, because the executor polls often."""

    def _asked(self) -> tuple[str, dict[str, str]]:
        address = urlsplit(self.path)
        return address.path.rstrip("/"), {key: values[-1] for key, values in parse_qs(address.query).items()}

    def _known(self) -> str | None:
        found = PODS.fullmatch(self._asked()[0])
        return found["name"] if found and self.pods.find(found["name"]) else None

    def _body(self) -> Pod:
        body: Pod = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        return body

    def _answer(self, found: Any, status: int = 200) -> None:
        if found is None:
            self._missing()
        else:
            self._send(status, json.dumps(found).encode(), "application/json")

    def _missing(self) -> None:
        failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        self._send(404, json.dumps(failure).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterable[Pod]) -> None:
        # The response is chunked, because the client reads nothing of other responses before their end.
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in events:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            return  # the watcher has disconnected


TERM = re.compile(r"(?P<key>[^!=, ]+) ?(?P<operator>!=|==?|notin|in) ?(?:\((?P<several>[^)]*)\)|(?P<one>[^,]*))(?:,|$)")


def _selected(pod: Pod, query: Mapping[str, str]) -> bool:
    """Return whether a pod has the labels and the phase that a query selects."""
    fields = {"status.phase": pod["status"]["phase"], "metadata.name": pod["metadata"]["name"]}
    for name, values in (("labelSelector", pod["metadata"].get("labels", {})), ("fieldSelector", fields)):
        for term in TERM.finditer(query.get(name, "")):
            wanted = (term["several"] if term["several"] is not None else term["one"]).split(",")
            if (values.get(term["key"]) in wanted) == (term["operator"] in ("!=", "notin")):
                return False
    return True


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
