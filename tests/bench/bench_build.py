"""A whole build, with a teacher that takes its time and a reader and a judge that answer at once, against bare loops.

    python tests/bench/bench_build.py -n 10000 --concurrency 256 --latency 0.2 --rounds 3 [--kills 20]

Everything in one run, against a server of our own in a process of its own; only ratios count.  Prints one JSON line a
run, and at the end a table:

    wall     of the whole build (interpreter and imports included) / of one bare aiohttp loop over the teacher's calls
    cpu      of the build's process tree, per call / of the openai client over aiohttp alone, per call
    memory   peak PSS of the build's process tree, in MB
    kills    answers paid twice per kill -9, mean / the same for a loop that flushes each answer (with --kills)

What the asking alone serves per second, against the same loops, is bench_endpoint.py's to say.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

CITIES = ("Oslo", "Bergen", "Lyon", "Porto", "Turku")
FILLER = "The minutes of that meeting were kept in the town hall, and nobody has looked at them since. " * 4
GOING = re.compile(r"(Mara[0-9]+) moved to ([A-Z][a-z]+)")


def sentence(number: int) -> str:
    return f"Mara{number} moved to {CITIES[number % len(CITIES)]} in the spring. {FILLER}"


# --- the server -----------------------------------------------------------------------------------


class Answering(asyncio.Protocol):
    """Answers as teacher (after the latency), reader or judge, by the model that is asked for.

    GET / tells what was delivered: answers by model, and how many of them had been delivered before.
    """

    latency = 0.2
    counts: ClassVar[dict[str, int]] = {}
    paid: ClassVar[set[int]] = set()
    twice = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if not end or len(rest) < length:
            return
        self.buffer = rest[length:]
        if head.startswith(b"GET"):
            self.send(json.dumps({"counts": self.counts, "twice": self.twice}).encode())
            return
        body = rest[:length]
        model = "teacher" if b'"model":"teacher"' in body.replace(b" ", b"")[:4000] or b'"teacher"' in body else ""
        if model:
            asyncio.get_running_loop().call_later(self.latency, self.answer, "teacher", body)
        else:
            self.answer("reader" if b'"reader"' in body else "judge", body)

    def answer(self, model: str, body: bytes) -> None:
        if self.transport.is_closing():
            return
        cls = type(self)
        name, city = GOING.findall(body.decode())[-1]
        cls.counts[model] = cls.counts.get(model, 0) + 1
        cls.twice += hash(body) in cls.paid
        cls.paid.add(hash(body))
        self.send(completion(model, name, city))

    def send(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)


def completion(model: str, name: str, city: str) -> bytes:
    message: dict[str, Any] = {"role": "assistant"}
    if model == "teacher":
        message["content"] = json.dumps({"entities": {"person": [name], "location": [city]}})
        message["reasoning_content"] = (
            f'The sentence begins with "{name}". Only somebody can move, so "{name}" is a person. '
            f'Then "moved to {city}": one moves to a place, so "{city}" is a location. '
            "The rest speaks of minutes and of a town hall without a name; none of it is a ship."
        )
    elif model == "reader":
        taken = [
            {"mention": name, "type": "person", "because": f'"{name}" is a person'},
            {"mention": city, "type": "location", "because": f'"{city}" is a location'},
        ]
        message["content"] = json.dumps({"taken": taken, "refused": [], "given": False, "sound": True})
    else:
        names = ("grounding", "boundary", "type", "completeness", "coherence", "score")
        message["content"] = json.dumps({**dict.fromkeys(names, 9.5), "reason": "argued from the words beside it"})
    usage = {"prompt_tokens": 500, "completion_tokens": 400, "total_tokens": 900}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    common = {"id": "c", "object": "chat.completion", "created": 1, "model": model}
    return json.dumps({**common, "choices": [choice], "usage": usage}).encode()


async def serve(latency: float) -> None:
    Answering.latency = latency
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(latency: float) -> Iterator[str]:
    command = [sys.executable, __file__, "--serve", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


def told(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1"), timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


# --- the loops ------------------------------------------------------------------------------------


def body_of(number: int) -> dict[str, Any]:
    return {"model": "teacher", "messages": [{"role": "user", "content": sentence(number)}]}


async def bare(url: str, number: int, concurrency: int, out: Path | None) -> None:
    """The least that can be done: a post a row; with `out` each answer is written and flushed."""
    import aiohttp

    done = set(map(int, out.read_text().split("\n")[:-1])) if out is not None and out.exists() else set()
    todo = iter(sorted(set(range(number)) - done))
    handle = out.open("a") if out is not None else None
    connector = aiohttp.TCPConnector(limit=concurrency)

    async def work(session: aiohttp.ClientSession) -> None:
        for row in todo:
            async with session.post(f"{url}/chat/completions", json=body_of(row)) as reply:
                json.loads(await reply.read())
            if handle is not None:
                handle.write(f"{row}\n")
                handle.flush()

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(concurrency)))


async def client(url: str, number: int, concurrency: int) -> None:
    """The openai client over aiohttp, alone."""
    import httpx2
    import openai

    todo = iter(range(number))
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    http = openai.DefaultAioHttpClient(limits=limits)
    async with openai.AsyncOpenAI(base_url=url, api_key="x", http_client=http, max_retries=0) as asked:

        async def work() -> None:
            for row in todo:
                await asked.chat.completions.create(**body_of(row))

        await asyncio.gather(*(work() for _ in range(concurrency)))


# --- what is measured -----------------------------------------------------------------------------


def tree(root: int) -> list[int]:
    """A process and all under it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        children.setdefault(int(text[text.rindex(")") + 2 :].split()[1]), []).append(int(path.parent.name))
    found, todo = [], [root]
    while todo:
        found.append(one := todo.pop())
        todo += children.get(one, [])
    return found


