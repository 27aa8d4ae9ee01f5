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
from nercot.llm.faults import Fault, Oversized, Throttled, TimedOut, is_broken_off, is_empty, server_says
from nercot.llm.feed import Feed
from nercot.llm.messages import FINAL, Reply, Request, read_reply
from nercot.llm.pacing import Budget, Pace, Purse, cost_of
from nercot.llm.server import ABOUT_THE_REQUEST, RefusesAll, Server, live_models
from nercot.llm.taking import Taking, Try
from nercot.llm.turns import Stopped, Turns

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
        self._pace = pace
        self._faults = 0
        self._progress = Progress()
        self._stop = asyncio.Event()
        self._turns = Turns(model, self._servers, pace, self._stop, self._broke)
        self._taking = Taking(
            role, model, self._names(), wants_trace, self._keep, lambda: self._progress.found > 0, ledger.empties
        )
        # One for all requests: what it keeps between tries is in the state of each call.
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(Fault), wait=patience.pause, stop=self._is_over, sleep=self._turns.sleep
        )
        self._error: NercotError | None = None
        self._stopped: str | None = None
        self._last_entry: Future[None] | None = None
        self._on_disk: deque[tuple[str | None, BaseException | None]] = deque()

    # -- the run ------------------------------------------------------------------------------------------

    async def run(self, progress: Callable[[Progress], None] | None) -> Asked:
        self._loop = asyncio.get_running_loop()
        workers = [asyncio.create_task(self._work()) for _ in range(2 * self._model.concurrency)]
        ticker = asyncio.create_task(self._tell(progress)) if progress is not None else None
        waker = asyncio.create_task(self._look_again()) if self._pace.shared else None
        try:
            await self._until_done(workers)
            if self._error is None:
                self._taking.decide("refused")
            elif isinstance(self._error, RefusesAll):
                self._error = await live_models(self._servers[0], self._model, self._role) or self._error
        finally:
            self._taking.decide("error")
            self._taking.decide_hidden("answer" if self._error is None else "error")
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
                seconds, number = self._patience.drain_seconds, self._turns.in_flight
                if number:
                    LOG.info("stopping: %d answers on their way are waited for, %g s at most", number, seconds)
                await asyncio.wait({everything}, timeout=seconds)
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
            self._progress.in_flight = self._turns.in_flight
            progress(self._progress)
            await asyncio.sleep(_PROGRESS_SECONDS)

    async def _look_again(self) -> None:
        """Wakes who waits for a turn, since a share may have grown."""
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self._turns.wake_all()

    def _broke(self) -> None:
        """The budget allows no further call."""
        self._stopped = self._stopped or "budget"
        self._halt()

    def _halt(self) -> None:
        """No new call from here on; whoever waits for a turn is woken to see that."""
        self._stop.set()
        self._feed.close()
        self._turns.wake_all()

    def _fail(self, error: NercotError) -> None:
        self._error = self._error or error
        self._halt()

    # -- workers ------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while (request := await self._next()) is not None:
            trying = Try(request, request if self._taking.takes_format is not False else request.plain() or request)
            self._active += 1
            try:
                await self._try(trying)
            except RetryError as error:
                self._give_up(trying, error.last_attempt.exception())
            except Stopped:
                self._leave(trying)
            except NercotError as error:
                self._leave(trying)
                self._fail(error)
            finally:
                self._active -= 1
            self._rest()

    async def _try(self, trying: Try) -> None:
        """Attempts until one succeeds.

        tenacity looks closely at what it is given, for each call anew, and most calls need no second try: it is asked
        from the first fault on, which it is handed as if it had seen it.
        """
        try:
            return await self._attempt(trying)
        except Fault as fault:
            seen = [fault]

        async def attempt(trying: Try) -> None:
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
        self._taking.decide("refused")
        self._taking.decide_hidden("answer")

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

    def _give_up(self, trying: Try, fault: BaseException | None) -> None:
        """The request's time is up: it is pending; a server that only lets time run out ends the run."""
        self._leave(trying)
        self._taking.given_up += 1
        silent = time.monotonic() - self._taking.last_answer
        is_dead = self._taking.given_up >= _GIVEN_UP_IN_A_ROW and silent >= self._patience.max_seconds
        if not self._taking.heard:
            self._fail(self._unheard(fault))
        elif is_dead and self._stopped is None:
            self._stopped = f"{self._role}: {self._names()} has not answered for {silent:.0f} s: {fault}"
            self._halt()

    def _leave(self, trying: Try) -> None:
        self._on_the_way.discard(trying.request.key)
        self._feed.settle(trying.request.key)
        self._progress.pending += 1

    # -- one call -----------------------------------------------------------------------------------------

    async def _attempt(self, trying: Try) -> None:
        """Waits for its turn, sends, and keeps what comes; raises Fault where it is worth another try."""
        server = await self._turns.turn()
        reserved, reply, asks_for = None, None, 0.0
        try:
            reserved = await self._turns.reserve(trying.form)
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
            self._turns.release(trying.form, reserved, reply)
            self._turns.give_back(server, asks_for)
        self._taking.take(server, trying, reply, raw)

    def _read(self, server: Server, trying: Try, response: httpx2.Response, raw: bytes, latency: float) -> Reply:
        """The response as a reply; raises Fault or EndpointError for what is none."""
        key, status = trying.form.key, response.status_code
        if status in ABOUT_THE_REQUEST:
            return Reply(key, "refused", latency=latency, detail=f"{status}: {server_says(raw)}")
        if status != 200:
            raise server.problem(status, response.headers, raw, self._patience.retry_after)
        try:
            reply = read_reply(raw, key, latency=latency)
        except ValueError as error:
            if raw[:1] == b"<" and not self._taking.answered:
                advice = f"change {setting(self._role, 'url')}, which usually ends in /v1"
                raise server.error(f"answered with a web page, not JSON: {advice}") from None
            raise Fault(f"{error}: {server_says(raw)[:100]}") from error
        if is_broken_off(reply):
            raise Fault(f"answer broken off by the server (finish_reason {reply.finish_reason})")
        return replace(reply, kind="empty") if is_empty(reply) else reply

    def _names(self) -> str:
        return ", ".join(server.name for server in self._servers)

    def _unheard(self, fault: BaseException | None) -> EndpointError:
        advice = f"see that it runs, and check {setting(self._role, 'url')}"
        return EndpointError(f"{self._role}: no answer from {self._names()} ({fault}): {advice}")

    def _note_fault(self, server: Server, trying: Try, fault: Fault, started: float) -> None:
        """A failed call becomes an entry, and its server is asked less."""
        now = time.monotonic()
        trying.timed_out = trying.timed_out or isinstance(fault, TimedOut)
        if isinstance(fault, Throttled):
            self._taking.heard = True
            server.throttled(started, now)
            self._pace.throttled(fault.retry_after)
        else:
            server.failed(now)
        self._keep(trying, Reply(trying.form.key, "error", latency=now - started, detail=fault.detail), b"")
        self._faults += 1
        if self._faults == _TOLD_AT and not self._taking.heard and not self._taking.answered:
            # Calls go on for as long as the recipe says; who waits for them should know why nothing comes.
            LOG.info("%s: no answer from %s yet (%s); trying on", self._role, self._names(), fault.detail)
        if fault.hopeless and not self._taking.heard and len(self._servers) == 1:
            raise self._unheard(fault)

    def _keep(self, trying: Try, reply: Reply, raw: bytes) -> None:
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

    def _is_over(self, state: RetryCallState) -> bool:
        """Whether the next try would come too late."""
        trying: Try = state.args[0]
        limit = self._patience.max_seconds
        if not self._taking.heard:
            limit = min(limit, self._patience.unheard_seconds)
        return trying.since is not None and time.monotonic() - trying.since + state.upcoming_sleep > limit
