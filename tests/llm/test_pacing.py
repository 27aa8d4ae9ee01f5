"""Limits on a clock of the test's own: nothing here waits."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nercot.corpus.recipe import Price
from nercot.llm.pacing import Budget, Forecast, Purse, Rate, Replica, cost_of, least_busy


def served(replica: Replica, capacity: int, rounds: range) -> tuple[int, int]:
    """Answers and 429s of a server that takes `capacity` at a time, round by round, always asked for all it may."""
    good = bad = 0
    for now in rounds:
        started = float(now)
        sent = int(replica.limit)
        for _ in range(min(sent, capacity)):
            replica.answered()
            good += 1
        for _ in range(sent - capacity):
            replica.throttled(started, started + 0.1)
            bad += 1
    return good, bad


def test_a_replica_begins_with_what_was_asked_and_never_has_more() -> None:
    replica = Replica("u", 64)
    assert replica.limit == 64
    for _ in range(1000):
        replica.answered()
    assert replica.limit == 64


def test_a_wave_of_429_lowers_the_limit_once() -> None:
    replica = Replica("u", 100)
    for _ in range(50):
        replica.throttled(started=1.0, now=2.0)
    assert replica.limit == 70
    replica.throttled(started=3.0, now=4.0)
    assert replica.limit == pytest.approx(49)


def test_the_limit_climbs_back_in_a_few_rounds_and_settles_near_the_capacity() -> None:
    replica = Replica("u", 100)
    for wave in range(20):
        replica.throttled(2.0 * wave + 1, 2.0 * wave + 2)
    assert replica.limit == 1.0
    served(replica, 1000, range(100, 120))
    assert replica.limit > 80
    good, bad = served(replica, 40, range(200, 400))
    assert good > 0.8 * 40 * 200
    assert bad < 0.1 * good


def test_the_limit_never_falls_below_one() -> None:
    replica = Replica("u", 2)
    for now in range(50):
        replica.throttled(now + 0.5, now + 0.6)
        replica.failed(now)
    assert replica.limit == 1.0
    assert replica.free


def test_the_least_busy_replica_is_asked() -> None:
    replicas = [Replica(str(n), 4) for n in range(3)]
    for _ in range(12):
        chosen = least_busy(replicas, 0.0)
        assert chosen is not None
        chosen.in_flight += 1
    assert [replica.in_flight for replica in replicas] == [4, 4, 4]
    assert least_busy(replicas, 0.0) is None


def test_a_dead_replica_is_set_aside_and_tried_again() -> None:
    dead, alive = Replica("dead", 8), Replica("alive", 8)
    alive.in_flight = 5
    for _ in range(2):
        dead.failed(10.0)
    assert least_busy([dead, alive], 10.0) is dead
    dead.failed(10.0)
    assert least_busy([dead, alive], 10.5) is alive
    assert least_busy([dead, alive], 11.5) is dead
    dead.failed(11.5)
    assert least_busy([dead, alive], 13.0) is alive
    dead.answered()
    assert least_busy([dead, alive], 13.0) is dead


def test_with_nobody_better_a_replica_that_was_set_aside_is_asked() -> None:
    only = Replica("only", 8)
    for _ in range(10):
        only.failed(5.0)
    assert least_busy([only], 5.0) is only


@given(st.integers(1, 100_000), st.randoms(use_true_random=False))
def test_no_minute_has_more_requests_than_the_rate(per_minute: int, draw: random.Random) -> None:
    rate, now, used = Rate(per_minute), 0.0, []
    for _ in range(min(150, 3 * per_minute)):
        now += draw.choice([0.0, 0.0, 0.001, draw.random() * 3])
        used.append(now + rate.reserve(1, now))
    for start in used:
        assert sum(start <= moment < start + 60 for moment in used) <= per_minute + 1


def test_a_rate_is_used_fully() -> None:
    rate = Rate(600)
    waits = [rate.reserve(1, 0.0) for _ in range(601)]
    assert waits[0] == 0.0
    assert 59 < waits[600] < 61


def test_tokens_reserved_too_many_are_given_back() -> None:
    rate = Rate(6000)
    rate.reserve(6000, 0.0)
    assert rate.reserve(0, 0.0) > 59
    rate.settle(6000, 100)
    assert rate.reserve(0, 0.0) < 2


def test_a_budget_is_never_exceeded_by_calls_that_cost_what_was_reserved() -> None:
    purse = Purse(Budget(1.0), spent=0.5)
    assert [purse.reserve(0.2) for _ in range(4)] == [True, True, False, False]
    assert not purse.idle
    purse.settle(0.2, 0.05)
    assert purse.reserve(0.2)
    purse.settle(0.2, 0.2)
    purse.settle(0.2, 0.2)
    assert purse.idle
    assert not purse.reserve(0.2)


def test_without_a_budget_all_is_allowed() -> None:
    purse = Purse(None, spent=1e9)
    assert purse.reserve(1e9)


@given(st.lists(st.floats(0, 0.3), max_size=50), st.floats(0, 1))
def test_reserved_and_spent_stay_within_the_budget(costs: list[float], limit: float) -> None:
    purse, paid = Purse(Budget(limit), 0.0), 0.0
    for cost in costs:
        if purse.reserve(cost):
            purse.settle(cost, cost)
            paid += cost
    assert paid <= limit + 1e-9


def test_forecasts_learn_from_usage() -> None:
    forecast = Forecast(None)
    assert (forecast.tokens_in(b"x" * 1000), forecast.most_out, forecast.mean_out) == (1001, 2048, 2048)
    forecast.learn(b"x" * 1000, 250, 400)
    forecast.learn(b"x" * 1000, 200, 100)
    forecast.learn(b"x" * 1000, None, 9999)
    assert (forecast.tokens_in(b"x" * 1000), forecast.most_out, forecast.mean_out) == (251, 400, 250)
    assert Forecast(512).most_out == 512


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (Price(1.0, 0.1, 2.0), (1000, 600, 500), (400 * 1.0 + 600 * 0.1 + 500 * 2.0) / 1e6),
        (Price(1.0, None, 2.0), (1000, 600, 500), (1000 * 1.0 + 500 * 2.0) / 1e6),
        (Price(1.0, 0.1, 2.0), (1000, None, 500), (1000 * 1.0 + 500 * 2.0) / 1e6),
        (Price(1.0, 0.0, 2.0), (10, 20, 0), 0.0),
        (Price(0.0, None, 0.0), (10, 0, 10), 0.0),
        (Price(None, None, 2.0), (10, 0, 10), None),
        (Price(1.0, None, None), (10, 0, 10), None),
        (Price(1.0, None, 2.0), (None, None, 10), None),
        (Price(1.0, None, 2.0), (10, None, None), None),
    ],
)
def test_the_cost_of_a_call(price: Price, usage: tuple[int | None, int | None, int | None], cost: float | None) -> None:
    assert cost_of(price, *usage) == (None if cost is None else pytest.approx(cost))
