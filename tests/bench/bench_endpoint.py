"""Calls through `ask_all` against a plain loop of the openai client over aiohttp, in one run.

    python tests/bench/bench_endpoint.py -n 10000 --concurrency 256 --latency 0.2 --rounds 3

Prints one JSON line a run and the ratios of the medians.  `cpu` is in seconds of the client's process;
that of nercot is the run minus the same run from a full ledger, so that reading prompts, imports and
the ledger's look-up, which a loop does not have, are out of it.  Without --url a server of our own is
started, a process of its own that answers after the latency.  Only ratios count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SENTENCE = "In May 2014 Marie Duval left Acme in Lyon for the Institute of Marine Science in Bergen. " * 8
CLIENTS = ("nercot", "openai", "aiohttp")


class Answering(asyncio.Protocol):
    """Answers every chat completion after the latency; GET / tells how many at most were in flight."""

    latency = 0.2
    in_flight = peak = 0
    body = b""

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
        cls = type(self)
        if head.startswith(b"GET"):
            self.send(json.dumps({"peak": cls.peak}).encode())
            cls.peak = 0
            return
        cls.in_flight += 1
        cls.peak = max(cls.peak, cls.in_flight)
        asyncio.get_running_loop().call_later(cls.latency, self.answer)

    def answer(self) -> None:
        type(self).in_flight -= 1
        self.send(self.body)

    def send(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)


async def serve(latency: float) -> None:
    message = {"role": "assistant", "content": '{"entities": {}}', "reasoning_content": SENTENCE * 2}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 500, "completion_tokens": 400, "total_tokens": 900}
    common = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    Answering.latency, Answering.body = latency, json.dumps({**common, "choices": [choice], "usage": usage}).encode()
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def messages(n: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{n}: {SENTENCE}"}]


def run_nercot(url: str, number: int, concurrency: int, folder: Path) -> None:
    from nercot.corpus.recipe import Model
    from nercot.llm.asking import request_body
    from nercot.llm.endpoint import ask_all
    from nercot.llm.ledger import Ledger
    from nercot.llm.messages import Request

    model = Model(url=(url,), model="m", concurrency=concurrency)
    bodies = (request_body(model, messages(n)) for n in range(number))
    with Ledger(folder / "ledger.sqlite") as ledger:
        source = (Request("bench", "annotate", f"{n:032x}", "local", "m", body) for n, body in enumerate(bodies))
        asked = ask_all(source, model, ledger)
    assert asked.progress.done + asked.progress.found == number, asked


def run_openai(url: str, number: int, concurrency: int, folder: Path) -> None:
    import httpx2
    import openai

    async def main() -> None:
        limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        http_client = openai.DefaultAioHttpClient(timeout=600, limits=limits)
        client = openai.AsyncOpenAI(base_url=url, api_key="x", http_client=http_client)
        gate = asyncio.Semaphore(concurrency)
        with open(folder / "out.jsonl", "w") as out:

            async def one(n: int) -> None:
                async with gate:
                    reply = await client.chat.completions.create(model="m", messages=messages(n))
                    out.write(json.dumps({"id": n, "content": reply.choices[0].message.content}) + "\n")
                    out.flush()

            await asyncio.gather(*(one(n) for n in range(number)))
        await client.close()

    asyncio.run(main())


def run_aiohttp(url: str, number: int, concurrency: int, folder: Path) -> None:
    import aiohttp

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector) as session:
            with open(folder / "out.jsonl", "w") as out:
                numbers = iter(range(number))

                async def work() -> None:
                    for n in numbers:
                        body = {"model": "m", "messages": messages(n)}
                        async with session.post(f"{url}/chat/completions", json=body) as response:
                            reply = json.loads(await response.read())
                        out.write(json.dumps({"id": n, "content": reply["choices"][0]["message"]["content"]}) + "\n")

                await asyncio.gather(*(work() for _ in range(concurrency)))

    asyncio.run(main())


RUNS = {"nercot": run_nercot, "openai": run_openai, "aiohttp": run_aiohttp}


def timed(client: str, url: str, number: int, concurrency: int, folder: Path) -> dict[str, float]:
    """One client in a process of its own; wall seconds leave its imports out."""
    command = [sys.executable, __file__, "--client", client, "--url", url, "-n", str(number)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(
        [*command, "--concurrency", str(concurrency), "--folder", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with urllib.request.urlopen(url.removesuffix("/v1"), timeout=10) as reply:
        peak = json.load(reply).get("peak")
    return {**json.loads(said.stdout), "cpu": round(cpu, 2), "peak": peak}


@contextmanager
def server(latency: float) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(latency)], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def compare(args: argparse.Namespace, url: str) -> None:
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(args.rounds):
        for client in args.clients.split(","):
            with tempfile.TemporaryDirectory() as folder:
                result = timed(client, url, args.number, args.concurrency, Path(folder))
                if client == "nercot":
                    again = timed(client, url, args.number, args.concurrency, Path(folder))
                    result["cpu"] = round(result["cpu"] - again["cpu"], 2)
            runs.setdefault(client, []).append(result)
            print(json.dumps({"client": client, **result}), flush=True)
    medians = {
        client: {name: statistics.median(run[name] for run in some) for name in ("wall", "cpu")}
        for client, some in runs.items()
    }
    ours = medians["nercot"]
    for client in medians.keys() - {"nercot"}:
        ratios = {name: round(ours[name] / medians[client][name], 2) for name in ours}
        print(json.dumps({"nercot / " + client: ratios}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url")
    parser.add_argument("-n", "--number", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        asyncio.run(serve(args.serve))
    elif args.client is not None:
        # The imports come first: they are no part of the time between the first request and the last answer.
        import nercot.llm.endpoint  # noqa: F401

        start = time.perf_counter()
        RUNS[args.client](args.url, args.number, args.concurrency, args.folder)
        print(json.dumps({"wall": round(time.perf_counter() - start, 2)}))
    elif args.url is not None:
        compare(args, args.url)
    else:
        with server(args.latency) as url:
            compare(args, url)


if __name__ == "__main__":
    main()
