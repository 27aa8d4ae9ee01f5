"""Requests through the OpenAI Batch API, until each has its final answer in the ledger.

In: what `ask_all` takes, for a provider with that API.  Out: the same entries under the same keys, so
that what is read from the ledger does not tell which way it came.  What each job was sent and its id
are in the ledger before and after it is made: a killed run finds its jobs again, by our token in their
metadata if need be, and only what a job did not answer is sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, TypeVar

import openai
from openai.types import Batch
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type

from nercot.errors import EndpointError, RecipeError
from nercot.llm.endpoint import EMPTY_REPLIES, ROLES, Asked, Patience, Progress, count
from nercot.llm.faults import Fault, is_empty, server_says
from nercot.llm.ledger import Job, Ledger
from nercot.llm.messages import FINAL, Reply, Request, read_reply
from nercot.llm.pacing import Budget, Forecast, Purse, cost_of
from nercot.llm.server import ABOUT_THE_REQUEST, Server
from nercot.recipe import Model

# A job is at most this large; OpenAI takes 50,000 requests and 200 MB.
_REQUESTS, _BYTES = 10_000, 90_000_000
_ENDED = ("completed", "failed", "expired", "cancelled")
_PATH = "/v1/chat/completions"
_TOKEN = "nercot"
# So often are requests that a job left unanswered sent again before they are left pending.
_PASSES = 3
_LOOKAHEAD = 500

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

    Takes and raises what `ask_all` does.  Ctrl-C leaves the jobs running: the next run takes them up.
    """
    if budget is not None and not model.price.known:
        raise RecipeError("--max-cost needs the model's price: set price.input and price.output of the teacher and the judge")
    source = iter(requests)
    first = next(source, None)
    if first is None:
        return Asked(Progress())
    batching = _Batching(first, source, model, ledger, budget, patience or Patience(), progress, poll_seconds)
    return asyncio.run(batching.run())


@dataclass(slots=True)
class _Sent:
    """What a job of this run may cost (USD), until it is known what it did."""

    token: str
    reserved: float


class _Batching:
    """One run of `ask_batch`."""

    def __init__(
        self,
        first: Request,
        rest: Iterator[Request],
        model: Model,
        ledger: Ledger,
        budget: Budget | None,
        patience: Patience,
        progress: Callable[[Progress], None] | None,
        poll_seconds: float,
    ) -> None:
        role = ROLES.get(first.step, first.step)
        self._model, self._ledger, self._patience = model, ledger, patience
        self._provider, self._asked_model = first.provider, first.model
        self._server = Server(model.url[0], model, role, patience.max_seconds)
        self._client = self._server.client
        self._requests = chain([first], rest)
        self._purse = Purse(budget, ledger.spent(first.corpus) if budget is not None else 0.0)
        self._forecast = Forecast(model.max_tokens)
        self._reserved: dict[str, float] = {}
        self._cost = 0.0
        # Keys whose form with response_format was refused: they are sent again without it.
        self._plain: set[str] = set()
        self._full = False
        self._progress, self._tell, self._poll_seconds = Progress(), progress, poll_seconds
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(Fault), wait=self._pause, stop=self._is_over, sleep=asyncio.sleep
        )

    async def run(self) -> Asked:
        try:
            left = await self._collect()
            stopped = await self._send_all(self._requests, left)
        finally:
            await self._client.close()
        if self._tell is not None:
            self._tell(self._progress)
        return Asked(self._progress, stopped)

    async def _send_all(self, requests: Iterator[Request], left: list[str]) -> str | None:
        """Sends requests and then what jobs left of them, until nothing is left or nothing more can be done."""
        more = chain(requests, self._again(left))
        for _ in range(_PASSES):
            left = []
            while (sent := await self._send_some(more)) or self._full:
                if not sent:
                    return "budget"
                self._full = False
                left += await self._collect()
            if not left:
                return None
            more = self._again(left)
        self._progress.pending = len(left)
        return None

