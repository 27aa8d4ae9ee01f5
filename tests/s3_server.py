"""A real S3 server on loopback (moto's), in a process of its own, and the faults that a storage has.

`Storms` stands between a client and the server: it answers 503, or slowly, or lists what was there before.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test-id",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def s3_server(bucket: str = "corpora") -> Iterator[str]:
    """The address of a server with one empty bucket."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        ask(port, "PUT", f"/{bucket}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the S3 server did not start")


def ask(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


@dataclass
class Storms:
    """What goes wrong: so many requests of a method are answered 503 or held for a time; listings stand still."""

    busy: dict[str, int] = field(default_factory=dict)
    slow: float = 0.0
    stale: bool = False
    seen: list[str] = field(default_factory=list)


@contextmanager
def stormy(server: str, storms: Storms) -> Iterator[str]:
    """The address of a proxy before `server` that does what `storms` says."""
    target = server.removeprefix("http://")
    kept: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            storms.seen.append(f"{self.command} {self.path}")
            if storms.busy.get(self.command, 0) > 0:
                storms.busy[self.command] -= 1
                return self.answer(503, [], b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>")
            if storms.slow:
                time.sleep(storms.slow)
            listing = self.command == "GET" and "list-type" in self.path
            if listing and storms.stale and self.path in kept:
                return self.answer(*kept[self.path])
            connection = http.client.HTTPConnection(target, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            data = reply.read()
            connection.close()
            answer = (reply.status, reply.getheaders(), data)
            if listing:
                kept[self.path] = answer
            self.answer(*answer)

        def answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response(status)
            skipped = {"content-length", "transfer-encoding", "connection", "date", "server"}
            length = str(len(data))
            for name, value in headers:
                if name.lower() == "content-length" and self.command == "HEAD":
                    length = value
                if name.lower() not in skipped:
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = do

        def log_message(self, format: str, *args: object) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


@contextmanager
def at_address(address: str) -> Iterator[None]:
    """The environment that sends S3 clients to this address."""
    wanted = {**ENVIRONMENT, "AWS_ENDPOINT_URL": address}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
