"""Requests to an OpenAI-compatible server, until each has its final answer in the ledger.

In: an iterator of requests, drawn as they are needed, and the model's entry of the recipe.  Out: the
ledger holds every answer, and `Asked` says how many.  No answer is kept in memory, there is no task per
row, and what the ledger holds is not asked for again: crash, resume and replay are one mechanism.

One retry owner (tenacity; the client's own retries are off).  A key is read from the variable that the
recipe names, is never sent over plain http to another machine nor along a redirect, and is in no file,
message or ledger entry: text of a server that repeats it has it blotted out.
"""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import httpx2
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type

from nercot.corpus.recipe import Model
from nercot.corpus.waits import LOG
from nercot.errors import EndpointError, NercotError, RecipeError
from nercot.llm.address import setting
from nercot.llm.asking import ROLES, AnswerStore, Asked, Progress
from nercot.llm.faults import Fault, Oversized, Throttled, TimedOut, is_broken_off, is_empty, server_says, shortened
from nercot.llm.feed import Feed
from nercot.llm.messages import FINAL, Reply, Request, read_reply
from nercot.llm.pacing import Budget, Forecast, Pace, Purse, cost_of, least_busy
from nercot.llm.server import ABOUT_THE_REQUEST, RefusesAll, Server, live_models
from nercot.validation.answers import is_unmarked

# So many empty replies to one request, over all runs, drop its record.
EMPTY_REPLIES = 5
# So many refusals (400) in a row, with no answer between them, are no matter of single records.
REFUSALS_AT_FIRST, _REFUSALS_LATER = 3, 100
# So many first replies, and no other between them, that cannot be read for their shape are the server's way.
_ODD_AT_FIRST = 3
_GIVEN_UP_IN_A_ROW = 3
# After so many failed calls without any answer it is told.
_TOLD_AT = 3
_LOOKAHEAD = 128
_BACKLOG = 2000
_PROGRESS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is tried again, in seconds.

    `max_seconds`: then its record is pending.  `unheard_seconds`: then a server that has never
    answered is given up.  `first_wait`, `longest_wait`: the growing, jittered pauses between tries.
    `retry_after`: the longest Retry-After that is honoured.  `drain_seconds`: how long a run that has to
    end waits for answers that are paid for.
    """

    max_seconds: float = 600.0
    unheard_seconds: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    retry_after: float = 300.0
    drain_seconds: float = 10.0

    def pause(self, state: RetryCallState) -> float:
        """The seconds before the next try: growing, jittered, never before the server's Retry-After."""
        fault = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(fault, Fault) or fault.at_once:
            return 0.0
        growing = min(self.longest_wait, self.first_wait * 2.0 ** min(state.attempt_number - 1, 30))
        return fault.retry_after + growing * random.uniform(0.5, 1.0)


def ask_all(
    requests: Iterable[Request],
    model: Model,
    ledger: AnswerStore,
    *,
    budget: Budget | None = None,
    patience: Patience | None = None,
    progress: Callable[[Progress], None] | None = None,
    pace: Pace | None = None,
    wants_trace: bool = False,
) -> Asked:
    """Asks until every request has its final answer in the ledger, or its time is up.

    `requests` is drawn lazily, all for one corpus and step.  `progress` is called about twice a second.
    `pace`: this process' share of limits that others share too (None: all that the model's entry allows).
    `wants_trace`: an answer without a trace is of no use, so first answers that seem to hide theirs end the run.
    Raises EndpointError for a server that cannot be used as asked, OutputError and LedgerError for a
    ledger that cannot be written; Ctrl-C waits a little for answers that are paid for, then is raised
    again.  In every case what came is on disk.
    """
    if budget is not None and not model.price.known:
        raise RecipeError(
            "--max-cost needs the model's price: set price.input and price.output of the teacher and the judge"
        )
    source = iter(requests)
    first = next(source, None)
    if first is None:
        return Asked(Progress())
    spent = ledger.spent(first.corpus) if budget is not None and pace is None else 0.0
    own = pace or Pace(model.concurrency, model.rpm, model.tpm, Purse(budget, spent))
    role, feed = ROLES.get(first.step, first.step), Feed.of(chain([first], source))
    return asyncio.run(ask_feed(role, feed, model, ledger, own, patience, progress, wants_trace=wants_trace))


