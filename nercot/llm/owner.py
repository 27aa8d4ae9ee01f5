"""One ledger and one set of limits for many workers, which run anywhere: their owner, and the workers' end of it.

In: looked-up keys, entries in numbered groups, what each worker used.  Out: replies, and shares of the limits.  The
owner is synchronous and does one thing at a time, so that a group whose sender does not know whether it arrived is
sent again and written once.  What is acknowledged is on the owner's disk.

Holds no transport: an engine puts an `Owner` behind a Ray actor or a socket, and gives its workers a proxy with the
same methods.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from nercot.errors import LedgerError, NercotError
from nercot.llm.leases import Coordinator, Limits, Share, Used
from nercot.llm.ledger import Ledger, replies_to
from nercot.llm.messages import Reply, Request
from nercot.llm.writer import Entry, entry

_T = TypeVar("_T")

_WINDOW_SECONDS = 0.02
# How long a worker sends a group again to an owner that does not answer, in seconds.
_RESEND_SECONDS = 30.0


class Owner:
    """The ledger at `path`, the limits of each model, and what is left of `usd` for a corpus; for any thread."""

    def __init__(self, path: Path | str, corpus: str, usd: float | None = None) -> None:
        self._ledger = Ledger(path)
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}
        self._models: dict[str, Coordinator] = {}
        self._told: dict[str, object] = {}
        # One budget for all models: whoever asks holds a block of it under the names of worker and model.
        self._money = Coordinator(Limits(1, usd=usd), self._ledger.spent(corpus) if usd is not None else 0.0)

    def join(self, model: str, limits: Limits) -> None:
        """Makes a model's limits known; the first to say so decides."""
        with self._lock:
            self._models.setdefault(model, Coordinator(limits))

    def close(self) -> None:
        """Commits what was sent, and lets go of the ledger."""
        with self._lock:
            self._ledger.close()

    def final(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` whose final answer is in the ledger."""
        with self._lock:
            return self._ledger.final(keys)

    def replies(self, keys: Collection[str]) -> dict[str, Reply]:
        """The final replies to these requests by key."""
        with self._lock:
            return self._ledger.replies(keys)

    def empties(self, key: str) -> int:
        """How many empty replies this request has had."""
        with self._lock:
            return self._ledger.empties(key)

    def spent(self, corpus: str) -> float:
        """The USD that this corpus has cost in this ledger."""
        with self._lock:
            return self._ledger.spent(corpus)

    def append(self, worker: str, number: int, rows: Sequence[Entry]) -> None:
        """Writes a worker's group of entries; they are on disk when it returns.  A number that was seen is done."""
        with self._lock:
            if number <= self._last.get(worker, 0):
                return
            written = [self._ledger.put(row) for row in rows]
            for each in written:
                each.result()
            self._last[worker] = number

    def renew(self, worker: str, model: str, used: Used) -> Share:
        """The worker's next share of a model's limits and of the budget; its times are seconds from now."""
        now = time.monotonic()
        with self._lock:
            share = self._models[model].renew(worker, used, now)
            money = self._money.renew(f"{worker} {model}", replace(used, in_flight=0, throttled=False), now)
        wait = max(0.0, share.not_before - now)
        return replace(share, usd=money.usd, exhausted=money.exhausted, not_before=wait, until=share.until - now)

    def leave(self, worker: str, model: str, used: Used) -> None:
        """Takes back what a worker that is through held."""
        now = time.monotonic()
        with self._lock:
            self._models[model].leave(worker, used, now)
            self._money.leave(f"{worker} {model}", used, now)

    def tell(self, worker: str, what: object) -> None:
        """How far a worker is, in a form that engines agree on; None: it is through."""
        with self._lock:
            self._told[worker] = what

    def told(self) -> dict[str, object]:
        """How far every worker is."""
        with self._lock:
            return {worker: what for worker, what in sorted(self._told.items()) if what is not None}


class RemoteLedger:
    """A ledger that somebody else owns: looks up there, and sends entries there in groups.

    `owner`: a proxy with an Owner's methods; `passing`: what it raises where the owner cannot be reached.  The
    future that `append` gives is done when the owner has the entry on its disk.
    """

    def __init__(self, owner: Owner, passing: tuple[type[BaseException], ...] = (ConnectionError,)) -> None:
        self._owner, self._passing = owner, passing
        self._worker = uuid.uuid4().hex
        self._number = 0
        self._waiting: deque[tuple[Entry, Future[None]]] = deque()
        self._some, self._closing = threading.Event(), threading.Event()
        self._failure: NercotError | None = None
        self._thread = threading.Thread(target=self._run, name="nercot-entries", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sends what is still waiting."""
        self._closing.set()
        self._some.set()
        self._thread.join()

    def final(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` whose final answer is in the ledger."""
        return self._asked(lambda: self._owner.final(list(keys)))

    def replies(self, keys: Collection[str]) -> dict[str, Reply]:
        """The final replies to these requests by key."""
        return self._asked(lambda: self._owner.replies(list(keys)))

    def replies_to(self, requests: Sequence[Request]) -> list[Reply | None]:
        """The final reply to each request, also where its server wanted it without `response_format`."""
        return replies_to(requests, self.replies)

    def empties(self, key: str) -> int:
        """How many empty replies this request has had."""
        return self._asked(lambda: self._owner.empties(key))

    def spent(self, corpus: str) -> float:
        """The USD that this corpus has cost in the ledger."""
        return self._asked(lambda: self._owner.spent(corpus))

    def append(self, request: Request, reply: Reply, raw: bytes = b"", cost: float | None = None) -> Future[None]:
        """Adds an entry; see Ledger.append."""
        future: Future[None] = Future()
        self._waiting.append((entry(request, reply, raw, cost), future))
        self._some.set()
        return future

    @property
    def backlog(self) -> int:
        """How many entries wait to be sent."""
        return len(self._waiting)

    def _asked(self, ask: Callable[[], _T]) -> _T:
        try:
            return ask()
        except self._passing as error:
            raise _gone(error) from error

    def _run(self) -> None:
        while not self._closing.is_set() or self._waiting:
            self._some.wait()
            self._closing.wait(_WINDOW_SECONDS)
            self._some.clear()
            group = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if group and self._failure is None:
                self._number += 1
                self._send([row for row, _ in group])
            for _, future in group:
                future.set_result(None) if self._failure is None else future.set_exception(self._failure)
            if self._closing.is_set():
                self._some.set()

    def _send(self, rows: list[Entry]) -> None:
        """Sends a group until it is known to be written: an owner that was cut off may have it already."""
        end = time.monotonic() + _RESEND_SECONDS
        while True:
            try:
                return self._owner.append(self._worker, self._number, rows)
            except NercotError as error:
                self._failure = error
                return None
            except self._passing as error:
                if time.monotonic() > end:
                    self._failure = _gone(error)
                    return None
                time.sleep(0.2)


def _gone(error: BaseException) -> NercotError:
    return LedgerError(f"the ledger's owner does not answer ({error or type(error).__name__}); run the command again")
