"""Servers that get alerts: of a webhook, and of mail."""

import email.message
import email.policy
import json
import socketserver
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar


class Webhook(BaseHTTPRequestHandler):
    """Notes each request. Answers with the statuses of `answers` first, then with 202."""

    received: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.answers.pop(0) if self.answers else 202
        if status == 202:
            self.received.append((self.path, body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


class Mail(socketserver.StreamRequestHandler):
    """A mail server of one message a connection."""

    received: ClassVar[list[email.message.EmailMessage]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 mail\r\n")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self.wfile.write(b"354 send\r\n")
                data = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.received.append(email.message_from_bytes(data, policy=email.policy.default))
            self.wfile.write(b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")
