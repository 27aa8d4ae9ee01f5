"""Requests through the OpenAI Batch API, until each has its final answer in the ledger.

In: what `ask_all` takes, for a provider with that API.  Out: the same entries under the same keys, so
that what is read from the ledger does not tell which way it came.  What a job is sent is in the ledger
before it is made, its id after: a killed run finds its jobs again, by our token in their metadata if
need be, and only what a job did not answer is sent again.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import IO, Any, Final, TypeVar

import openai
from openai.types import Batch, FileObject
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay

from nercot.corpus.recipe import Model
from nercot.errors import EndpointError, RecipeError
from nercot.llm.asking import ROLES, Asked, Progress
from nercot.llm.endpoint import Patience
from nercot.llm.faults import Fault, is_broken_off, is_empty, server_says
from nercot.llm.ledger import Job, Ledger
from nercot.llm.messages import FINAL, Reply, Request, read_reply
from nercot.llm.pacing import Budget, Forecast, Purse, cost_of
from nercot.llm.server import ABOUT_THE_REQUEST, Server
from nercot.llm.taking import EMPTY_REPLIES, REFUSALS_AT_FIRST
from nercot.llm.writer import in_batches

# A job is about this large; OpenAI takes 50,000 requests and 200 MB.
_REQUESTS, _BYTES = 5_000, 50_000_000
_ENDED = ("completed", "failed", "expired", "cancelled")
_PATH: Final = "/v1/chat/completions"
_TOKEN = "nercot"
# So often are requests sent before those that jobs leave unanswered are left pending.
_PASSES = 3
_LOOKAHEAD = 500
# How far the provider's clock may be behind ours.
_CLOCKS_APART_SECONDS = 3600

_Result = TypeVar("_Result")


def ask_batch(
    requests: Iterable[Request],
    model: Model,
    ledger: Ledger,
    *,
    budget: Budget | None = None,
    patience: Patience | None = None,
    progress: Callable[[Progress], None] | None = None,
    poll_seconds: float = 30.0,
) -> Asked:
    """Has every request answered by batch jobs, and waits for them; what a job leaves out is sent again.

    Takes and raises what `ask_all` does; the answers of a request that is in a job come when the job
    ends.  Ctrl-C leaves the jobs running: the next run takes them up.
    """
    if budget is not None and not model.price.known:
        raise RecipeError(
            "--max-cost needs the model's price: set price.input and price.output of the teacher and the judge"
        )
    source = iter(requests)
    first = next(source, None)
    if first is None:
        return Asked(Progress())
    batching = _Batching(first, model, ledger, budget, patience or Patience(), progress, poll_seconds)
    return asyncio.run(batching.run(chain([first], source)))


@dataclass(slots=True)
class _Portion:
    """The requests of a job by key, their size in bytes, and what they may cost (USD)."""

    requests: dict[str, Request] = field(default_factory=dict)
    size: int = 0
    reserved: float = 0.0

    @property
    def full(self) -> bool:
        return len(self.requests) >= _REQUESTS or self.size >= _BYTES

    def add(self, request: Request, cost: float) -> None:
        self.requests[request.key] = request
        self.size += len(request.payload)
        self.reserved += cost


class _Batching:
    """One run of `ask_batch`: jobs are made of portions of requests, waited for, and taken in."""

    def __init__(
        self,
        first: Request,
        model: Model,
        ledger: Ledger,
        budget: Budget | None,
        patience: Patience,
        progress: Callable[[Progress], None] | None,
        poll_seconds: float,
    ) -> None:
        self._first, self._model, self._ledger, self._patience = first, model, ledger, patience
        self._server = Server(model.url[0], model, ROLES.get(first.step, first.step), patience.max_seconds)
        self._files, self._batches = self._server.client.files, self._server.client.batches
        self._purse = Purse(budget, ledger.spent(first.corpus) if budget is not None else 0.0)
        self._forecast = Forecast(model.max_tokens)
        # What the jobs of this run may cost, by token, until it is known.
        self._reserved: dict[str, float] = {}
        # What does not fit into the budget as long as jobs are not settled.
        self._held: list[Request] = []
        # Keys whose form with response_format was refused: they are sent again without it.
        self._plain: set[str] = set()
        self._answered = False
        self._last_entry: Future[None] | None = None
        self._progress, self._tell, self._poll_seconds = Progress(), progress, poll_seconds

    async def run(self, requests: Iterator[Request]) -> Asked:
        stopped: str | None = None
        left: list[str] = []
        try:
            # What jobs of an earlier run left is among the requests of this one.
            await self._collect()
            for _ in range(_PASSES):
                stopped, left = await self._pass(requests)
                if stopped is not None or not left:
                    break
                requests = self._again(left)
        finally:
            await self._server.client.close()
        self._progress.pending, self._progress.in_flight = len(left), 0
        if self._tell is not None:
            self._tell(self._progress)
        return Asked(self._progress, stopped)

    async def _pass(self, requests: Iterator[Request]) -> tuple[str | None, list[str]]:
        """Sends the requests as the budget allows; gives why it stopped, and the keys that jobs left unanswered."""
        left: list[str] = []
        while True:
            sent = 0
            for portion in self._portions(requests):
                await self._send(portion)
                sent += 1
            left += await self._collect()
            if not self._held:
                return None, left
            if not sent:
                return "budget", left

    def _again(self, keys: list[str]) -> Iterator[Request]:
        """The requests with these keys, from the ledger; without response_format where that was refused."""
        for some in in_batches(keys, _LOOKAHEAD):
            for key, request in self._ledger.sent(some).items():
                yield (request.plain() if key in self._plain else None) or request

    # -- sending ------------------------------------------------------------------------------------------

    def _portions(self, requests: Iterator[Request]) -> Iterator[_Portion]:
        """What is still to be asked, a job's worth at a time; each is sent before the next is drawn."""
        portion = _Portion()
        held, self._held = self._held, []
        for some in in_batches(chain(held, requests), _LOOKAHEAD):
            self._held = self._fill(portion, self._unanswered(some))
            if portion.full or (self._held and portion.requests):
                yield portion
                portion = _Portion()
            if self._held:
                return
        if portion.requests:
            yield portion

    def _fill(self, portion: _Portion, requests: list[Request]) -> list[Request]:
        """Adds the requests that the budget allows; gives back the others."""
        for number, request in enumerate(requests):
            if request.key in portion.requests:
                continue
            tokens_in = self._forecast.tokens_in(request.payload)
            cost = cost_of(self._model.price, tokens_in, 0, self._forecast.most_out) or 0.0
            if not self._purse.reserve(cost):
                return requests[number:]
            portion.add(request, cost)
        return []

    def _unanswered(self, requests: Sequence[Request]) -> list[Request]:
        """Those that have no final answer, in either form, and that no job is to answer."""
        forms = [(request, request.plain() or request) for request in requests]
        keys = [form.key for both in forms for form in both]
        final, asked = self._ledger.final(keys), self._ledger.in_open_jobs(keys)
        self._progress.found += sum(request.key in final or plain.key in final for request, plain in forms)
        known = final | asked
        return [request for request, plain in forms if request.key not in known and plain.key not in known]

    async def _send(self, portion: _Portion) -> None:
        """Makes a job: its requests and our token are on disk before, its id after."""
        token = uuid.uuid4().hex
        requests = list(portion.requests.values())
        entries = [self._ledger.append(request, Reply(request.key, "sent", detail=token)) for request in requests]
        await asyncio.wrap_future(entries[-1])
        self._ledger.open_job(token, self._first)
        self._reserved[token] = portion.reserved
        with tempfile.TemporaryFile() as lines:
            for request in requests:
                call = {"custom_id": request.key, "method": "POST", "url": _PATH, "body": request.body}
                lines.write(json.dumps(call, separators=(",", ":")).encode() + b"\n")
            file = await self._tried(self._upload, lines)
        batch = await self._tried(self._create, token, file.id)
        self._ledger.name_job(token, batch.id)

    async def _upload(self, lines: IO[bytes]) -> FileObject:
        lines.seek(0)
        file = ("nercot.jsonl", lines, "application/jsonl")
        try:
            return await self._files.create(file=file, purpose="batch", extra_headers=self._server.headers)
        except openai.APIStatusError as error:
            if error.status_code in (404, 405, 501):
                raise self._server.error(f"has no Batch API ({error.status_code}): leave --batch out") from error
            raise

    async def _create(self, token: str, file: str) -> Batch:
        """Makes the job, unless an earlier try, whose answer was lost, has made it."""
        return await self._find(Job(token, None, time.time())) or await self._batches.create(
            input_file_id=file,
            endpoint=_PATH,
            completion_window="24h",
            metadata={_TOKEN: token},
            extra_headers=self._server.headers,
        )

    async def _find(self, job: Job) -> Batch | None:
        """The job with our token, among those that were made since."""
        async for batch in self._batches.list(limit=100, extra_headers=self._server.headers):
            if batch.metadata is not None and batch.metadata.get(_TOKEN) == job.token:
                return batch
            if batch.created_at < job.made - _CLOCKS_APART_SECONDS:
                return None
        return None

    # -- taking in ----------------------------------------------------------------------------------------

    async def _collect(self) -> list[str]:
        """Waits for all open jobs and takes their answers in; gives the keys that they left unanswered."""
        left: list[str] = []
        while jobs := self._ledger.open_jobs(self._first):
            running = 0
            for job in jobs:
                batch = await self._tried(self._look, job)
                if batch is not None and batch.status not in _ENDED:
                    running += _running(batch)
                    continue
                if batch is not None:
                    await self._take(job, batch)
                else:
                    self._ledger.close_job(job.token, "never made")
                left += self._ledger.unanswered(job.token)
            self._progress.in_flight = running
            if self._tell is not None:
                self._tell(self._progress)
            if running:
                await asyncio.sleep(self._poll_seconds)
        return left

    async def _look(self, job: Job) -> Batch | None:
        if job.batch is None:
            if (batch := await self._find(job)) is not None:
                self._ledger.name_job(job.token, batch.id)
            return batch
        return await self._batches.retrieve(job.batch, extra_headers=self._server.headers)

    async def _take(self, job: Job, batch: Batch) -> None:
        """Takes in what a job that has ended brought, and closes it; EndpointError if it was refused as a whole."""
        if batch.status == "failed":
            self._ledger.close_job(job.token, "failed")
            why = server_says(self._server.hide_key(_why(batch).encode(), 0))
            raise self._server.error(f"would not run a batch: {why}: mend that, then run the same command again")
        cost = 0.0
        refused: list[tuple[Request, Reply, bytes]] = []
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            with await self._tried(self._download, file_id) as lines:
                for some in in_batches(lines, _LOOKAHEAD):
                    for request, reply, raw in self._replies(some):
                        if reply.kind == "refused":
                            refused.append((request, reply, raw))
                        else:
                            cost += self._keep(request, reply, raw)
        self._purse.settle(self._reserved.pop(job.token, 0.0), cost)
        problem = self._take_refusals(refused)
        if self._last_entry is not None:
            await asyncio.wrap_future(self._last_entry)
        self._ledger.close_job(job.token, batch.status)
        if problem is not None:
            raise problem

    async def _download(self, file_id: str) -> IO[bytes]:
        """A result file, on our disk: its lines are those of bytes, whatever a text in them holds."""
        lines = tempfile.TemporaryFile()  # noqa: SIM115  # closed by who reads it
        asked = self._files.with_streaming_response.content(file_id, extra_headers=self._server.headers)
        try:
            async with asked as response:
                async for some in response.iter_bytes():
                    lines.write(some)
        except BaseException:
            lines.close()
            raise
        lines.seek(0)
        return lines

    def _replies(self, lines: Sequence[bytes]) -> Iterator[tuple[Request, Reply, bytes]]:
        """What the lines say of our requests; one that cannot be read, or was read before, says nothing."""
        results = dict(filter(None, map(_result, lines)))
        final = self._ledger.final(results)
        for key, request in self._ledger.sent(results).items():
            if key not in final:
                status, raw = results[key]
                raw = self._server.hide_key(raw, status or 0)
                yield request, _reply(key, status, raw), raw

    def _keep(self, request: Request, reply: Reply, raw: bytes) -> float:
        """Hands an entry to the ledger; returns its cost, 0 where it is unknown."""
        if reply.kind == "empty" and (times := self._ledger.empties(reply.key) + 1) >= EMPTY_REPLIES:
            reply = replace(reply, kind="empty_answer", detail=f"{times} empty replies")
        self._answered = self._answered or reply.kind in ("answer", "empty", "empty_answer")
        cost = cost_of(self._model.price, reply.tokens_in, reply.tokens_cached, reply.tokens_out)
        self._progress.add(reply, cost)
        self._forecast.learn(request.payload, reply.tokens_in, reply.tokens_out)
        self._last_entry = self._ledger.append(request, reply, raw, cost)
        self._progress.done += reply.kind in FINAL
        return cost or 0.0

    def _take_refusals(self, refused: list[tuple[Request, Reply, bytes]]) -> EndpointError | None:
        """Refusals are of response_format, perhaps; else of their records, if others are answered."""
        hopeless = len(refused) >= REFUSALS_AT_FIRST and not self._answered and not self._progress.found
        formatted = False
        for request, reply, raw in refused:
            plain = request.plain() is not None
            formatted = formatted or plain
            if plain:
                self._plain.add(request.key)
            self._keep(request, replace(reply, kind="error") if plain or hopeless else reply, raw)
        return (
            self._server.error(f"refuses every request ({refused[0][1].detail})")
            if hopeless and not formatted
            else None
        )

    # -- one call -----------------------------------------------------------------------------------------

    async def _tried(self, call: Callable[..., Awaitable[_Result]], *values: Any) -> _Result:
        """What comes of a call of the client, tried again for as long as the patience lasts."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Fault),
            wait=self._patience.pause,
            stop=stop_after_delay(self._patience.max_seconds),
        )
        try:
            return await retrying(self._once, call, *values)
        except RetryError as error:
            raise self._server.error(
                f"does not answer ({error.last_attempt.exception()}): run it again later"
            ) from error

    async def _once(self, call: Callable[..., Awaitable[_Result]], *values: Any) -> _Result:
        try:
            return await self._server.call(call(*values))
        except openai.APIStatusError as error:
            raw = self._server.hide_key(error.response.content, error.status_code)
            if error.status_code in ABOUT_THE_REQUEST:
                raise self._server.error(
                    f"does not take the batch ({error.status_code}: {server_says(raw)})"
                ) from error
            longest = self._patience.retry_after
            raise self._server.problem(error.status_code, error.response.headers, raw, longest) from error


def _running(batch: Batch) -> int:
    """How many requests of a job are to come; at least one, so that it is waited for."""
    counts = batch.request_counts
    return max(1, counts.total - counts.completed - counts.failed) if counts is not None else 1


def _why(batch: Batch) -> str:
    errors = batch.errors.data if batch.errors is not None else None
    return errors[0].message or "no reason given" if errors else "no reason given"


def _result(line: bytes) -> tuple[str, tuple[int, bytes]] | None:
    """A line of a result file: the request's key, the status of its response, the body; None if it is none."""
    try:
        said = json.loads(line)
        key, response = said["custom_id"], said.get("response")
        if isinstance(response, dict):
            return bytes.fromhex(key).hex(), (int(response["status_code"]), json.dumps(response["body"]).encode())
        return bytes.fromhex(key).hex(), (0, json.dumps(said.get("error")).encode())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _reply(key: str, status: int, raw: bytes) -> Reply:
    """A result as a reply: what is neither an answer nor a refusal is an error, and is sent again."""
    if status in ABOUT_THE_REQUEST:
        return Reply(key, "refused", detail=f"{status}: {server_says(raw)}")
    if status != 200:
        return Reply(key, "error", detail=f"{status or 'not run'}: {server_says(raw)}")
    try:
        reply = read_reply(raw, key)
    except ValueError as error:
        return Reply(key, "error", detail=str(error))
    if is_broken_off(reply):
        return replace(reply, kind="error", detail=f"answer broken off by the server ({reply.finish_reason})")
    return replace(reply, kind="empty", detail="empty reply") if is_empty(reply) else reply
