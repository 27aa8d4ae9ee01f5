"""How fast a model may be asked: requests in flight, requests and tokens per minute, dollars.

In: what was asked and what came of it, with the time of it on a clock of the caller's (seconds).
Out: which replica may be asked now, how long to wait, whether the money lasts.  Nothing here sleeps,
reads a clock or talks to a server, so that every rule can be tested without waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from nercot.corpus.recipe import Price

# The share of its requests in flight that a replica keeps after a 429.
_KEPT_AFTER_429 = 0.7
# What it wins back for a full round of answers, as a share of what was asked: this much up to nine
# tenths of the limit that brought the last 429; beyond that little, but more with each further round.
_WON_BACK, _WON_BEYOND = 0.05, 0.01
_NEAR = 0.9
_FAILURES_TO_SET_ASIDE = 3
_LONGEST_ASIDE_SECONDS = 60.0
# Lateness of a sleeper that a rate makes up for; more would be a burst.
_SLACK_SECONDS = 0.05
# A rate is kept half a percent below what was asked: the server's clock is not ours.
_MARGIN = 0.995


class Replica:
    """One server of a model: what is in flight there, and how much it may be (AIMD).

    The limit starts at `ceiling`, falls once for each wave of 429s, and climbs back with the answers.
    """

    def __init__(self, url: str, ceiling: int) -> None:
        self.url = url
        self.in_flight = 0
        self.limit = float(ceiling)
        self.aside_until = 0.0
        self._ceiling = float(ceiling)
        self._failures = 0
        self._last_cut = float("-inf")
        self._cut_at = float("inf")
        self._answers = 0

    @property
    def free(self) -> bool:
        """Whether one more request may be in flight."""
        return self.in_flight < int(self.limit)

    def answered(self) -> None:
        """An answer came: the limit climbs, by a share of the ceiling for each full round."""
        self._failures = 0
        self.aside_until = 0.0
        self._answers += 1
        near = self.limit >= _NEAR * self._cut_at
        share = _WON_BEYOND * (1 + self._answers / self.limit) if near else _WON_BACK
        step = max(1.0, self._ceiling * share)
        self.limit = min(self._ceiling, self.limit + step / self.limit)

    def throttled(self, started: float, now: float) -> None:
        """A 429 came to a request sent at `started`: the limit falls, once for all requests sent before the fall."""
        self._failures = 0
        if started > self._last_cut:
            self._last_cut, self._cut_at, self._answers = now, self.limit, 0
            self.limit = max(1.0, self.limit * _KEPT_AFTER_429)

    def failed(self, now: float) -> None:
        """No answer came: after a few in a row the replica is set aside for a while, longer each time."""
        self._failures += 1
        beyond = self._failures - _FAILURES_TO_SET_ASIDE
        if beyond >= 0:
            self.aside_until = now + min(_LONGEST_ASIDE_SECONDS, 2.0 ** min(beyond, 10))
            self.limit = max(1.0, self.limit / 2)


_AnyReplica = TypeVar("_AnyReplica", bound=Replica)


def least_busy(replicas: Sequence[_AnyReplica], now: float) -> _AnyReplica | None:
    """The replica with the least in flight among those that answer; None while all are at their limit.

    If all are set aside there is nobody better, and each is tried again.
    """
    alive = [replica for replica in replicas if replica.aside_until <= now] or replicas
    free = [replica for replica in alive if replica.free]
    return min(free, key=lambda replica: replica.in_flight, default=None)


class Rate:
    """Requests or tokens per minute, spread evenly: no window of 60 seconds holds more than that."""

    def __init__(self, per_minute: float) -> None:
        self._per_second = per_minute * _MARGIN / 60.0
        self._next = float("-inf")

    def change(self, per_minute: float) -> None:
        """Another speed, from what is not reserved yet."""
        self._per_second = per_minute * _MARGIN / 60.0

    def reserve(self, amount: float, now: float) -> float:
        """Takes `amount`; returns the seconds to wait before using it."""
        start = max(self._next, now - _SLACK_SECONDS)
        self._next = start + amount / self._per_second
        return max(0.0, start - now)

    def settle(self, reserved: float, used: float) -> None:
        """Gives back what was reserved too much, or takes what was used beyond it."""
        self._next += (used - reserved) / self._per_second


@dataclass(frozen=True, slots=True)
class Budget:
    """The USD that a corpus may have cost in its ledger, all runs together."""

    max_cost: float


class Purse:
    """What is left of a budget: a call's estimate is reserved before it is made, its cost settled after."""

    def __init__(self, budget: Budget | None, spent: float) -> None:
        self._max = budget.max_cost if budget is not None else float("inf")
        self.spent = spent
        self.reserved = 0.0
        # What did not fit, the last time that something did not.
        self.needs = 0.0

    def lease(self, usd: float) -> None:
        """Sets what may be spent from here on, what is reserved included: a block of a budget that many share."""
        self._max = self.spent + usd

    @property
    def idle(self) -> bool:
        """Whether no call is being paid for: what does not fit now never will."""
        return self.reserved < 1e-9

    def reserve(self, cost: float) -> bool:
        """Whether a call of about this cost still fits; if so, it is counted until it is settled."""
        if self.spent + self.reserved + cost > self._max + 1e-12:
            self.needs = cost
            return False
        self.needs = 0.0
        self.reserved += cost
        return True

    def settle(self, reserved: float, cost: float) -> None:
        """What was reserved, for one call or several, has cost this."""
        self.reserved -= reserved
        self.spent += cost


