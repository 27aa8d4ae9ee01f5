"""A worker's share: renewed while it works, gone when its owner is, and never more than its time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nercot.llm import pool as module
from nercot.llm.leases import Limits, Share, Used
from nercot.llm.owner import Owner
from nercot.llm.pool import Pool


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.02)


def until(true: object, seconds: float = 10.0) -> bool:
    assert callable(true)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False


def test_two_workers_come_to_share_and_one_that_leaves_gives_back(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "ledger.sqlite", "c", 1.0)
    owner.join("teacher", Limits(64, rpm=600.0))
    first = Pool(owner, "a", "teacher")
    assert first.width(time.monotonic()) == 64
    second = Pool(owner, "b", "teacher")
    assert until(lambda: second.width(time.monotonic()) == 32 == first.width(time.monotonic()))
    assert until(lambda: second.purse.reserve(0.01))
    second.purse.settle(0.01, 0.01)
    second.close()
    assert until(lambda: first.width(time.monotonic()) == 64)
    first.close()
    assert owner.renew("c", "teacher", Used()).usd == pytest.approx((1.0 - 0.01) / 4)
    owner.close()


def test_a_429_of_one_worker_makes_all_wait(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "ledger.sqlite", "c")
    owner.join("teacher", Limits(10))
    first, second = Pool(owner, "a", "teacher"), Pool(owner, "b", "teacher")
    assert until(lambda: second.width(time.monotonic()) == 5)
    first.throttled(60.0)
    assert until(lambda: second.width(time.monotonic()) == 0)
    assert second.width(time.monotonic() + 61) == 0  # its time is up by then
    first.close()
    second.close()
    owner.close()


class Gone:
    """An owner that answers once."""

    def __init__(self) -> None:
        self.asked = 0

    def renew(self, worker: str, model: str, used: Used) -> Share:
        self.asked += 1
        if self.asked > 1:
            raise ConnectionError("gone")
        return Share(8, None, None, None, 0.0, 0.2)

    def leave(self, worker: str, model: str, used: Used) -> None:
        raise ConnectionError("gone")


def test_a_share_that_is_not_renewed_runs_out() -> None:
    owner = Gone()
    pool = Pool(owner, "a", "teacher")
    assert pool.width(time.monotonic()) == 8
    assert until(lambda: pool.width(time.monotonic()) == 0)
    assert owner.asked > 2
    pool.close()
