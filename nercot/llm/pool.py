"""A worker's end of the limits that many workers share: its share, renewed by a thread of its own.

In: an owner behind a proxy (llm/owner.py), a model's name there.  Out: how many calls may be in flight, which rates
hold, and the money that may be spent, as they are now; nothing may begin once the share's time is up.  A 429 and a
Retry-After of this worker are told at the next renewal, and so are everybody's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from nercot.llm.leases import RENEW_SECONDS, Share, Used
from nercot.llm.pacing import Pace, Purse, Rate

# A worker goes from one model to the next and comes back: so long it keeps its share of one that it does not ask.
_IDLE_SECONDS = 2.0


class Shares(Protocol):
    """What a proxy of an owner offers to a pool."""

    def renew(self, worker: str, model: str, used: Used) -> Share:
        """The worker's next share; its times are seconds from now."""

    def leave(self, worker: str, model: str, used: Used) -> None:
        """Takes back what the worker held."""


class Pool(Pace):
    """The share of one worker in one model's limits.

    `rpm` and `tpm` are None where the recipe has no such limit.  Everything but `renew` belongs to the thread that
    asks the model.
    """

    shared = True

    def __init__(
        self, shares: Shares, worker: str, model: str, passing: tuple[type[BaseException], ...] = (ConnectionError,)
    ) -> None:
        self._shares, self._worker, self._model, self._passing = shares, worker, model, passing
        self._lock = threading.Lock()
        self._under_way, self._told, self._retry_after, self._throttled = 0, 0.0, 0.0, False
        self._closing = threading.Event()
        self._idle_since: float | None = None
        self._share, self._until, self._not_before = Share(0, None, None, None, 0.0, 0.0), 0.0, 0.0
        super().__init__(0, None, None, Purse(None, 0.0))
        self.renew()
        self._thread = threading.Thread(target=self._run, name=f"nercot-share-{model}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Gives the share back."""
        self._closing.set()
        self._thread.join()
        with suppress(*self._passing):
            self._shares.leave(self._worker, self._model, self._used(wants=False))

    def width(self, now: float) -> int:
        """How many calls may be in flight at `now` (a time.monotonic())."""
        held = self._until > now >= self._not_before
        rates = (self._share.rpm, self._share.tpm)
        return self._share.in_flight if held and 0.0 not in rates else 0

    @property
    def exhausted(self) -> bool:  # type: ignore[override]  # of one process it is always so
        """Whether nothing is left of the budget, nor will be given back by others."""
        return self._share.exhausted

    def began(self) -> None:
        """A call is under way."""
        self._under_way += 1

    def ended(self) -> None:
        """A call is through."""
        self._under_way -= 1

    def throttled(self, retry_after: float) -> None:
        """A server said 429, and perhaps for how many seconds to leave it alone; told at once."""
        with self._lock:
            self._throttled, self._retry_after = True, max(self._retry_after, retry_after)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While it lasts, and a moment longer, this worker has a share; then it is free for others."""
        fresh, self._idle_since = self._wants, None
        if not fresh:
            self.renew()
        try:
            yield
        finally:
            self._idle_since = time.monotonic()

    @property
    def _wants(self) -> bool:
        return self._idle_since is None or time.monotonic() - self._idle_since < _IDLE_SECONDS

    def renew(self) -> None:
        """Asks for the next share."""
        asked = time.monotonic()
        used = self._used(self._wants)
        try:
            share = self._shares.renew(self._worker, self._model, used)
        except self._passing:
            return  # the share runs out by itself; whoever keeps the answers says that the owner is gone
        with self._lock:
            self._share, self._until = share, asked + share.until
            self._not_before = asked + share.not_before if share.not_before else 0.0
            self.rpm, self.tpm = _paced(self.rpm, share.rpm), _paced(self.tpm, share.tpm)
            if share.usd is not None:
                self.purse.lease(share.usd)

    def _used(self, wants: bool) -> Used:
        with self._lock:
            spent, self._told = self.purse.spent - self._told, self.purse.spent
            purse = self.purse
            told = (self._throttled, self._retry_after, wants)
            used = Used(self._under_way, spent, purse.reserved, purse.needs, *told)
            self._throttled, self._retry_after = False, 0.0
        return used

    def _run(self) -> None:
        while not self._closing.wait(RENEW_SECONDS):
            self.renew()


def _paced(rate: Rate | None, per_minute: float | None) -> Rate | None:
    """The rate at its new speed: what was reserved at the old one stays reserved."""
    if not per_minute:
        return rate
    if rate is None:
        return Rate(per_minute)
    rate.change(per_minute)
    return rate
