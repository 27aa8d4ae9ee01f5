"""One set of limits for many workers: shares of requests in flight, of rates and of the budget, leased for a time.

In: what a recipe allows a model, who asks, and what came of it, with the time of it on a clock of the caller's
(seconds).  Out: shares whose sum never exceeds what is allowed, whatever workers come, go or die: a share counts
until it is given back or its time is up, and a worker whose time is up asks nothing.  Nothing here sleeps, reads a
clock or talks to a server.

A share of a rate is a smaller rate, so that the rates of all workers together are at most the recipe's.  A budget is
leased in blocks: what a dead worker held counts as spent until its lease is up, and what it did spend is in the
ledger, which is what `spent` is told from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# How long a share holds without a word of its worker, and how often a worker should ask for the next, in seconds.
LEASE_SECONDS = 10.0
RENEW_SECONDS = 1.0
# The share of its requests in flight that a model keeps after a 429, as one worker does (pacing.py), and what a
# second without one gives back of what is allowed.
_KEPT_AFTER_429 = 0.7
_WON_BACK = 0.05
# How many blocks of money a worker's share of what is left is cut into: small ones near the end of a budget.
_BLOCKS = 4
# Less money than this is none: sums of many small costs are off by about that.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recipe allows one model: requests in flight, requests and tokens per minute, USD; None is no limit."""

    in_flight: int
    rpm: float | None = None
    tpm: float | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What a worker tells when it asks for its next share.

    `in_flight`: calls that it has under way, which its share cannot fall below.  `usd`: spent since it last told.
    `held`: USD reserved for calls under way; `needs`: USD of the next call, which its share was too small for.
    `throttled`: a 429 came; `retry_after`: seconds for which the server
    asks to be left alone.  `wants`: whether it has more to ask.
    """

    in_flight: int = 0
    usd: float = 0.0
    held: float = 0.0
    needs: float = 0.0
    throttled: bool = False
    retry_after: float = 0.0
    wants: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker may do until `until`: begin no call before `not_before`, nor with its money used up.

    `usd`: what it may spend from here on, None without a budget.  `exhausted`: nothing is left of the budget, nor
    will be given back.
    """

    in_flight: int
    rpm: float | None
    tpm: float | None
    usd: float | None
    not_before: float
    until: float
    exhausted: bool = False


@dataclass(slots=True)
class _Lease:
    share: Share
    wants: bool = True


@dataclass(slots=True)
class Coordinator:
    """The limits of one model, and who holds what of them; `spent` is the USD that the corpus has cost so far."""

    limits: Limits
    spent: float = 0.0
    lease_seconds: float = LEASE_SECONDS
    _leases: dict[str, _Lease] = field(default_factory=dict)
    _allowed: float = field(default=0.0, init=False)
    _cut_at: float = field(default=float("-inf"), init=False)
    _seen_at: float | None = field(default=None, init=False)
    _not_before: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._allowed = float(self.limits.in_flight)

    def renew(self, worker: str, used: Used, now: float) -> Share:
        """The next share of a worker, a new one or one that it knows; what it held before is given back by this."""
        self._expire(now)
        self._learn(used, now)
        self.spent += used.usd
        others = [lease for name, lease in self._leases.items() if name != worker]
        waiting = 1 + sum(lease.wants for lease in others)
        share = Share(
            in_flight=self._in_flight(used, others, waiting),
            rpm=_part(self.limits.rpm, (lease.share.rpm for lease in others), waiting),
            tpm=_part(self.limits.tpm, (lease.share.tpm for lease in others), waiting),
            usd=self._usd(used, others, waiting, worker in self._leases),
            not_before=self._not_before,
            until=now + self.lease_seconds,
            exhausted=self._is_exhausted(others, used),
        )
        self._leases[worker] = _Lease(share, used.wants)
        return share

    def leave(self, worker: str, used: Used, now: float) -> None:
        """A worker that is through gives back what it held."""
        self._expire(now)
        self._learn(used, now)
        self.spent += used.usd
        self._leases.pop(worker, None)

    @property
    def workers(self) -> list[str]:
        """Who holds a share."""
        return sorted(self._leases)

    def _expire(self, now: float) -> None:
        """Takes back the shares of workers that have said nothing for too long; their money counts as spent.

        What they did spend may be all of it: a budget is kept by counting it, and mended by the ledger at the next run.
        """
        for name, lease in list(self._leases.items()):
            if lease.share.until < now:
                self.spent += lease.share.usd or 0.0
                del self._leases[name]

    def _learn(self, used: Used, now: float) -> None:
        """A 429 of one worker is everybody's; calm gives back what it took."""
        calm = 0.0 if self._seen_at is None else max(0.0, now - max(self._seen_at, self._cut_at))
        self._seen_at = now
        if used.throttled and now - self._cut_at >= RENEW_SECONDS:
            self._allowed, self._cut_at = max(1.0, self._allowed * _KEPT_AFTER_429), now
        elif not used.throttled:
            ceiling = float(self.limits.in_flight)
            self._allowed = min(ceiling, self._allowed + calm * _WON_BACK * ceiling)
        self._not_before = max(self._not_before, now + used.retry_after if used.retry_after > 0 else float("-inf"))

    def _in_flight(self, used: Used, others: list[_Lease], waiting: int) -> int:
        """A fair part of what may be in flight, as far as the others do not hold it yet, nor less than is under way."""
        held = sum(lease.share.in_flight for lease in others)
        fair = -(-int(self._allowed) // waiting) if used.wants else 0
        under_way = min(used.in_flight, self.limits.in_flight - held)
        return max(min(fair, int(self._allowed) - held), under_way, 0)

    def _usd(self, used: Used, others: list[_Lease], waiting: int, known: bool) -> float | None:
        if self.limits.usd is None:
            return None
        left = self._left(others)
        idle = known and used.needs == 0 and used.usd == 0 and used.held <= _NOTHING
        if not used.wants or idle or used.held + used.needs > left:
            # What nobody spends here, or is too little for a call, is of use to others only.
            return min(left, used.held)
        return min(left, max(used.held + used.needs, left / (_BLOCKS * waiting)))

    def _left(self, others: Iterable[_Lease]) -> float:
        assert self.limits.usd is not None
        return max(0.0, self.limits.usd - self.spent - sum(lease.share.usd or 0.0 for lease in others))

    def _is_exhausted(self, others: list[_Lease], used: Used) -> bool:
        """Whether a worker with nothing under way cannot pay for a call, and nobody holds what may be given back."""
        if self.limits.usd is None or used.held > _NOTHING:
            return False
        left = self._left(others)
        held = sum(lease.share.usd or 0.0 for lease in others)
        return (left <= _NOTHING or used.needs > left) and held <= _NOTHING


def _part(limit: float | None, taken: Iterable[float | None], waiting: int) -> float | None:
    """A fair part of a rate, as far as others do not hold it yet."""
    if limit is None:
        return None
    return max(0.0, min(limit / waiting, limit - sum(each or 0.0 for each in taken)))
