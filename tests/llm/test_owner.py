"""A ledger with one owner and several workers: what is acknowledged is on disk, and nothing is written twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from test_ledger import completion, question

from nercot.errors import LedgerError
from nercot.llm import owner as module
from nercot.llm.leases import Limits, Used
from nercot.llm.ledger import Ledger
from nercot.llm.messages import read_reply
from nercot.llm.owner import Owner, RemoteLedger
from nercot.llm.writer import Entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def fill(ledger: RemoteLedger, numbers: Sequence[int]) -> None:
    for n in numbers:
        ledger.append(question(n), read_reply(completion(str(n)), question(n).key), completion(str(n)), 0.5)


def test_several_workers_fill_one_ledger_and_look_up_in_it(path: Path) -> None:
    owner = Owner(path, "c")
    workers = [RemoteLedger(owner) for _ in range(4)]
    threads = [
        threading.Thread(target=fill, args=(worker, range(start, 400, 4))) for start, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.close()
    assert len(RemoteLedger(owner).final([question(n).key for n in range(500)])) == 400
    (reply, none) = RemoteLedger(owner).replies_to([question(7), question(450)])
    assert (reply and reply.content, none) == ("7", None)
    assert RemoteLedger(owner).spent("c") == 200.0
    owner.close()
    with Ledger(path) as ledger:
        assert ledger.totals("c")[0].calls == 400


class CutOff:
    """A line to an owner that breaks: before a group arrives, or after it was written and before that is told."""

    def __init__(self, owner: Owner, breaks: list[str]) -> None:
        self._owner, self._breaks = owner, breaks

    def append(self, worker: str, number: int, rows: Sequence[Entry]) -> None:
        how = self._breaks.pop(0) if self._breaks else ""
        if how == "before":
            raise ConnectionError("cut")
        self._owner.append(worker, number, rows)
        if how == "after":
            raise ConnectionError("cut")


def test_a_group_whose_sender_does_not_know_is_written_once(path: Path) -> None:
    owner = Owner(path, "c")
    line = CutOff(owner, ["after", "before", "after", "after"])
    worker = RemoteLedger(line)  # type: ignore[arg-type]
    last = worker.append(question(1), read_reply(completion(), question(1).key), completion())
    last.result(20)
    last = worker.append(question(2), read_reply(completion(), question(2).key), completion())
    last.result(20)
    worker.close()
    owner.close()
    with Ledger(path) as ledger:
        assert ledger.totals("c")[0].calls == 2


def test_an_owner_that_is_gone_is_told_and_nothing_counts_as_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RESEND_SECONDS", 0.1)
    worker = RemoteLedger(CutOff(Owner(path, "c"), ["before"] * 1000))  # type: ignore[arg-type]
    lost = worker.append(question(1), read_reply(completion(), question(1).key), completion())
    with pytest.raises(LedgerError, match="owner does not answer"):
        lost.result(20)
    worker.close()


def test_limits_are_leased_from_what_the_ledger_says_was_spent(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.append(question(1), read_reply(completion(), question(1).key), completion(), 0.75)
    owner = Owner(path, "c", 1.0)
    owner.join("teacher", Limits(8))
    share = owner.renew("a", "teacher", Used())
    assert share.in_flight == 8
    assert share.usd is not None
    assert share.usd <= 0.25
    assert 0 < share.until <= 10
    owner.leave("a", "teacher", Used(usd=share.usd))
    owner.close()