class Pace:
    """How fast one process may ask a model: what the recipe says, if nobody else asks it.

    `rpm`, `tpm`: None is no limit.  llm/pool.py has the same for a worker that shares a model with others.
    """

    shared = False
    exhausted = True  # what does not fit into the budget now, with no call under way, never will

    def __init__(self, in_flight: int, rpm: float | None, tpm: float | None, purse: Purse) -> None:
        self._in_flight = in_flight
        self.rpm = Rate(rpm) if rpm is not None else None
        self.tpm = Rate(tpm) if tpm is not None else None
        self.purse = purse

    def width(self, now: float) -> int:
        """How many calls may be in flight."""
        return self._in_flight

    def began(self) -> None:
        """A call is under way."""

    def ended(self) -> None:
        """A call is through."""

    def throttled(self, retry_after: float) -> None:
        """A server said 429, and perhaps for how many seconds to leave it alone."""


class Forecast:
    """How many tokens the next call may take, from what calls have taken so far.

    `max_tokens`: the recipe's limit on a reply, None without one.
    """

    def __init__(self, max_tokens: int | None) -> None:
        self._max_tokens = max_tokens
        self._tokens_a_byte = 1.0
        self._longest_reply = 0
        self._replies = 0
        self._tokens_out = 0

    def tokens_in(self, payload: bytes) -> int:
        """Tokens of a request, by its size; a token a byte, which is the most, until the first usage is known."""
        return int(len(payload) * self._tokens_a_byte) + 1

    @property
    def most_out(self) -> int:
        """The longest reply to reckon with, for budgets: the limit, else the longest seen, else 2,048 tokens."""
        if self._max_tokens is not None:
            return self._max_tokens
        return self._longest_reply if self._replies else 2048

    @property
    def mean_out(self) -> int:
        """The length of a usual reply, for tokens per minute."""
        return self._tokens_out // self._replies if self._replies else min(self.most_out, 2048)

    def learn(self, payload: bytes, tokens_in: int | None, tokens_out: int | None) -> None:
        """Takes a call's usage into account."""
        if tokens_in is None or tokens_out is None:
            return
        a_byte = tokens_in / max(1, len(payload))
        self._tokens_a_byte = max(self._tokens_a_byte, a_byte) if self._replies else a_byte
        self._longest_reply = max(self._longest_reply, tokens_out)
        self._replies += 1
        self._tokens_out += tokens_out


def cost_of(price: Price, tokens_in: int | None, tokens_cached: int | None, tokens_out: int | None) -> float | None:
    """USD of one call; None where the price or the usage is unknown."""
    if price.input is None or price.output is None or tokens_in is None or tokens_out is None:
        return None
    cached = min(tokens_cached or 0, tokens_in)
    cached_price = price.input if price.cached_input is None else price.cached_input
    return ((tokens_in - cached) * price.input + cached * cached_price + tokens_out * price.output) / 1e6
