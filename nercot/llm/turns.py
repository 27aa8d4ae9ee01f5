"""Whose turn it is: how many calls may be in flight, at which server, at which rate, and within the budget.

In: requests about to be sent, and what became of them.  Out: a server to send each to, once the limits allow it.
Nothing is sent here.  Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nercot.corpus.recipe import Model
from nercot.llm.messages import Reply, Request
from nercot.llm.pacing import Forecast, Pace, cost_of, least_busy
from nercot.llm.server import Server


class Stopped(Exception):
    """The run is ending: the request stays as it is."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a call may cost, until it is known what it did."""

    tokens: int
    cost: float


class Turns:
    """The turns of one run.

    `ending`: set once no new call may begin.  `broke` is called where the budget allows no further call.
    """

    def __init__(
        self, model: Model, servers: Sequence[Server], pace: Pace, ending: asyncio.Event, broke: Callable[[], None]
    ) -> None:
        self.in_flight = 0
        self._price, self._servers, self._pace = model.price, servers, pace
        self._ending, self._broke = ending, broke
        self._forecast = Forecast(model.max_tokens)
        self._turns: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> Server:
        """Waits until one more call may be in flight; returns the server to ask."""
        while not self._ending.is_set():
            now = time.monotonic()
            server = least_busy(self._servers, now) if self.in_flight < self._pace.width(now) else None
            if server is not None:
                server.in_flight += 1
                self.in_flight += 1
                self._pace.began()
                return server
            await self._change()
        raise Stopped

    async def reserve(self, form: Request) -> Reserved:
        """Reserves what the call may cost, and waits until the rates allow it."""
        while not self._pace.purse.reserve(cost := self._estimate(form)):
            if self._pace.purse.idle and self._pace.exhausted:
                self._broke()
            if self._ending.is_set():
                raise Stopped
            await self._change()
        tokens = self._forecast.tokens_in(form.payload) + self._forecast.mean_out
        now = time.monotonic()
        rates = ((self._pace.rpm, 1), (self._pace.tpm, tokens))
        waits = [rate.reserve(amount, now) for rate, amount in rates if rate is not None]
        if (wait := max(waits, default=0.0)) > 0:
            await self.sleep(wait)
            if self._ending.is_set():
                raise Stopped
        return Reserved(tokens, cost)

    def _estimate(self, form: Request) -> float:
        """The USD that a call may cost at most, from what is known of calls by now."""
        tokens_in = self._forecast.tokens_in(form.payload)
        return cost_of(self._price, tokens_in, 0, self._forecast.most_out) or 0.0

    def release(self, form: Request, reserved: Reserved | None, reply: Reply | None) -> None:
        """Settles what was reserved with what was used; a failed call counts as none."""
        if reserved is None:
            return
        tokens, cost = self._used(form, reserved, reply) if reply is not None else (0, 0.0)
        self._pace.purse.settle(reserved.cost, cost)
        if self._pace.tpm is not None:
            self._pace.tpm.settle(reserved.tokens, tokens)

    def give_back(self, server: Server, asks_for: float) -> None:
        """Gives the turn back; at the server only after the time for which it asks to be left alone.

        Else every request in turn would be sent to a server that turns all of them away.
        """
        self.in_flight -= 1
        self._pace.ended()
        if asks_for > 0:
            asyncio.get_running_loop().call_later(asks_for, self._leave_server, server)
            self._wake(2)
        else:
            self._leave_server(server)

    def _leave_server(self, server: Server) -> None:
        server.in_flight -= 1
        # Two, because an answer may also have raised a limit.
        self._wake(2)

    def _used(self, form: Request, reserved: Reserved, reply: Reply) -> tuple[int, float]:
        """Tokens and USD of a reply; what it does not tell is what was reserved."""
        if reply.kind == "refused":
            return 0, 0.0
        self._forecast.learn(form.payload, reply.tokens_in, reply.tokens_out)
        cost = cost_of(self._price, reply.tokens_in, reply.tokens_cached, reply.tokens_out)
        tokens = (reply.tokens_in or 0) + (reply.tokens_out or 0)
        return tokens or reserved.tokens, reserved.cost if cost is None else cost

    async def _change(self) -> None:
        """Waits until a turn is given back, or the run ends."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        await turn

    def _wake(self, number: int) -> None:
        while number and self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                number -= 1

    def wake_all(self) -> None:
        """Lets everybody who waits look again."""
        self._wake(len(self._turns))

    async def sleep(self, seconds: float) -> None:
        """Sleeps, but not beyond the end of the run."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
