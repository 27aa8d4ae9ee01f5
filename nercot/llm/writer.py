"""The one thread that writes to a ledger, in groups.

In: entries.  Out: a future for each, done when the entry is on disk, and not before.  Never reads.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from nercot.errors import NercotError
from nercot.llm.messages import Reply, Request

_WINDOW_SECONDS = 0.01

_COLUMNS = (
    "key, kind, corpus, step, guid, attempt, provider, model, answered_by, fingerprint, finish_reason, tokens_in,"
    " tokens_cached, tokens_out, cost, latency, time, detail, request, reply"
)
_INSERT = f"INSERT INTO entries ({_COLUMNS}) VALUES"
_VALUES = f"({', '.join('?' * 20)})"
# 20 values a row, and old builds of SQLite take 999 a statement.
_ROWS_A_STATEMENT = 49
_Item = TypeVar("_Item")
# The columns of an entry, in the table's order.
Entry: TypeAlias = tuple[Any, ...]


class Writer:
    """The one thread that writes to the ledger: takes entries, commits them in groups, tells their futures.

    It wakes once a window and talks to SQLite in few words: every wake and every statement waits for the
    interpreter's lock, which the loop that asks the servers holds most of the time.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], told: Callable[[sqlite3.Error], NercotError]) -> None:
        self._connect, self._told = connect, told
        self._entries: deque[tuple[Entry, Future[None]]] = deque()
        self._some = threading.Event()
        self._closing = threading.Event()
        self._failure: NercotError | None = None
        # A daemon, so that a program that forgets to close the ledger can still end.
        self._thread = threading.Thread(target=self._run, name="nercot-ledger", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many entries are not on disk."""
        return len(self._entries)

    def put(self, row: Entry) -> Future[None]:
        """Takes an entry; the future is done when it is on disk."""
        future: Future[None] = Future()
        self._entries.append((row, future))
        if not self._some.is_set():
            self._some.set()
        return future

    def finish(self) -> None:
        """Writes what waits, and ends."""
        self._closing.set()
        self._some.set()
        self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while not self._closing.is_set() or self._entries:
            self._some.wait()
            self._closing.wait(_WINDOW_SECONDS)
            self._some.clear()
            group = [self._entries.popleft() for _ in range(len(self._entries))]
            try:
                if connection is None:
                    connection = self._connect()
                self._commit(connection, [row for row, _ in group])
            except sqlite3.Error as error:
                if connection is not None:
                    self._commit_singly(connection, [row for row, _ in group])
                self._failure = self._told(error)
            _settle([future for _, future in group], self._failure)
            if self._closing.is_set():
                self._some.set()
        if connection is not None:
            connection.close()

    def _commit(self, connection: sqlite3.Connection, rows: list[Entry]) -> None:
        """Writes the rows as one transaction, unless an earlier one failed: none must go missing in between."""
        if not rows or self._failure is not None:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for some in in_batches(rows, _ROWS_A_STATEMENT):
                values = ", ".join([_VALUES] * len(some))
                connection.execute(f"{_INSERT} {values}", list(itertools.chain.from_iterable(some)))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _commit_singly(self, connection: sqlite3.Connection, rows: list[Entry]) -> None:
        """Writes what still fits of a group that did not: its answers are paid for."""
        with suppress(sqlite3.Error):
            for row in rows:
                self._commit(connection, [row])


def _settle(futures: list[Future[None]], failure: NercotError | None) -> None:
    for future in futures:
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)


def entry(request: Request, reply: Reply, raw: bytes, cost: float | None) -> Entry:
    """The row of a call, ready to be written: what `Ledger.put` takes."""
    return (
        bytes.fromhex(request.key),
        reply.kind,
        request.corpus,
        request.step,
        request.guid,
        request.attempt,
        request.provider,
        request.model,
        reply.model,
        reply.fingerprint,
        reply.finish_reason,
        reply.tokens_in,
        reply.tokens_cached,
        reply.tokens_out,
        cost,
        reply.latency,
        time.time(),
        reply.detail,
        zlib.compress(request.payload, 1),
        zlib.compress(raw, 1),
    )


def in_batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """The items, some at a time."""
    iterator = iter(items)
    while some := list(itertools.islice(iterator, size)):
        yield some
