"""Final answers out of one ledger and into another, as Parquet.

In: a ledger, or a file that was exported from one.  Out: a file with which a rebuild elsewhere costs
nothing, without times, latencies and costs, so that equal answers give equal bytes.  Never takes in an
answer whose key is not that of its request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nercot.errors import InputError, OutputError
from nercot.llm.ledger import Ledger
from nercot.llm.messages import FINAL, Reply, Request, read_reply
from nercot.llm.writer import in_batches

_COLUMNS = pa.schema(
    [
        ("key", pa.string()),
        ("corpus", pa.string()),
        ("step", pa.string()),
        ("guid", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("attempt", pa.int32()),
        ("kind", pa.string()),
        ("answered_by", pa.string()),
        ("fingerprint", pa.string()),
        ("finish_reason", pa.string()),
        ("tokens_in", pa.int64()),
        ("tokens_cached", pa.int64()),
        ("tokens_out", pa.int64()),
        ("detail", pa.string()),
        ("request", pa.string()),
        ("reply", pa.string()),
    ]
)
_ROWS_A_BATCH = 2000


def export_parquet(ledger: Ledger, path: Path | str, withheld: Collection[str] = frozenset()) -> int:
    """Writes the final answers to `path`, by key; returns how many.  Raises OutputError.

    Records whose guid is in `withheld` are left out: their text may not be passed on.  So are the answers of
    evaluations: of most benchmarks' test sentences that holds too.
    """
    target, count = Path(path), 0
    partial = target.with_name(f"{target.name}.part")
    final = ledger.final_entries(_COLUMNS.names[1:])
    entries = (entry for entry in final if entry["guid"] not in withheld and entry["corpus"] != "evaluate")
    try:
        with pq.ParquetWriter(partial, _COLUMNS, compression="zstd") as writer:
            for rows in in_batches(entries, _ROWS_A_BATCH):
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=_COLUMNS))
                count += len(rows)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
    return count


def import_parquet(ledger: Ledger, path: Path | str) -> int:
    """Takes in the answers of an exported file that are not there yet; returns how many were new.

    They cost nothing here.  Every key is checked against its request.  Raises InputError.
    """
    count = 0
    for rows in _rows(Path(path)):
        read = [_read(row, f"{path}, key {row['key']}") for row in rows]
        known = ledger.final([request.key for request, _, _ in read])
        new = [ledger.append(request, reply, raw, 0.0) for request, reply, raw in read if request.key not in known]
        for entry in new:
            entry.result()
        count += len(new)
    return count


def _rows(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The rows of an exported file, some at a time."""
    try:
        with pq.ParquetFile(path) as file:
            if missing := set(_COLUMNS.names) - set(file.schema_arrow.names):
                raise InputError(f"{path} is not a ledger export: it has no column {min(missing)}")
            for batch in file.iter_batches(_ROWS_A_BATCH, columns=_COLUMNS.names):
                yield batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a ledger export: {str(error).splitlines()[0]}") from error


def _read(row: Mapping[str, Any], where: str) -> tuple[Request, Reply, bytes]:
    """A row, checked: its key is that of its request, and its reply can be read."""
    try:
        payload, raw = row["request"].encode(), row["reply"].encode()
        asked = (row["corpus"], row["step"], row["guid"], row["provider"], row["model"])
        request = Request(*asked, json.loads(payload), row["attempt"])
        if row["kind"] not in FINAL or request.payload != payload or request.key != row["key"]:
            raise ValueError("its key is not that of its request")
        refused = row["kind"] == "refused"
        bare = refused or (not raw and row["kind"] == "empty_answer")
        reply = Reply(request.key, row["kind"]) if bare else read_reply(raw, request.key, row["kind"])
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: not an answer of a ledger ({error}): export it again") from error
    return request, replace(reply, detail=row["detail"]), raw
