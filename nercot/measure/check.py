"""`nercot validate` and `nercot stats`: what the rules, and what the counts, say of any PATH.

In: a path of any format.  Out: one verdict a row in DIR/verdicts.jsonl, and summaries as JSON values.  Streams.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from nercot.corpus.records import Answer, Entity, Record, Violation, content_guid, unreadable_guid
from nercot.corpus.tables import entity_rows, replacing
from nercot.corpus.work import Report
from nercot.errors import InputError, ShortfallError
from nercot.formats.rows import BadRow, SourceRow
from nercot.formats.sources import open_source, reading, rows
from nercot.report.stats import Stats
from nercot.validation.rules import Verdict, validate

_EXAMPLES = 3
_EVERY = 500


def check(
    path: str,
    out: Path | None,
    form: str | None,
    schema: Sequence[str] | None,
    trace: str,
    strict: bool,
    report: Report,
) -> dict[str, Any]:
    """Validates every row of PATH; returns rows, kept, dropped by reason, and counts and examples by rule."""
    summary = _Summary()
    with ExitStack() as stack:
        sink = stack.enter_context(_verdicts(out, stack)) if out is not None else None
        for row in answered_rows(path, form, schema, strict):
            verdict = _unreadable(row) if isinstance(row, BadRow) else _verdict(row, trace)
            summary.add(verdict)
            if sink is not None:
                sink.write(json.dumps(verdict["row"], ensure_ascii=False) + "\n")
            if summary.rows % _EVERY == 0:
                report("validate", summary.rows, None)
    if not summary.rows:
        raise ShortfallError(f"{path}: there are no rows to validate")
    return summary.as_json()


def _verdicts(out: Path, stack: ExitStack) -> TextIO:
    temporary = stack.enter_context(replacing(out / "verdicts.jsonl"))
    return temporary.open("w", encoding="utf-8")


def answered_rows(
    path: str, form: str | None, schema: Sequence[str] | None, strict: bool = False
) -> Iterator[SourceRow | BadRow]:
    """The rows of PATH as its reader gives them; with `strict` the first bad one is an InputError."""
    options = reading(schema)
    for row in rows(open_source(path, form, options)):
        if strict and isinstance(row, BadRow):
            raise InputError(f"{row.file}: row {row.row}: {row.detail}; mend it, or run without --strict")
        yield row


def to_answered(row: SourceRow) -> Record:
    """A row with the answer that it brings along: a completion, or a trace and entities."""
    schema = row.schema or ()
    answer = None
    if row.completion is not None:
        answer = Answer("unknown", row.completion, row.reasoning)
    return Record(
        guid=row.guid or row.source_id or content_guid(row.sentence, schema, row.dataset),
        dataset=row.dataset,
        sentence=row.sentence,
        schema=schema,
        schema_descriptions=row.descriptions,
        source_id=row.source_id,
        split=row.split,
        cot=row.cot,
        entities=row.entities if row.entities is not None else row.gold if answer is None else None,
        answer=answer,
    )


def _verdict(row: SourceRow, trace: str) -> dict[str, Any]:
    record = to_answered(row)
    verdict = validate(record, trace=trace)
    return {"row": verdict_row(record.guid, verdict), "reason": _reason(verdict)}


def _reason(verdict: Verdict) -> str | None:
    return verdict.violations[0].rule if verdict.violations else None


def verdict_row(guid: str, verdict: Verdict) -> dict[str, Any]:
    """A verdict as verdicts.jsonl holds it."""
    return {
        "guid": guid,
        "valid": verdict.valid,
        "violations": [_violation(violation) for violation in verdict.violations],
        "entities": entity_rows(verdict.entities),
    }


def _violation(violation: Violation) -> dict[str, Any]:
    entity: Entity | None = violation.entity
    named = (
        None
        if entity is None
        else {"text": entity.text, "label": entity.label, "start": entity.start, "end": entity.end}
    )
    return {"rule": violation.rule, "entity": named, "detail": violation.detail}


def _unreadable(row: BadRow) -> dict[str, Any]:
    detail = f"{row.file}: row {row.row}: {row.detail}"
    verdict = {
        "guid": unreadable_guid(row.raw, row.dataset),
        "valid": False,
        "violations": [{"rule": "unreadable", "entity": None, "detail": detail}],
        "entities": None,
    }
    return {"row": verdict, "reason": "unreadable"}


class _Summary:
    """Counts over verdicts: rows by first reason, and by every rule with a few examples."""

    def __init__(self) -> None:
        self.rows = self.kept = 0
        self.dropped: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.examples: dict[str, list[dict[str, Any]]] = {}

    def add(self, verdict: dict[str, Any]) -> None:
        row = verdict["row"]
        self.rows += 1
        self.kept += row["valid"]
        if verdict["reason"]:
            self.dropped[verdict["reason"]] += 1
        for rule in dict.fromkeys(item["rule"] for item in row["violations"]):
            self.rules[rule] += 1
            shown = self.examples.setdefault(rule, [])
            if len(shown) < _EXAMPLES:
                first = next(item for item in row["violations"] if item["rule"] == rule)
                shown.append({"guid": row["guid"], "entity": first["entity"], "detail": first["detail"]})

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "rules": {
                rule: {"rows": count, "examples": self.examples[rule]} for rule, count in self.rules.most_common()
            },
        }


def summarise(path: str, form: str | None, schema: Sequence[str] | None, report: Report) -> dict[str, Any]:
    """Counts what is in PATH, in any format (stats.py)."""
    stats = Stats()
    unreadable = 0
    for row in answered_rows(path, form, schema):
        if isinstance(row, BadRow):
            unreadable += 1
        else:
            stats.add(_mapping(row))
        if (stats.rows + unreadable) % _EVERY == 0:
            report("stats", stats.rows + unreadable, None)
    if not stats.rows:
        raise ShortfallError(f"{path}: there is no readable row to count ({unreadable} unreadable)")
    return {**stats.summary(), "unreadable": unreadable}


def _mapping(row: SourceRow) -> dict[str, Any]:
    return {
        "dataset": row.dataset,
        "license": row.license,
        "sentence": row.sentence,
        "schema": row.schema,
        "cot": row.cot,
        "entities": entity_rows(row.entities),
        "gold": entity_rows(row.gold),
        **row.extra,
    }
