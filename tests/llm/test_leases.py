"""Whatever workers come, go, die or are turned away: their shares together never exceed what is allowed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.llm.leases import Coordinator, Limits, Share, Used

LIMITS = Limits(in_flight=64, rpm=600.0, tpm=None, usd=10.0)
ASKING = Used()


def test_one_worker_has_everything_and_two_have_half_each() -> None:
    pool = Coordinator(LIMITS)
    alone = pool.renew("a", ASKING, 0.0)
    assert (alone.in_flight, alone.rpm, alone.tpm) == (64, 600.0, None)
    assert pool.renew("b", ASKING, 0.1).in_flight == 0  # the first still holds it all
    assert pool.renew("a", Used(in_flight=10), 1.0).in_flight == 32
    second = pool.renew("b", ASKING, 1.1)
    assert (second.in_flight, second.rpm) == (32, 300.0)


def test_what_is_under_way_is_not_taken_away() -> None:
    pool = Coordinator(LIMITS)
    pool.renew("a", ASKING, 0.0)
    pool.renew("b", ASKING, 0.1)
    assert pool.renew("a", Used(in_flight=60), 1.0).in_flight == 60
    assert pool.renew("b", ASKING, 1.1).in_flight == 4
    assert pool.renew("a", Used(in_flight=0), 2.0).in_flight == 32


def test_a_dead_worker_holds_its_share_until_its_time_is_up_and_its_money_for_good() -> None:
    pool = Coordinator(LIMITS)
    held = pool.renew("dead", ASKING, 0.0)
    assert held.usd
    assert pool.renew("a", ASKING, 9.0).in_flight == 0
    assert pool.renew("a", ASKING, 10.5).in_flight == 64
    assert pool.spent == held.usd
    assert pool.workers == ["a"]


def test_a_429_of_one_is_everybodys_and_calm_gives_back_what_it_took() -> None:
    pool = Coordinator(Limits(in_flight=100))
    pool.renew("a", ASKING, 0.0)
    pool.renew("a", ASKING, 1.0)
    pool.renew("b", ASKING, 1.1)
    turned_away = pool.renew("a", Used(throttled=True, retry_after=3.0), 2.0)
    other = pool.renew("b", ASKING, 2.1)
    assert turned_away.in_flight + other.in_flight <= 70
    assert other.not_before == turned_away.not_before == 5.0
    shares = [pool.renew(name, ASKING, 30.0 + place) for place, name in enumerate("abab")]
    assert shares[-1].in_flight + shares[-2].in_flight == 100


def test_a_budget_goes_in_blocks_and_ends_once_everybody_gave_back() -> None:
    pool = Coordinator(Limits(in_flight=4, usd=1.0), spent=0.5)
    first = pool.renew("a", ASKING, 0.0)
    assert first.usd is not None
    assert 0 < first.usd < 0.5
    second = pool.renew("b", ASKING, 0.1)
    assert second.usd is not None
    assert first.usd + second.usd <= 0.5
    pool.renew("a", Used(usd=first.usd), 0.2)
    pool.leave("a", Used(), 0.3)
    pool.limits = Limits(in_flight=4, usd=pool.spent)
    assert pool.renew("b", Used(held=0.01), 0.4).exhausted is False
    assert pool.renew("b", ASKING, 0.5).exhausted is True


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.floats(0, 1),
        st.booleans(),
        st.booleans(),
        st.floats(0, 6),
        st.sampled_from(("renew", "renew", "renew", "leave", "die")),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_shares_never_exceed_what_is_allowed(steps: list[tuple[str, float, bool, bool, float, str]]) -> None:
    pool = Coordinator(LIMITS)
    held: dict[str, Share] = {}
    spent, now = 0.0, 0.0
    for name, part, throttled, wants, wait, what in steps:
        now += wait
        held = {each: share for each, share in held.items() if share.until >= now}
        mine = held.get(name)
        paid = (mine.usd or 0.0) * part if mine else 0.0
        under_way = int(mine.in_flight * part) if mine else 0
        if what == "die":
            continue
        spent += paid
        if what == "leave":
            pool.leave(name, Used(usd=paid), now)
            held.pop(name, None)
            continue
        held[name] = pool.renew(name, Used(under_way, paid, throttled=throttled, wants=wants), now)
        assert sum(share.in_flight for share in held.values()) <= 64
        assert sum(share.rpm or 0.0 for share in held.values()) <= 600.0 + 1e-6
        assert spent + sum(share.usd or 0.0 for share in held.values()) <= 10.0 + 1e-6


@given(st.integers(1, 6))
def test_workers_that_all_have_enough_to_do_get_even_shares(workers: int) -> None:
    pool = Coordinator(Limits(in_flight=60, rpm=600.0))
    names = [f"w{number}" for number in range(workers)]
    for round_ in range(4):
        shares = [pool.renew(name, ASKING, round_ + place / 10) for place, name in enumerate(names)]
    assert [share.in_flight for share in shares] == [60 // workers] * workers
    assert {round(share.rpm or 0, 6) for share in shares} == {round(600.0 / workers, 6)}


def test_what_is_left_goes_to_whoever_can_pay_a_call_with_it_and_then_it_is_over() -> None:
    pool = Coordinator(Limits(in_flight=4, usd=1.0), spent=0.9)
    call = Used(needs=0.06)
    small = [pool.renew("a", ASKING, 0.0).usd, pool.renew("b", ASKING, 0.1).usd]
    assert all(usd is not None and 0 < usd < 0.06 for usd in small)
    first = pool.renew("a", call, 1.0)
    assert (first.usd, first.exhausted) == (pytest.approx(0.06), False)
    second = pool.renew("b", call, 1.1)
    assert (second.usd, second.exhausted) == (0.0, False)
    last = pool.renew("a", Used(usd=0.06, needs=0.06), 2.0)
    assert (last.usd, last.exhausted) == (0.0, True)
    assert pool.renew("b", call, 2.1).exhausted


def test_who_waits_for_work_holds_no_money_that_others_need() -> None:
    pool = Coordinator(Limits(in_flight=4, usd=1.0))
    assert pool.renew("waiting", ASKING, 0.0).usd == 0.25
    assert pool.renew("asking", Used(needs=0.9), 0.1).usd == 0.0
    assert pool.renew("waiting", ASKING, 1.0).usd == 0.0
    assert pool.renew("asking", Used(needs=0.9), 1.1).usd == pytest.approx(0.9)
