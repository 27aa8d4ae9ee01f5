"""`nercot extract`: what a trained model finds in any text, as spans.

In: a PATH of any format (text with a schema, or rows that bring theirs), an OpenAI-compatible endpoint.  Out: one file
of any format with each record's entities, grounded in its sentence, and the trace where the format holds one; and
`FILE.dropped.jsonl` with the rows that have no answer that can be read.  Every answer goes through the ledger, so a
killed run goes on, and the same command again is free.  Never shows the model gold, never mends an answer: a mention
that is not in the sentence, or of a type that was not asked for, is left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from nercot.corpus.records import Answer, Record
from nercot.corpus.tables import replacing
from nercot.corpus.work import Report
from nercot.errors import OutputError, ShortfallError
from nercot.formats.convert import Writing, writing_to
from nercot.formats.sources import Item, Source, items, open_source, reading
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply
from nercot.measure.prompted import Prompted
from nercot.validation.rules import validate

# What a server says of an answer that it did not finish.
_UNFINISHED = {"length": "truncated", "content_filter": "content_filter"}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What is read and where it goes.

    `form`, `to_format`: the formats, by default what content and file name say.  `schema`: types for rows that bring
    none.  `limit`: the first so many records.
    """

    path: str
    to: Path
    form: str | None = None
    to_format: str | None = None
    schema: Sequence[str] | None = None
    split: str | None = None
    limit: int | None = None
    force: bool = False


@dataclass(slots=True)
class _Counts:
    rows: int = 0
    kept: int = 0
    entities: int = 0
    traces: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def extract(plan: Extraction, whom: Prompted, ledger: Path, report: Report) -> dict[str, Any]:
    """Asks for every record of PATH and writes what is found; returns the counts as a JSON value.

    Raises InputError and OutputError for paths and formats, ShortfallError where answers lack or none can be read;
    then nothing is written.
    """
    writing = writing_to(plan.to, plan.to_format, plan.force)
    fallen = plan.to.with_name(f"{plan.to.name}.dropped.jsonl")
    if fallen.exists() and not plan.force:
        raise OutputError(f"{fallen} exists; name another FILE, or say --force to replace both")
    source = open_source(plan.path, plan.form, reading(plan.schema), split=plan.split)
    whom.check_keys()
    counts = _Counts()
    with Ledger(ledger) as opened:
        calls = whom.ask(_records(source, plan.limit), opened, report)
        lost = _write(_found(source, plan, whom, opened, counts), writing, fallen, counts)
    return {
        "rows": counts.rows,
        "kept": counts.kept,
        "dropped": dict(counts.dropped.most_common()),
        "entities": counts.entities,
        "with_trace": counts.traces,
        "left_out": dict(counts.left_out.most_common()),
        "not_held": lost,
        "calls": calls,
        "model": whom.model.model,
        "asked": whom.asked(),
        "dropped_file": str(fallen) if counts.dropped else None,
    }


def _records(source: Source, limit: int | None) -> Iterator[Record]:
    return islice((item.outcome.record for item in items(source) if item.outcome.kept), limit)


def _items(source: Source, limit: int | None) -> Iterator[Item]:
    """The rows up to the last record that is asked about, the unreadable ones between them too."""
    kept = 0
    for item in items(source):
        if limit is not None and kept == limit:
            return
        kept += item.outcome.kept
        yield item


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the source: its record with what was found, or why there is none."""

    item: Item
    record: Record
    reason: str | None = None
    detail: str = ""
    completion: str | None = None


def _found(source: Source, plan: Extraction, whom: Prompted, ledger: Ledger, counts: _Counts) -> Iterator[_Row]:
    """Every row of the source, in order, with what the model found in it."""
    answered = whom.replies(_records(source, plan.limit), ledger)
    for item in _items(source, plan.limit):
        counts.rows += 1
        if item.outcome.kept:
            record, reply = next(answered)
            yield _read(item, record, reply, counts)
        else:
            yield _Row(item, item.outcome.record, item.outcome.reason or "unreadable", item.outcome.detail or "")


def _read(item: Item, record: Record, reply: Reply | None, counts: _Counts) -> _Row:
    """The record with its entities; a row with a reason where the answer is none that can be read."""
    if reply is None or reply.kind != "answer":
        return _Row(item, record, reply.kind if reply else "pending", (reply.detail or "") if reply else "")
    answer = Answer(reply.model or "", reply.content, reply.reasoning, finish_reason=reply.finish_reason)
    verdict = validate(replace(record, answer=answer), trace="optional")
    if verdict.entities is None:
        reason = _UNFINISHED.get(reply.finish_reason or "", "malformed")
        detail = verdict.violations[0].detail if verdict.violations else "the answer cannot be read"
        return _Row(item, record, reason, detail, reply.content)
    entities = []
    for entity in verdict.entities:
        if entity.label not in record.schema:
            counts.left_out["type_not_in_schema"] += 1
        elif entity.start is None:
            counts.left_out["not_in_sentence"] += 1
        else:
            entities.append(entity)
    return _Row(item, replace(record, cot=verdict.cot or None, entities=tuple(entities)))


def _write(rows: Iterator[_Row], writing: Writing, fallen: Path, counts: _Counts) -> dict[str, int]:
    """Writes what was found, and beside it the rows that fell; returns what the format cannot hold."""
    with replacing(fallen) as temporary, temporary.open("w", encoding="utf-8") as sink:

        def kept() -> Iterator[Record]:
            for row in rows:
                if row.reason is None:
                    counts.kept += 1
                    counts.entities += len(row.record.entities or ())
                    counts.traces += row.record.cot is not None
                    yield row.record
                else:
                    counts.dropped[row.reason] += 1
                    sink.write(json.dumps(_dropped(row), ensure_ascii=False) + "\n")
            if not counts.kept:
                worst = counts.dropped.most_common(1)
                why = f"{worst[0][1]} of {counts.rows} rows: {worst[0][0]}" if worst else "the source has no rows"
                raise ShortfallError(f"nothing was found that can be written ({why})")

        lost = writing.write(kept())
    if not counts.dropped:
        fallen.unlink()
    return lost


def _dropped(row: _Row) -> dict[str, Any]:
    record = row.record
    return {
        "guid": record.guid,
        "source_id": record.source_id,
        "source_file": row.item.file,
        "source_row": row.item.row,
        "sentence": record.sentence,
        "reason": row.reason,
        "detail": row.detail,
        "completion": row.completion,
    }
