"""A chat-completions server on loopback that does what a healthy one won't.

In: a script, a function from a call to what is done about it.  Out: real HTTP, and a record of every
byte that came.  It runs in a thread of its own, on a port that the system picks.

    with FaultServer(lambda call: answer("hello") if call.tries > 1 else Act(status=500)) as server:
        ...ask server.url...
        assert server.calls[0].body["model"] == "m"
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """One request: `number` counts all calls from 1, `tries` those with the same body."""

    number: int
    tries: int
    method: str
    path: str
    head: bytes
    payload: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.payload)

    @property
    def prompt(self) -> str:
        return self.body["messages"][-1]["content"]

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@dataclass(frozen=True)
class Act:
    """What the server does: waits `delay` seconds, sends `blank_lines` and then the response, or less of it.

    `until`: holds the response back until this is true, for a minute at most.
    `cut`: "before" drops the line without a word, "head" in the middle of the head, "body" in the middle
    of the body (whose full length was announced).  `hang` says nothing until the client goes away.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    blank_lines: int = 0
    cut: str | None = None
    hang: bool = False
    until: Callable[[], bool] | None = None
    kind: str = "application/json"


Script = Callable[[Call], Act]


def completion(content: str | None, reasoning: str | None = None, finish: str | None = "stop", **more: Any) -> bytes:
    """The body of a chat completion: 100 tokens in, of which 40 cached, and 20 out."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}}
    body = {
        "id": "c-1",
        "object": "chat.completion",
        "model": "m-2026",
        "system_fingerprint": "fp-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": usage,
    }
    return json.dumps({**body, **more}).encode()


def answer(content: str | None = "an answer", **more: Any) -> Act:
    return Act(body=completion(content, **more))


def error(status: int, message: str = "no", **headers: str) -> Act:
    body = json.dumps({"error": {"message": message, "type": "t", "code": "c"}}).encode()
    return Act(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


class FaultServer:
    """The server; use it as a context manager.  `calls`: all that came; `peak`: the most at one time."""

    def __init__(self, script: Script | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.script: Script = script or (lambda call: answer())
        self.calls: list[Call] = []
        self.in_flight = 0
        self.peak = 0
        self._tls = tls
        self._tries: Counter[bytes] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def prompts(self) -> list[str]:
        """The last message of every call, in order."""
        return [call.prompt for call in self.calls]

    def everything_seen(self) -> bytes:
        return b"\n".join(call.head + call.payload for call in self.calls)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        self._done = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=4096, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        length = next(
            (line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0"
        )
        payload = await reader.readexactly(int(length))
        self._tries[payload] += 1
        call = Call(len(self.calls) + 1, self._tries[payload], method, path, head, payload)
        self.calls.append(call)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            return await self._do(self.script(call), reader, writer)
        finally:
            self.in_flight -= 1

    async def _do(self, act: Act, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        if act.hang:
            await reader.read(1)
            return False
        for _ in range(600):
            if act.until is None or act.until():
                break
            await asyncio.sleep(0.1)
        if act.delay and not act.blank_lines:
            await asyncio.sleep(act.delay)
        if act.cut == "before":
            writer.transport.abort()
            return False
        lines = "".join(f"{name}: {value}\r\n" for name, value in act.headers.items())
        length = len(act.body) + act.blank_lines
        head = (
            f"HTTP/1.1 {act.status} X\r\nContent-Type: {act.kind}\r\nContent-Length: {length}\r\n{lines}\r\n".encode()
        )
        if act.cut == "head":
            writer.write(head[: len(head) // 2])
            return await self._drop(writer)
        writer.write(head)
        for _ in range(act.blank_lines):
            writer.write(b"\n")
            await writer.drain()
            await asyncio.sleep(act.delay / act.blank_lines)
        if act.cut == "body":
            writer.write(act.body[: len(act.body) // 2])
            return await self._drop(writer)
        writer.write(act.body)
        await writer.drain()
        return True

    async def _drop(self, writer: asyncio.StreamWriter) -> bool:
        await writer.drain()
        writer.close()
        return False


class Batches:
    """A script that is OpenAI's Batch API: files, jobs that take `looks` looks to end, results out of order.

    `answers` says what becomes of a request, by its body: a status and a body; None leaves it out, as in
    a job that expires.  `ends` says how a job ends, by its number (from 1).
    """

    def __init__(
        self,
        answers: Callable[[dict[str, Any]], tuple[int, bytes] | None],
        looks: int = 2,
        ends: Callable[[int], str] = lambda number: "completed",
    ) -> None:
        self.answers, self.looks, self.ends = answers, looks, ends
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.before: Callable[[Call], Act | None] = lambda call: None
        self.after: Callable[[Call], Act | None] = lambda call: None

    def __call__(self, call: Call) -> Act:
        if (fault := self.before(call)) is not None:
            return fault
        path = call.path.split("?")[0].removeprefix("/v1/")
        return self.after(call) or self._answer(call, path) if self._done(call, path) else error(404, path)

    def _done(self, call: Call, path: str) -> bool:
        """Carries out what changes something, before a fault may keep its answer back."""
        self.made: dict[str, Any] | None = None
        if (call.method, path) == ("POST", "files"):
            boundary = call.headers["content-type"].partition("boundary=")[2].encode()
            parts = [part for part in call.payload.split(b"--" + boundary) if b'name="file"' in part]
            name = f"file-{len(self.files) + 1}"
            self.files[name] = parts[0].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            self.made = {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch"}
        elif (call.method, path) == ("POST", "batches"):
            self.made = self._start(call.body)
        return path.split("/")[0] in ("files", "batches")

    def _start(self, asked: dict[str, Any]) -> dict[str, Any]:
        import time

        number = len(self.jobs) + 1
        requests = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        self.asked += requests
        job = {
            "id": f"batch-{number}",
            "object": "batch",
            "created_at": int(time.time()),
            "status": "validating",
            **asked,
        }
        job["request_counts"] = {"total": len(requests), "completed": 0, "failed": 0}
        self.jobs[job["id"]] = {**job, "left": self.looks, "number": number, "requests": requests}
        return job

    def _answer(self, call: Call, path: str) -> Act:
        if self.made is not None:
            return Act(body=json.dumps(self.made).encode())
        if path == "batches":
            jobs = [self._shown(job) for job in reversed(self.jobs.values())]
            return Act(body=json.dumps({"object": "list", "data": jobs, "has_more": False}).encode())
        kind, name, *content = path.split("/")
        if kind == "files":
            return Act(body=self.files[name], kind="application/octet-stream") if content else error(404)
        return Act(body=json.dumps(self._shown(self._looked(self.jobs[name]))).encode())

    def _looked(self, job: dict[str, Any]) -> dict[str, Any]:
        job["left"] -= 1
        job["status"] = "in_progress"
        if job["left"] <= 0 and "output_file_id" not in job:
            job["status"] = self.ends(job["number"])
            if job["status"] == "failed":
                job["errors"] = {"object": "list", "data": [{"code": "x", "message": "the file is odd"}]}
            else:
                self._write(job)
        elif job["left"] <= 0:
            job["status"] = self.ends(job["number"])
        return job

    def _write(self, job: dict[str, Any]) -> None:
        good, bad = [], []
        for request in reversed(job["requests"]):
            result = self.answers(request["body"])
            if result is None:
                line = {"custom_id": request["custom_id"], "response": None, "error": {"code": "batch_expired"}}
            else:
                response = {"status_code": result[0], "request_id": "r", "body": json.loads(result[1])}
                line = {"id": "x", "custom_id": request["custom_id"], "response": response, "error": None}
            (good if result is not None and result[0] == 200 else bad).append(line)
        for name, lines in (("output", good), ("error", bad)):
            job[f"{name}_file_id"] = f"{job['id']}-{name}" if lines else None
            self.files[f"{job['id']}-{name}"] = "".join(
                json.dumps(line, ensure_ascii=False) + "\n" for line in lines
            ).encode()

    def _shown(self, job: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in job.items() if name not in ("left", "number", "requests")}