async def ask_feed(
    role: str,
    feed: Feed,
    model: Model,
    ledger: AnswerStore,
    pace: Pace,
    patience: Patience | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    wants_trace: bool = False,
) -> Asked:
    """The same for requests that come while others are asked: returns when `feed` is closed and all are settled.

    Several models can be asked in one loop, each by a call of its own.
    """
    asking = _Asking(role, feed, model, ledger, pace, patience or Patience(), wants_trace)
    return await asking.run(progress)


class _Stopped(Exception):
    """The run is ending: the request stays as it is."""


@dataclass(slots=True)
class _Try:
    """A request on its way.

    `form`: what is sent, `request` itself or its plain form.  `since`: when it was first sent.
    `empties`: how many empty replies it has had, once that matters.  `timed_out`: whether a try was cut short.
    """

    request: Request
    form: Request
    since: float | None = None
    empties: int | None = None
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class _Reserved:
    """What a call may cost, until it is known what it did."""

    tokens: int
    cost: float


class _Asking:
    """One run of `ask_all`: workers draw requests, send them, and hand what comes to the ledger."""

    def __init__(
        self,
        role: str,
        feed: Feed,
        model: Model,
        ledger: AnswerStore,
        pace: Pace,
        patience: Patience,
        wants_trace: bool,
    ) -> None:
        self._role = role
        self._model, self._ledger, self._patience = model, ledger, patience
        self._servers = [Server(url, model, self._role, patience.max_seconds) for url in model.url]
        self._feed = feed
        # Requests that a worker is at.
        self._active = 0
        self._ahead: deque[Request] = deque()
        self._drawing = asyncio.Lock()
        self._on_the_way: set[str] = set()
        self._turns: deque[asyncio.Future[None]] = deque()
        self._pace = pace
        self._forecast = Forecast(model.max_tokens)
        self._undecided: list[tuple[_Try, Reply, bytes]] = []
        # Whether the server takes response_format: None until the first answer to a request that has one.
        self._takes_format: bool | None = None
        self._heard = False
        self._answered = False
        self._last_answer = time.monotonic()
        # Whether an answer had the shape that is wanted, and how many of the first ones had not.
        self._readable, self._unread, self._wants_trace = False, 0, wants_trace
        self._hidden: list[tuple[_Try, Reply, bytes]] = []
        # Requests whose time was up since the last answer.
        self._given_up = 0
        self._faults = 0
        # One for all requests: what it keeps between tries is in the state of each call.
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(Fault), wait=patience.pause, stop=self._is_over, sleep=self._sleep
        )
        self._stop = asyncio.Event()
        self._error: NercotError | None = None
        self._stopped: str | None = None
        self._progress = Progress()
        self._last_entry: Future[None] | None = None
        self._on_disk: deque[tuple[str | None, BaseException | None]] = deque()
        self._in_flight = 0

    # -- the run ------------------------------------------------------------------------------------------

    async def run(self, progress: Callable[[Progress], None] | None) -> Asked:
        self._loop = asyncio.get_running_loop()
        workers = [asyncio.create_task(self._work()) for _ in range(2 * self._model.concurrency)]
        ticker = asyncio.create_task(self._tell(progress)) if progress is not None else None
        waker = asyncio.create_task(self._look_again()) if self._pace.shared else None
        try:
            await self._until_done(workers)
            if self._error is None:
                self._decide("refused")
            elif isinstance(self._error, RefusesAll):
                self._error = await live_models(self._servers[0], self._model, self._role) or self._error
        finally:
            self._decide("error")
            self._decide_hidden("answer" if self._error is None else "error")
            for server in self._servers:
                await server.client.close()
            await self._all_on_disk()
            self._feed.end()
            for task in (ticker, waker):
                if task is not None:
                    task.cancel()
        self._progress.in_flight = 0
        if progress is not None:
            progress(self._progress)
        if self._error is not None:
            raise self._error
        return Asked(self._progress, self._stopped)

    async def _until_done(self, workers: list[asyncio.Task[None]]) -> None:
        """Waits for the workers; when the run has to end early, only for calls that are paid for, and not for long."""
        everything: asyncio.Future[Any] = asyncio.gather(*workers)
        stop: asyncio.Future[Any] = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({everything, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # also on Ctrl-C, which cancels this task
            self._halt()
            stop.cancel()
            if not everything.done():
                seconds = self._patience.drain_seconds
                if self._in_flight:
                    LOG.info("stopping: %d answers on their way are waited for, %g s at most", self._in_flight, seconds)
                await asyncio.wait({everything}, timeout=self._patience.drain_seconds)
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            # Asked for in every case: asyncio prints a traceback for one that nobody looks at.
            error = everything.exception()
        if error is not None and not isinstance(error, asyncio.CancelledError):
            raise error

    async def _all_on_disk(self) -> None:
        """Waits for the last entry, and takes note of it."""
        if self._last_entry is not None:
            # What went wrong is told by the callback of each entry.
            await asyncio.gather(asyncio.wrap_future(self._last_entry), return_exceptions=True)
            self._written()

    async def _tell(self, progress: Callable[[Progress], None]) -> None:
        while True:
            self._progress.in_flight = self._in_flight
            progress(self._progress)
            await asyncio.sleep(_PROGRESS_SECONDS)

    async def _look_again(self) -> None:
        """Wakes who waits for a turn, since a share may have grown."""
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self._wake(len(self._turns))

    def _halt(self) -> None:
        """No new call from here on; whoever waits for a turn is woken to see that."""
        self._stop.set()
        self._feed.close()
        self._wake(len(self._turns))

    def _fail(self, error: NercotError) -> None:
        self._error = self._error or error
        self._halt()

    # -- workers ------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while (request := await self._next()) is not None:
            trying = _Try(request, request if self._takes_format is not False else request.plain() or request)
            self._active += 1
            try:
                await self._try(trying)
            except RetryError as error:
                self._give_up(trying, error.last_attempt.exception())
            except _Stopped:
                self._leave(trying)
            except NercotError as error:
                self._leave(trying)
                self._fail(error)
            finally:
                self._active -= 1
            self._rest()

    async def _try(self, trying: _Try) -> None:
        """Attempts until one succeeds.

        tenacity looks closely at what it is given, for each call anew, and most calls need no second try: it is asked
        from the first fault on, which it is handed as if it had seen it.
        """
        try:
            return await self._attempt(trying)
        except Fault as fault:
            seen = [fault]

        async def attempt(trying: _Try) -> None:
            if seen:
                raise seen.pop()
            await self._attempt(trying)

        await self._retrying(attempt, trying)

    async def _next(self) -> Request | None:
        """The next request without a final answer, None at the end of all or of the run."""
        async with self._drawing:
            while not self._ahead and not self._stop.is_set():
                self._rest()
                if not (some := await self._feed.draw(_LOOKAHEAD)):
                    return None
                self._ahead.extend(self._unanswered(some))
                # Answers in flight are read between portions, and the writer gets its turn.
                await asyncio.sleep(0)
                while self._ledger.backlog > _BACKLOG and not self._stop.is_set():
                    await asyncio.sleep(0.01)
            return self._ahead.popleft() if not self._stop.is_set() else None

    def _rest(self) -> None:
        """Where there is nothing to ask for now, what waits for other answers is decided: there may be none."""
        if self._active or self._ahead or self._feed.ready or self._error is not None:
            return
        self._decide("refused")
        self._decide_hidden("answer")

    def _unanswered(self, requests: list[Request]) -> list[Request]:
        """Those without a final answer, each key once, noted as on their way."""
        final = self._ledger.final([request.key for request in requests])
        plain = {
            request.key: form.key
            for request in requests
            if request.key not in final and (form := request.plain()) is not None
        }
        plain_final = self._ledger.final(list(plain.values())) if plain else set()
        left = []
        for request in requests:
            if request.key in final or plain.get(request.key) in plain_final:
                self._progress.found += 1
                self._feed.settle(request.key)
            elif request.key not in self._on_the_way:
                self._on_the_way.add(request.key)
                left.append(request)
        return left

    def _give_up(self, trying: _Try, fault: BaseException | None) -> None:
        """The request's time is up: it is pending; a server that only lets time run out ends the run."""
        self._leave(trying)
        self._given_up += 1
        silent = time.monotonic() - self._last_answer
        if not self._heard:
            self._fail(self._unheard(fault))
        elif self._given_up >= _GIVEN_UP_IN_A_ROW and silent >= self._patience.max_seconds and self._stopped is None:
            self._stopped = f"{self._role}: {self._names()} has not answered for {silent:.0f} s: {fault}"
            self._halt()

    def _leave(self, trying: _Try) -> None:
        self._on_the_way.discard(trying.request.key)
        self._feed.settle(trying.request.key)
        self._progress.pending += 1

    # -- one call -----------------------------------------------------------------------------------------

    async def _attempt(self, trying: _Try) -> None:
        """Waits for its turn, sends, and keeps what comes; raises Fault where it is worth another try."""
        server = await self._turn()
        reserved, reply, asks_for = None, None, 0.0
        try:
            reserved = await self._reserve(trying.form)
            started = time.monotonic()
            trying.since = trying.since or started
            try:
                response = await server.send(trying.form.payload, trying.timed_out)
                raw = server.hide_key(response.content, response.status_code).strip()
                reply = self._read(server, trying, response, raw, time.monotonic() - started)
            except Oversized as fault:
                # Paid for, and nothing to be had of it: counted as an empty reply, and not kept.
                raw, reply = b"", Reply(trying.form.key, "empty", detail=fault.detail)
            except Fault as fault:
                asks_for = fault.retry_after
                self._note_fault(server, trying, fault, started)
                raise
        finally:
            self._release(trying.form, reserved, reply)
            self._give_back(server, asks_for)
        self._take(server, trying, reply, raw)

    def _read(self, server: Server, trying: _Try, response: httpx2.Response, raw: bytes, latency: float) -> Reply:
        """The response as a reply; raises Fault or EndpointError for what is none."""
        key, status = trying.form.key, response.status_code
        if status in ABOUT_THE_REQUEST:
            return Reply(key, "refused", latency=latency, detail=f"{status}: {server_says(raw)}")
        if status != 200:
            raise server.problem(status, response.headers, raw, self._patience.retry_after)
        try:
            reply = read_reply(raw, key, latency=latency)
        except ValueError as error:
            if raw[:1] == b"<" and not self._answered:
                advice = f"change {setting(self._role, 'url')}, which usually ends in /v1"
                raise server.error(f"answered with a web page, not JSON: {advice}") from None
            raise Fault(f"{error}: {server_says(raw)[:100]}") from error
        if is_broken_off(reply):
            raise Fault(f"answer broken off by the server (finish_reason {reply.finish_reason})")
        return replace(reply, kind="empty") if is_empty(reply) else reply

    def _take(self, server: Server, trying: _Try, reply: Reply, raw: bytes) -> None:
        """Hands a reply to the ledger, as what it is for this request."""
        self._heard = True
        if reply.kind == "refused":
            return self._take_refusal(trying, reply, raw)
        server.answered()
        self._answered, self._last_answer, self._given_up = True, time.monotonic(), 0
        self._decide("refused")
        if "response_format" in trying.form.body:
            self._takes_format = True
        elif trying.form is not trying.request and self._takes_format is None:
            self._takes_format = False
        if reply.kind == "answer":
            return self._take_answer(trying, reply, raw)
        trying.empties = (self._ledger.empties(trying.form.key) if trying.empties is None else trying.empties) + 1
        if trying.empties >= EMPTY_REPLIES:
            told = f"; the last: {reply.detail}" if reply.detail else ""
            reply = replace(reply, kind="empty_answer", detail=f"{trying.empties} empty replies{told}")
            return self._keep(trying, reply, raw)
        self._keep(trying, replace(reply, detail=reply.detail or "empty reply"), raw)
        self._look_at_empty(reply)
        raise Fault("empty reply")

    def _look_at_empty(self, reply: Reply) -> None:
        """Ends a run of replies that say everything in the reasoning field: each is paid for, none can be read."""
        if reply.reasoning is None or self._readable or self._progress.found:
            return
        self._unread += 1
        if self._unread >= _ODD_AT_FIRST:
            raise EndpointError(
                f"{self._role}: {self._names()} puts all its text into the reasoning field and none into the content"
                f" (it begins: {shortened(reply.reasoning)}): turn off the server's reasoning parser, or choose another"
                f" with {setting(self._role, 'extra')}"
            )

    def _take_answer(self, trying: _Try, reply: Reply, raw: bytes) -> None:
        """Keeps an answer; the first ones wait, as long as they seem to hide their trace, since all of them may."""
        hidden = self._wants_trace and not self._readable and not self._progress.found
        if not (hidden and is_unmarked(reply.content, reply.reasoning)):
            self._readable = True
            self._decide_hidden("answer")
            return self._keep(trying, reply, raw)
        self._hidden.append((trying, reply, raw))
        if len(self._hidden) >= _ODD_AT_FIRST:
            raise EndpointError(
                f"{self._role}: {self._names()} writes its reasoning before the answer with no mark that is known"
                f" (it begins: {shortened(reply.content)}): have the prompt ask for <think> and </think> around it"
                " (prompts.annotate), or choose a reasoning parser of the server"
            )

    def _decide_hidden(self, kind: str) -> None:
        """Answers that had to wait are kept: as errors, which are asked for again, where the run ends for them."""
        hidden, self._hidden = self._hidden, []
        for trying, reply, raw in hidden:
            self._keep(trying, replace(reply, kind=kind, detail=None if kind == "answer" else "no known mark"), raw)

    def _take_refusal(self, trying: _Try, reply: Reply, raw: bytes) -> None:
        """A refusal: first of response_format, perhaps; then of this record, if others are answered."""
        plain = trying.form.plain()
        if plain is not None:
            self._keep(trying, replace(reply, kind="error"), raw)
            trying.form = plain
            raise Fault(f"with response_format {reply.detail}", at_once=True)
        self._undecided.append((trying, reply, raw))
        # What the ledger held was asked in the same way: model and settings are part of the key.
        answered_before = self._answered or self._progress.found > 0
        if len(self._undecided) >= (_REFUSALS_LATER if answered_before else REFUSALS_AT_FIRST):
            advice = self._advice(reply.detail or "")
            raise RefusesAll(f"{self._role}: {self._names()} refuses every request ({reply.detail}): {advice}")

    def _advice(self, detail: str) -> str:
        """What to change, by what a refusal speaks of."""
        for name in ("max_tokens", "temperature"):
            if name in detail and getattr(self._model, name) is not None:
                return f"send none with --set {setting(self._role, name)}=none (others go into extra)"
        return f"change {setting(self._role, 'model')}, {setting(self._role, 'extra')} or the prompt"

    def _decide(self, kind: str) -> None:
        """Refusals that had to wait are kept: `refused` once another request was answered, else an error."""
        undecided, self._undecided = self._undecided, []
        for trying, reply, raw in undecided:
            self._keep(trying, replace(reply, kind=kind), raw)

    def _names(self) -> str:
        return ", ".join(server.name for server in self._servers)

    def _unheard(self, fault: BaseException | None) -> EndpointError:
        advice = f"see that it runs, and check {setting(self._role, 'url')}"
        return EndpointError(f"{self._role}: no answer from {self._names()} ({fault}): {advice}")

    def _note_fault(self, server: Server, trying: _Try, fault: Fault, started: float) -> None:
        """A failed call becomes an entry, and its server is asked less."""
        now = time.monotonic()
        trying.timed_out = trying.timed_out or isinstance(fault, TimedOut)
        if isinstance(fault, Throttled):
            self._heard = True
            server.throttled(started, now)
            self._pace.throttled(fault.retry_after)
        else:
            server.failed(now)
        self._keep(trying, Reply(trying.form.key, "error", latency=now - started, detail=fault.detail), b"")
        self._faults += 1
        if self._faults == _TOLD_AT and not self._heard and not self._answered:
            # Calls go on for as long as the recipe says; who waits for them should know why nothing comes.
            LOG.info("%s: no answer from %s yet (%s); trying on", self._role, self._names(), fault.detail)
        if fault.hopeless and not self._heard and len(self._servers) == 1:
            raise self._unheard(fault)

    def _keep(self, trying: _Try, reply: Reply, raw: bytes) -> None:
        """Hands an entry to the ledger; a final one counts as done when it is on disk."""
        cost = cost_of(self._model.price, reply.tokens_in, reply.tokens_cached, reply.tokens_out)
        self._progress.add(reply, cost)
        self._last_entry = self._ledger.append(trying.form, reply, raw, cost)
        key = trying.request.key if reply.kind in FINAL else None
        self._last_entry.add_done_callback(functools.partial(self._hand_over, key))

    def _hand_over(self, key: str | None, entry: Future[None]) -> None:
        """From the writer's thread to the loop's (which is gone after a second Ctrl-C), a window at a time."""
        self._on_disk.append((key, entry.exception()))
        if len(self._on_disk) == 1:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._written)

    def _written(self) -> None:
        while self._on_disk:
            key, error = self._on_disk.popleft()
            if isinstance(error, NercotError):
                self._fail(error)
            elif key is not None:
                self._on_the_way.discard(key)
                self._progress.done += 1
                self._feed.settle(key)

    # -- turns, limits, pauses ------------------------------------------------------------------------------

    async def _turn(self) -> Server:
        """Waits until one more call may be in flight; returns the server to ask."""
        while not self._stop.is_set():
            now = time.monotonic()
            server = least_busy(self._servers, now) if self._in_flight < self._pace.width(now) else None
            if server is not None:
                server.in_flight += 1
                self._in_flight += 1
                self._pace.began()
                return server
            await self._change()
        raise _Stopped

    async def _reserve(self, form: Request) -> _Reserved:
        """Reserves what the call may cost, and waits until the rates allow it."""
        while not self._pace.purse.reserve(cost := self._estimate(form)):
            if self._pace.purse.idle and self._pace.exhausted:
                self._stopped = self._stopped or "budget"
                self._halt()
            if self._stop.is_set():
                raise _Stopped
            await self._change()
        tokens = self._forecast.tokens_in(form.payload) + self._forecast.mean_out
        now = time.monotonic()
        rates = ((self._pace.rpm, 1), (self._pace.tpm, tokens))
        waits = [rate.reserve(amount, now) for rate, amount in rates if rate is not None]
        if (wait := max(waits, default=0.0)) > 0:
            await self._sleep(wait)
            if self._stop.is_set():
                raise _Stopped
        return _Reserved(tokens, cost)

    def _estimate(self, form: Request) -> float:
        """The USD that a call may cost at most, from what is known of calls by now."""
        tokens_in = self._forecast.tokens_in(form.payload)
        return cost_of(self._model.price, tokens_in, 0, self._forecast.most_out) or 0.0

    def _release(self, form: Request, reserved: _Reserved | None, reply: Reply | None) -> None:
        """Settles what was reserved with what was used; a failed call counts as none."""
        if reserved is None:
            return
        tokens, cost = self._used(form, reserved, reply) if reply is not None else (0, 0.0)
        self._pace.purse.settle(reserved.cost, cost)
        if self._pace.tpm is not None:
            self._pace.tpm.settle(reserved.tokens, tokens)

    def _give_back(self, server: Server, asks_for: float) -> None:
        """Gives the turn back; at the server only after the time for which it asks to be left alone.

        Else every request in turn would be sent to a server that turns all of them away.
        """
        self._in_flight -= 1
        self._pace.ended()
        if asks_for > 0:
            self._loop.call_later(asks_for, self._leave_server, server)
            self._wake(2)
        else:
            self._leave_server(server)

    def _leave_server(self, server: Server) -> None:
        server.in_flight -= 1
        # Two, because an answer may also have raised a limit.
        self._wake(2)

    def _used(self, form: Request, reserved: _Reserved, reply: Reply) -> tuple[int, float]:
        """Tokens and USD of a reply; what it does not tell is what was reserved."""
        if reply.kind == "refused":
            return 0, 0.0
        self._forecast.learn(form.payload, reply.tokens_in, reply.tokens_out)
        cost = cost_of(self._model.price, reply.tokens_in, reply.tokens_cached, reply.tokens_out)
        tokens = (reply.tokens_in or 0) + (reply.tokens_out or 0)
        return tokens or reserved.tokens, reserved.cost if cost is None else cost

    async def _change(self) -> None:
        """Waits until a turn is given back, or the run ends."""
        turn = self._loop.create_future()
        self._turns.append(turn)
        await turn

    def _wake(self, number: int) -> None:
        while number and self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                number -= 1

    async def _sleep(self, seconds: float) -> None:
        """Sleeps, but not beyond the end of the run."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    def _is_over(self, state: RetryCallState) -> bool:
        """Whether the next try would come too late."""
        trying: _Try = state.args[0]
        limit = self._patience.max_seconds
        if not self._heard:
            limit = min(limit, self._patience.unheard_seconds)
        return trying.since is not None and time.monotonic() - trying.since + state.upcoming_sleep > limit