def pss(root: int) -> int:
    """The memory of a process tree in KB, what is shared counted once."""
    total = 0
    for process in tree(root):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:")))
    return total


class Watch(threading.Thread):
    """Looks at a process tree until it ends."""

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        super().__init__(daemon=True)
        self.process, self.peak = process, 0

    def run(self) -> None:
        while self.process.poll() is None:
            self.peak = max(self.peak, pss(self.process.pid))
            time.sleep(0.3)


def measured(command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Wall and CPU seconds, and peak memory, of a command and all its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = Watch(process)
    watch.start()
    _, said = process.communicate()
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(said.decode()[-2000:])
    watch.join()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(wall, 2), "cpu": round(cpu, 2), "pss_mb": round(watch.peak / 1024)}


def build_command(url: str, concurrency: int) -> list[str]:
    width = [f"--set={role}.concurrency={concurrency}" for role in ("teacher", "reader", "judge")]
    models = [
        word for role in ("teacher", "reader", "judge") for word in (f"--{role}-url", url, f"--{role}-model", role)
    ]
    steps = '--set=steps=["annotate", "validate", "read", "score", "select"]'
    return [sys.executable, "-m", "nercot", "build", "--json", "--input", "rows.jsonl", *models, *width, steps]


def write_rows(folder: Path, number: int) -> None:
    with (folder / "rows.jsonl").open("w") as out:
        for row in range(number):
            schema = ["person", "location", "ship"]
            out.write(json.dumps({"sentence": sentence(row), "schema": schema, "dataset": "made"}) + "\n")


def loop_command(kind: str, url: str, number: int, concurrency: int, out: Path | None = None) -> list[str]:
    more = ["--out", str(out)] if out else []
    return [sys.executable, __file__, "--loop", kind, url, "-n", str(number), "--concurrency", str(concurrency), *more]


def killed(command: Sequence[str], folder: Path, url: str, after: int) -> int:
    """Answers that a command pays twice if it is killed after so many of the teacher's, and run again."""
    started = told(url)
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while told(url)["counts"].get("teacher", 0) - started["counts"].get("teacher", 0) < after:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    before = told(url)["twice"]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return int(told(url)["twice"] - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--number", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--loop", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
    elif given.loop:
        kind, url = given.loop
        asks = client(url, given.number, given.concurrency) if kind == "openai" else None
        asyncio.run(asks or bare(url, given.number, given.concurrency, given.out))
    else:
        compare(given)


def compare(given: argparse.Namespace) -> None:
    runs: dict[str, list[dict[str, Any]]] = {"bare": [], "openai": [], "build": []}
    for _ in range(given.rounds):
        for kind in runs:
            with serving(given.latency) as url, tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_rows(folder, given.number)
                loop = loop_command(kind, url, given.number, given.concurrency)
                command = build_command(url, given.concurrency) if kind == "build" else loop
                found = {"run": kind, **measured(command, folder), "calls": sum(told(url)["counts"].values())}
                runs[kind].append(found)
                print(json.dumps(found), flush=True)
    middle = {
        (kind, what): statistics.median(run[what] for run in listed)
        for kind, listed in runs.items()
        for what in listed[0]
        if what != "run"
    }
    per_call = {kind: middle[kind, "cpu"] / middle[kind, "calls"] for kind in runs}
    wall = middle["build", "wall"] / middle["bare", "wall"]
    print(f"wall    build / bare loop over the teacher's calls    {wall:.2f}")
    print(f"cpu     build / openai client over aiohttp, per call  {per_call['build'] / per_call['openai']:.2f}")
    print(f"memory  peak PSS of the build's process tree          {middle['build', 'pss_mb']:.0f} MB")
    if given.kills:
        ours, loops = kill_all(given)
        ratio = ours / max(loops, 1)
        print(f"kills   paid twice per kill, build / flushing loop    {ours:.1f} / {loops:.1f} = {ratio:.2f}")


def kill_all(given: argparse.Namespace) -> tuple[float, float]:
    """Answers paid twice per kill, on average: of builds, and of a loop that flushes each answer."""
    number, found = 3000, {"build": list[int](), "bare": list[int]()}
    for kill in range(given.kills):
        for kind, listed in found.items():
            with serving(given.latency) as url, tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_rows(folder, number)
                loop = loop_command("bare", url, number, given.concurrency, folder / "answers.txt")
                command = build_command(url, given.concurrency) if kind == "build" else loop
                listed.append(killed(command, folder, url, 400 + kill * 2000 // given.kills))
                print(json.dumps({"kill": kind, "paid_twice": listed[-1]}), flush=True)
    return statistics.mean(found["build"]), statistics.mean(found["bare"])


if __name__ == "__main__":
    main()
