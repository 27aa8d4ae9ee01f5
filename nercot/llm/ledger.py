"""The store of every answer that a model gave, keyed by the content of the request.

In: requests and what came of them, one entry a call.  Out: replies by key, and totals.  An answer
that is on disk is never asked for again; entries are appended and never changed, never expire, and
never hold a header, a key or an address.  Several processes may use one ledger at once.

One writer thread commits what has gathered in a short window (writer.py): the future that `append`
gives is done when its entry is on disk, not before.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from nercot.errors import LedgerError, NercotError, OutputError
from nercot.llm.ledger_file import APPLICATION_ID, MIGRATIONS, refuse_foreign, statements, tables, tables_of_a_ledger
from nercot.llm.messages import Reply, Request, read_reply
from nercot.llm.writer import Entry, Writer, entry, in_batches

_BUSY_SECONDS = 60.0
_KEYS_A_QUERY = 500

_ASKED = "corpus, step, guid, provider, model, attempt, request"
_IS_FINAL = "kind IN ('answer', 'refused', 'empty_answer')"


@dataclass(frozen=True, slots=True)
class Total:
    """Calls of one corpus, step and model: answered ones, failed ones, tokens, USD.

    `cost` is what is known; `unpriced` counts answered calls whose price or usage was unknown.
    """

    corpus: str
    step: str
    model: str
    calls: int
    failed: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    cost: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest failed call of a corpus; `time` is a Unix time."""

    time: float
    step: str
    guid: str
    detail: str


@dataclass(frozen=True, slots=True)
class Job:
    """A batch job: our token for it, the provider's id (None: not known to be made), and when (Unix time)."""

    token: str
    batch: str | None
    made: float


