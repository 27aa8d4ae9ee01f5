"""The tables of a ledger's file, and whether a file is one.

In: a path, or a connection.  Out: tables as they are and as they should be, the scripts that make them, errors of one
line for files of others.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from nercot.errors import LedgerError, OutputError

APPLICATION_ID = 0x4E435254  # "NCRT", in the header of every ledger

MIGRATIONS = (
    """
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL,
        kind TEXT NOT NULL,
        corpus TEXT NOT NULL,
        step TEXT NOT NULL,
        guid TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        answered_by TEXT,
        fingerprint TEXT,
        finish_reason TEXT,
        tokens_in INTEGER,
        tokens_cached INTEGER,
        tokens_out INTEGER,
        cost REAL,
        latency REAL,
        time REAL NOT NULL,
        detail TEXT,
        request BLOB NOT NULL,
        reply BLOB NOT NULL
    );
    CREATE INDEX entries_by_key ON entries (key, kind);
    CREATE INDEX entries_by_job ON entries (detail) WHERE kind = 'sent';
    CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
    CREATE TRIGGER entries_last BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
    CREATE TABLE jobs (
        token TEXT PRIMARY KEY,
        batch TEXT,
        corpus TEXT NOT NULL,
        step TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        made REAL NOT NULL,
        closed TEXT
    );
    """,
)


def refuse_foreign(path: Path) -> None:
    """Raises LedgerError for a file that is no ledger, looking at it without opening it as a database."""
    try:
        with open(path, "rb") as file:
            head = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    except OSError as error:
        raise OutputError(f"{path} cannot be opened as the ledger: {error.strerror}") from error
    if not head:  # another process is making it right now
        return
    if len(head) < 100 or head[:16] != b"SQLite format 3\0" or head[68:72] != APPLICATION_ID.to_bytes(4):
        raise LedgerError(f"{path} is not a nercot ledger, or is damaged: move it away, or build in another folder")
    # With a log beside it, part of the database may be there and not yet here.
    pages, page_size = int.from_bytes(head[28:32]), int.from_bytes(head[16:18])
    if size < pages * page_size and not path.with_name(f"{path.name}-wal").exists():
        raise LedgerError(f"{path} is damaged (cut short): restore it from a copy, or move it away and start anew")


def tables(connection: sqlite3.Connection) -> list[tuple[str, str | None]]:
    """Name and definition of each table, index and trigger."""
    return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


@lru_cache(maxsize=1)
def tables_of_a_ledger() -> list[tuple[str, str | None]]:
    """The tables, indexes and triggers that a ledger of this version has."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in MIGRATIONS:
            connection.executescript(script)
        return tables(connection)


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: executescript would commit the transaction around them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
