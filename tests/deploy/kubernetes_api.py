"""The part of the Kubernetes API that the playbook calls: objects are kept in memory, and commands in pods run here."""

import asyncio
import base64
import copy
import functools
import json
import os
import re
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

Object = dict[str, Any]
# Resources by group and version: their names, kinds, and whether they belong to a namespace.
RESOURCES = {
    "v1": [
        ("namespaces", "Namespace", False),
        ("secrets", "Secret", True),
        ("pods", "Pod", True),
        ("configmaps", "ConfigMap", True),
        ("serviceaccounts", "ServiceAccount", True),
    ],
    "apps/v1": [("deployments", "Deployment", True)],
    "batch/v1": [("jobs", "Job", True)],
    "networking.k8s.io/v1": [("ingressclasses", "IngressClass", False), ("networkpolicies", "NetworkPolicy", True)],
    "rbac.authorization.k8s.io/v1": [("roles", "Role", True)],
    "eks.amazonaws.com/v1": [("ingressclassparams", "IngressClassParams", False)],
}
NAMES = {name for resources in RESOURCES.values() for name, _, _ in resources}
STDOUT, STDERR, STATUS = 1, 2, 3  # channels of the protocol v4.channel.k8s.io


def _groups() -> Object:
    groups = []
    for version in RESOURCES:
        if "/" in version:
            served = {"groupVersion": version, "version": version.partition("/")[2]}
            groups.append({"name": version.partition("/")[0], "versions": [served], "preferredVersion": served})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


FIXED = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": _groups(),
}


class KubernetesApi:
    """A context manager. `refused` are verb and resource pairs that the caller has no permission for.

    `commands` is the environment in which commands in pods run, in addition to what pods get from the Secret.
    """

    def __init__(self, commands: Mapping[str, str]) -> None:
        self.objects: dict[str, Object] = {}
        self.writes: list[str] = []
        self.refused: set[tuple[str, str]] = set()
        self._commands = commands
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def write_kubeconfig(self, path: Path) -> Path:
        """Write a configuration file that names this server, and return its path."""
        named = {"name": "here"}
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "here",
                    "clusters": [named | {"cluster": {"server": self.url}}],
                    "users": [named | {"user": {"token": "here"}}],
                    "contexts": [named | {"context": {"cluster": "here", "user": "here"}}],
                }
            )
        )
        return path

    async def _start(self) -> None:
        app = web.Application(client_max_size=8 * 2**20)
        for path, fixed in FIXED.items():
            app.router.add_get(path, functools.partial(_fixed, fixed))
        app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self._review)
        for version in RESOURCES:
            app.router.add_get(f"/{_root(version)}", self._discover)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/exec", self._exec)
        app.router.add_route("*", "/{path:.*}", self._object)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _discover(self, request: web.Request) -> web.Response:
        version = request.path.removeprefix("/apis/").removeprefix("/api/")
        verbs = ["create", "get", "list", "patch", "update"]
        resources = [
            {"name": name, "singularName": kind.lower(), "namespaced": inside, "kind": kind, "verbs": verbs}
            for name, kind, inside in RESOURCES[version]
        ]
        return _json({"kind": "APIResourceList", "groupVersion": version, "resources": resources})

    async def _review(self, request: web.Request) -> web.Response:
        review: Object = await request.json()
        asked = review["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        review["status"] = {"allowed": (asked["verb"], resource) not in self.refused}
        return _json(review, 201)

    async def _object(self, request: web.Request) -> web.Response:
        path = request.path.rstrip("/")
        if request.method == "GET":
            return self._get(path, request.query)
        given: Object = await request.json()
        if request.method == "POST":
            if _namespace(path) not in (None, *self.objects):
                return _missing()
            path = f"{path}/{given['metadata']['name']}"
        elif request.method == "PATCH":
            given = _patched(self.objects[path], given)
        if given != self.objects.get(path) and "dryRun" not in request.query:
            self.writes.append(f"{request.method} {path}")
            self.objects[path] = given
        return _json(given, 201 if request.method == "POST" else 200)

    def _get(self, path: str, query: Mapping[str, str]) -> web.Response:
        if path in self.objects:
            return _json(self.objects[path])
        if path.rpartition("/")[2] in NAMES:
            items = [each for name, each in self.objects.items() if name.rpartition("/")[0] == path]
            found = [each for each in items if _selected(each, query.get("labelSelector", ""))]
            return _json({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": found})
        return _missing()

    async def _exec(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        command = request.query.getall("command")
        run = asyncio.to_thread(
            subprocess.run,
            command,
            env=os.environ | dict(self._commands) | self._secret(request.match_info["namespace"]),
            capture_output=True,
            check=False,
            timeout=120,
        )
        done: subprocess.CompletedProcess[bytes] = await run
        status: Object = {"status": "Success"}
        if done.returncode:
            status = {"status": "Failure", "details": {"causes": [{"message": str(done.returncode)}]}}
        for channel, text in ((STDOUT, done.stdout), (STDERR, done.stderr), (STATUS, json.dumps(status).encode())):
            await socket.send_bytes(bytes([channel]) + text)
        await socket.close(code=aiohttp.WSCloseCode.OK)
        return socket

    def _secret(self, namespace: str) -> dict[str, str]:
        """Return the variables that Airflow's pods get from the Secret."""
        data = self.objects[f"/api/v1/namespaces/{namespace}/secrets/sentiment"]["data"]
        keys = {"SENTIMENT_DATABASE_URL": "database-url", "SENTIMENT_ERASURE_KEY": "erasure-key"}
        return {name: base64.b64decode(data[key]).decode() for name, key in keys.items()}


async def _fixed(found: Object, _: web.Request) -> web.Response:
    return _json(found)


def _missing() -> web.Response:
    return _json({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)


def _namespace(path: str) -> str | None:
    """Return the path of the namespace of an object, or None for objects outside namespaces."""
    found = re.match(r"/apis?/.*namespaces/([^/]+)/", path)
    return f"/api/v1/namespaces/{found[1]}" if found else None


def _root(version: str) -> str:
    return f"apis/{version}" if "/" in version else f"api/{version}"


def _json(found: Object, status: int = 200) -> web.Response:
    return web.json_response(found, status=status)


def _patched(below: Any, above: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396) and return the result."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    result = copy.deepcopy(below)
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _patched(result.get(key), value)
    return result


def _selected(each: Object, selector: str) -> bool:
    labels = each["metadata"].get("labels", {})
    return all(
        labels.get(key) == value for key, _, value in (term.partition("=") for term in selector.split(",") if term)
    )