class Ledger:
    """The ledger file at `path`, made if it is not there.  Use it as a context manager.

    Raises LedgerError for a file that is damaged, or is not a ledger, and leaves it as it is;
    OutputError where nothing can be written.
    """

    def __init__(self, path: Path | str, read: bool = False) -> None:
        self.path = Path(path)
        with self._errors_told():
            refuse_foreign(self.path)
            self._connection = self._connect_to_read() if read else self._connect()
            try:
                if not read:
                    self._migrate()
            except BaseException:
                self._connection.close()
                raise
        self._writer: Writer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commits what is still in the window, and lets go of the file."""
        if self._writer is not None:
            self._writer.finish()
            self._writer = None
        self._connection.close()

    def append(self, request: Request, reply: Reply, raw: bytes = b"", cost: float | None = None) -> Future[None]:
        """Adds an entry: `raw` is the reply's body as it came, `cost` in USD, None if unknown.

        The future is done when the entry is on disk; it fails with OutputError or LedgerError.
        """
        return self.put(entry(request, reply, raw, cost))

    def put(self, row: Entry) -> Future[None]:
        """Adds an entry that was made by `entry`, perhaps by another process, as `append` does."""
        if self._writer is None:
            self._writer = Writer(self._connect, self._told)
        return self._writer.put(row)

    @property
    def backlog(self) -> int:
        """How many entries wait for the writer."""
        return self._writer.waiting if self._writer is not None else 0

    # -- replies ---------------------------------------------------------------------------------------

    def final(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` whose final answer is here."""
        found: set[str] = set()
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            rows = self._all(f"SELECT key FROM entries WHERE key IN ({marks}) AND {_IS_FINAL}", some)
            found.update(row[0].hex() for row in rows)
        return found

    def reply(self, key: str) -> Reply | None:
        """The final reply to the request with this key, None while it has none."""
        return self.replies([key]).get(key)

    def replies(self, keys: Collection[str]) -> dict[str, Reply]:
        """The final replies to these requests by key; a request without one is left out."""
        found: dict[str, Reply] = {}
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            query = f"SELECT key, kind, latency, detail, reply FROM entries WHERE key IN ({marks}) AND {_IS_FINAL}"
            for key, kind, latency, detail, packed in self._all(f"{query} ORDER BY id DESC", some):
                found[key.hex()] = self._reply(key.hex(), kind, latency, detail, packed)
        return found

    def replies_to(self, requests: Sequence[Request]) -> list[Reply | None]:
        """The final reply to each request, also where its server wanted it without `response_format`."""
        return replies_to(requests, self.replies)

    def empties(self, key: str) -> int:
        """How many empty replies this request has had."""
        query = "SELECT count(*) FROM entries WHERE key = ? AND kind = 'empty'"
        return int(self._all(query, [bytes.fromhex(key)])[0][0])

    def _reply(self, key: str, kind: str, latency: float | None, detail: str | None, packed: bytes) -> Reply:
        try:
            raw = zlib.decompress(packed)
            if kind == "refused" or not raw:
                return Reply(key, kind, latency=latency, detail=detail)
            return replace(read_reply(raw, key, kind, latency), detail=detail)
        except (zlib.error, ValueError, TypeError) as error:
            raise self._damaged(f"the answer of request {key[:16]} cannot be read") from error

    # -- what `nercot ledger` and `nercot status` say -----------------------------------------------------

    def totals(self, corpus: str | None = None) -> list[Total]:
        """Calls, tokens and dollars by corpus, step and model; of one corpus if named."""
        query = (
            "SELECT corpus, step, model, sum(kind NOT IN ('error', 'sent')), sum(kind = 'error'), total(tokens_in),"
            " total(tokens_cached), total(tokens_out), total(cost),"
            " sum(cost IS NULL AND kind IN ('answer', 'empty', 'empty_answer')) FROM entries"
            " WHERE ?1 IS NULL OR corpus = ?1 GROUP BY corpus, step, model ORDER BY corpus, step, model"
        )
        return [
            Total(
                row[0], row[1], row[2], int(row[3]), int(row[4]), int(row[5]), int(row[6]), int(row[7]), row[8], row[9]
            )
            for row in self._all(query, [corpus])
        ]

    def spent(self, corpus: str) -> float:
        """The USD that this corpus has cost in this ledger, as far as prices were known."""
        return float(self._all("SELECT total(cost) FROM entries WHERE corpus = ?", [corpus])[0][0])

    def last_error(self, corpus: str) -> LastError | None:
        """The newest failed call of the corpus, None if there is none."""
        query = (
            "SELECT time, step, guid, detail FROM entries WHERE corpus = ? AND kind = 'error' ORDER BY id DESC LIMIT 1"
        )
        rows = self._all(query, [corpus])
        return LastError(*rows[0]) if rows else None

    # -- batch jobs ---------------------------------------------------------------------------------------
    # A job's requests are entries of the kind `sent` whose detail is its token.

    def open_jobs(self, request: Request) -> list[Job]:
        """The batch jobs of requests like this one whose answers have not been taken in, oldest first."""
        query = (
            "SELECT token, batch, made FROM jobs WHERE corpus = ? AND step = ? AND provider = ? AND model = ?"
            " AND closed IS NULL ORDER BY made, token"
        )
        values = [request.corpus, request.step, request.provider, request.model]
        return [Job(*row) for row in self._all(query, values)]

    def open_job(self, token: str, request: Request) -> None:
        """Notes a job that is about to be made, of requests like this one; they have been appended."""
        query = "INSERT INTO jobs (token, corpus, step, provider, model, made) VALUES (?, ?, ?, ?, ?, ?)"
        self._all(query, [token, request.corpus, request.step, request.provider, request.model, time.time()])

    def name_job(self, token: str, batch: str) -> None:
        """Notes the provider's id of a job."""
        self._all("UPDATE jobs SET batch = ? WHERE token = ?", [batch, token])

    def close_job(self, token: str, how: str) -> None:
        """Notes that nothing more will come of a job."""
        self._all("UPDATE jobs SET closed = ? WHERE token = ?", [how, token])

    def in_open_jobs(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that a job is still to answer."""
        found: set[str] = set()
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            query = "SELECT key FROM entries JOIN jobs ON token = detail WHERE kind = 'sent' AND closed IS NULL"
            found.update(row[0].hex() for row in self._all(f"{query} AND key IN ({marks})", some))
        return found

    def sent(self, keys: Collection[str]) -> dict[str, Request]:
        """The requests with these keys, as they were sent in a batch."""
        found: dict[str, Request] = {}
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            for row in self._all(f"SELECT {_ASKED} FROM entries WHERE kind = 'sent' AND key IN ({marks})", some):
                request = self._request(row)
                found[request.key] = request
        return found

    def unanswered(self, token: str) -> list[str]:
        """The keys of a job's requests that have no final answer, in order of guid."""
        query = (
            "SELECT DISTINCT key, guid, attempt FROM entries AS asked WHERE kind = 'sent' AND detail = ? AND NOT EXISTS"
            f" (SELECT 1 FROM entries WHERE key = asked.key AND {_IS_FINAL}) ORDER BY guid, attempt, key"
        )
        return [row[0].hex() for row in self._all(query, [token])]

    def _request(self, row: Sequence[Any]) -> Request:
        corpus, step, guid, provider, model, attempt, packed = row
        return Request(corpus, step, guid, provider, model, json.loads(self._unpacked(packed)), attempt)

    # -- everything ---------------------------------------------------------------------------------------

    def final_entries(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These columns of every final entry, the first of each key, in order of key; request and reply as text."""
        with self._errors_told():
            columns = ", ".join(("key", *names))
            last = b""
            for key, *values in self._connection.execute(
                f"SELECT {columns} FROM entries WHERE {_IS_FINAL} ORDER BY key, id"
            ):
                if key != last:
                    entry: dict[str, Any] = dict(zip(names, values, strict=True))
                    entry.update((name, self._unpacked(entry[name])) for name in ("request", "reply") if name in entry)
                    yield {"key": key.hex(), **entry}
                last = key

    def _unpacked(self, packed: bytes) -> str:
        try:
            return zlib.decompress(packed).decode()
        except (zlib.error, UnicodeDecodeError) as error:
            raise self._damaged("a text in it cannot be read") from error

    # -- the file -----------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # FULL: a commit survives a power cut, not only a kill; the group commit makes that cheap.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        """A connection that changes nothing: beside a running build as it stands, else in a read-only folder too."""
        # Without a log of writes nobody writes; to look at it sqlite would make one.
        busy = self.path.with_name(f"{self.path.name}-wal").exists()
        for mode in ("mode=ro", "mode=ro&immutable=1") if busy else ("mode=ro&immutable=1",):
            address = f"file:{quote(str(self.path.absolute()))}?{mode}"
            connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == len(MIGRATIONS):
                    return connection
            except sqlite3.OperationalError:
                connection.close()
                if "immutable" in mode:
                    raise
                continue
            connection.close()
            break
        # One of an older version is brought up to date first, as a build would.
        connection = self._connect()
        self._connection = connection
        self._migrate()
        return connection

    def _migrate(self) -> None:
        """Brings a new or older file up to date, and looks whether the newest entry can be read."""
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise LedgerError(f"{self.path} was made by a newer nercot: upgrade nercot")
        if version < len(MIGRATIONS):
            self._run_migrations()
        if tables(self._connection) != tables_of_a_ledger():
            raise self._damaged("its tables are not those of a ledger")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("SELECT * FROM entries ORDER BY id DESC LIMIT 1").fetchone()
        self._connection.execute("SELECT max(key), min(key) FROM entries").fetchone()

    def _run_migrations(self) -> None:
        # The rollback journal, not WAL, so that the header that says whose file it is is in the file itself.
        self._connection.execute("BEGIN EXCLUSIVE")
        try:
            done = self._connection.execute("PRAGMA user_version").fetchone()[0]
            for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
                for statement in statements(script):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number}")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._errors_told():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._told(error) from error
        except UnicodeDecodeError as error:  # of what SQLite quotes from the file in its message
            raise self._damaged("its header cannot be read") from error

    def _told(self, error: sqlite3.Error) -> NercotError:
        """What SQLite says, as one line that says what to do."""
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return OutputError(f"{self.path}: the disk is full or failing ({error}): free space, then run it again")
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return OutputError(f"{self.path} cannot be written ({error}): check the folder and its permissions")
        if code == sqlite3.SQLITE_BUSY:
            return LedgerError(f"{self.path} is held by another program: wait for it to end, then run it again")
        return self._damaged(str(error))

    def _damaged(self, what: str) -> LedgerError:
        return LedgerError(f"{self.path} is damaged ({what}): restore it from a copy, or move it away and start anew")


def replies_to(
    requests: Sequence[Request], replies: Callable[[Collection[str]], Mapping[str, Reply]]
) -> list[Reply | None]:
    """What `Ledger.replies_to` gives, from anything that finds replies by key."""
    found = dict(replies([request.key for request in requests]))
    plain = {
        request.key: form.key
        for request in requests
        if request.key not in found and (form := request.plain()) is not None
    }
    if plain:
        found.update(replies(list(plain.values())))
    return [found.get(request.key) or found.get(plain.get(request.key, "")) for request in requests]


def _portions(keys: Collection[str]) -> Iterator[list[bytes]]:
    return in_batches(map(bytes.fromhex, keys), _KEYS_A_QUERY)
