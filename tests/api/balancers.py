"""Balancers in front of several processes of the service, which ask for readiness and send on accordingly.

`Connections` hands on whole connections, as a Kubernetes Service does; `Requests` sends each request on over
connections that it keeps, as a proxy does; `Nginx` is the real one, configured anew when readiness changes, as an
ingress does it. None of them tries a request a second time.
"""

import asyncio
import itertools
import shutil
import signal
from contextlib import suppress

import aiohttp
from aiohttp import web

HEALTH_S = 0.1
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


class Balancer:
    """What is common: the processes by their ports, and which of them are ready."""

    keeps_clients = True  # a client may send more than one request over its connection

    def __init__(self, folder):
        self.folder = folder
        self.ports = set()
        self.ready = []
        self.turn = itertools.count()

    async def __aenter__(self):
        self.session = aiohttp.ClientSession()
        self.port = await self.start()
        self.watch = asyncio.create_task(self.look_after())
        return self

    async def __aexit__(self, *_):
        self.watch.cancel()
        await asyncio.wait([self.watch])
        await self.end()
        await self.session.close()

    async def look_after(self):
        while True:
            ports = sorted(self.ports)
            ready = [
                port for port, ok in zip(ports, await asyncio.gather(*map(self.is_ready, ports)), strict=True) if ok
            ]
            if ready != self.ready:
                self.ready = ready
                await self.changed()
            await asyncio.sleep(HEALTH_S)

    async def is_ready(self, port):
        try:
            async with self.session.get(f"http://127.0.0.1:{port}/readyz", timeout=aiohttp.ClientTimeout(5)) as answer:
                return answer.status == 200
        except (OSError, aiohttp.ClientError):
            return False

    def chosen(self):
        return self.ready[next(self.turn) % len(self.ready)]

    async def changed(self):
        pass


class Connections(Balancer):
    async def start(self):
        self.server = await asyncio.start_server(self.hand_on, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def hand_on(self, reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.chosen())
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self.copy(reader, back), self.copy(there, writer))

    @staticmethod
    async def copy(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            with suppress(OSError):
                writer.write_eof()
        except OSError:
            writer.transport.abort()
        finally:
            writer.close()

    async def end(self):
        self.server.close()


class Requests(Balancer):
    async def start(self):
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self.hand_on)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return self.runner.addresses[0][1]

    async def hand_on(self, request):
        url = f"http://127.0.0.1:{self.chosen()}{request.raw_path}"
        headers = {"Content-Type": request.headers.get("Content-Type", "")}
        try:
            async with self.session.request(request.method, url, data=await request.read(), headers=headers) as answer:
                return web.Response(body=await answer.read(), status=answer.status)
        except (OSError, aiohttp.ClientError) as error:
            return web.Response(text=repr(error), status=502)

    async def end(self):
        await self.runner.cleanup()


class Nginx(Balancer):
    keeps_clients = False  # when it is configured anew, it closes idle connections of clients, whatever they send

    async def start(self):
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        self.public = server.sockets[0].getsockname()[1]
        server.close()
        self.process = None
        return self.public

    async def changed(self):
        (self.folder / "nginx.conf").write_text(self.configuration())
        if self.process is None:
            command = [NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "error.log"]
            self.process = await asyncio.create_subprocess_exec(*command)
            while True:
                with suppress(OSError):
                    (await asyncio.open_connection("127.0.0.1", self.public))[1].close()
                    return
                await asyncio.sleep(0.02)
        self.process.send_signal(signal.SIGHUP)

    def configuration(self):
        servers = "".join(f"server 127.0.0.1:{port} max_fails=0;" for port in self.ready)
        return f"""
            daemon off; pid nginx.pid; worker_processes 1; user root;
            events {{}}
            http {{
              access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
              uwsgi_temp_path uwsgi; scgi_temp_path scgi; client_max_body_size 2m;
              upstream service {{ {servers} keepalive 32; }}
              server {{
                listen 127.0.0.1:{self.public};
                location / {{
                  proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_next_upstream off;
                }}
              }}
            }}"""

    async def end(self):
        self.process.terminate()
        await self.process.wait()
