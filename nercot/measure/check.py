"""`nercot validate` and `nercot stats`: what the rules, a reader, and the counts say of any PATH.

In: a path of any format, and whom to ask where traces are to be read.  Out: one verdict a row in
DIR/verdicts.jsonl, with the file and number of the row, and summaries as JSON values.  Streams; with a reader a path
is read once for each time that it may be asked, and once more.  Rows that break a rule for shape are not asked about.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from nercot.corpus.recipe import Recipe
from nercot.corpus.records import Entity, Outcome, Record, Violation, unreadable_guid
from nercot.corpus.tables import entity_rows, replacing, said_row
from nercot.corpus.work import Report
from nercot.errors import InputError, ShortfallError
from nercot.formats.rows import BadRow, SourceRow
from nercot.formats.sources import open_source, reading, rows
from nercot.measure.asking import Asker
from nercot.report.shown import record_of
from nercot.report.stats import Stats
from nercot.steps.read import BATCH, Reader
from nercot.steps.stage import RecordStep
from nercot.validation.reading import Compared, compare
from nercot.validation.rules import Verdict, validate

_EXAMPLES = 3
_EVERY = 500


@dataclass(frozen=True, slots=True)
class Whom:
    """Who reads the traces: the recipe that names the reader, and the ledger that keeps what it says."""

    recipe: Recipe
    ledger: Path


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is said of one row, as verdicts.jsonl holds it; None for a row that waits for its reading.

    `compared`: what its reading came to, where it has one.
    """

    row: dict[str, Any] | None
    compared: Compared | None = None


def check(
    path: str,
    out: Path | None,
    form: str | None,
    schema: Sequence[str] | None,
    trace: str,
    strict: bool,
    report: Report,
    whom: Whom | None = None,
) -> dict[str, Any]:
    """Validates every row of PATH; returns rows, kept, dropped by reason, counts and examples by rule, and the reader.

    With `whom` also pending (rows whose reading did not come in time), calls, boundary, unquoted, left_out, unread.
    """
    summary = _Summary()

    def given() -> Iterator[SourceRow | BadRow]:
        return answered_rows(path, form, schema, strict)

    with ExitStack() as stack:
        asker = None if whom is None else Asker(whom.recipe, whom.ledger, stack)
        step = None if asker is None else _reading_step(asker, lambda: _readable(given(), trace))
        sink = stack.enter_context(_verdicts(out, stack)) if out is not None else None
        for checked in _checked(given(), trace, step):
            summary.add(checked)
            if sink is not None and checked.row is not None:
                sink.write(json.dumps(checked.row, ensure_ascii=False) + "\n")
            if summary.rows % _EVERY == 0:
                report("validate", summary.rows, None)
    if not summary.rows:
        raise ShortfallError(f"{path}: there are no rows to validate")
    return summary.as_json(asker)


def _reading_step(asker: Asker, records: Callable[[], Iterator[Record]]) -> RecordStep:
    """The recipe's reader as a record step, after everything that it has to be asked has been asked."""
    recipe = asker.recipe
    reader = Reader(recipe.name, recipe.reader, asker.template("reading"))
    asker.ask("reader", lambda ask: reader.requests(records(), asker.answers, ask), recipe.reader.attempts)
    return lambda rows: reader.outcomes(rows, asker.answers)


def _readable(given: Iterator[SourceRow | BadRow], trace: str) -> Iterator[Record]:
    """The records whose trace is to be read: those that the rules let pass."""
    for row in given:
        if not isinstance(row, BadRow):
            record, verdict = _judged(row, trace, True)
            if verdict.valid:
                yield record


def _judged(row: SourceRow, trace: str, read: bool) -> tuple[Record, Verdict]:
    """The record of a row as a reader sees it, and what the rules say of it."""
    record = record_of(row)
    verdict = validate(record, trace=trace, read=read)
    return replace(record, cot=verdict.cot, entities=verdict.entities), verdict


def _checked(given: Iterator[SourceRow | BadRow], trace: str, step: RecordStep | None) -> Iterator[_Checked]:
    """The verdicts in the order of the rows."""
    while batch := list(islice(given, BATCH)):
        judged = [row if isinstance(row, BadRow) else _judged(row, trace, step is not None) for row in batch]
        passed = [item[0] for item in judged if not isinstance(item, BadRow) and item[1].valid]
        outcomes = iter(()) if step is None else step(iter(passed))
        for row, item in zip(batch, judged, strict=True):
            if isinstance(item, BadRow):
                checked = _Checked(_unreadable(item))
            elif step is None or not item[1].valid:
                checked = _Checked(verdict_row(item[0].guid, item[1]))
            else:
                checked = _read(*item, next(outcomes))
            yield _placed(checked, row)


def _placed(checked: _Checked, row: SourceRow | BadRow) -> _Checked:
    """What is said of a row, with where the row stands: one without an id cannot be found by its guid."""
    if checked.row is None:
        return checked
    return replace(checked, row={**checked.row, "file": row.file, "row": row.row})


def _read(record: Record, verdict: Verdict, outcome: Outcome) -> _Checked:
    """What is said of a row that the rules let pass, after its reading."""
    reading = outcome.record.reading
    if outcome.pending:
        return _Checked(None)
    if reading is None:
        unread = () if outcome.kept else (Violation("unread", None, outcome.detail or ""),)
        return _Checked(verdict_row(record.guid, verdict._replace(valid=not unread, violations=unread)))
    compared = compare(record, reading)
    found = Verdict(outcome.kept, verdict.cot, compared.entities, outcome.violations, verdict.relabelled)
    return _Checked({**verdict_row(record.guid, found), "reading": said_row(reading)}, compared)


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
    return {
        "guid": unreadable_guid(row.raw, row.dataset),
        "valid": False,
        "violations": [{"rule": "unreadable", "entity": None, "detail": detail}],
        "entities": None,
    }


class _Summary:
    """Counts over verdicts: rows by first reason, and by every rule with a few examples."""

    def __init__(self) -> None:
        self.rows = self.kept = self.pending = 0
        self.dropped: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.read: Counter[str] = Counter(boundary=0, unquoted=0, left_out=0)
        self.examples: dict[str, list[dict[str, Any]]] = {}

    def add(self, checked: _Checked) -> None:
        self.rows += 1
        if (found := checked.compared) is not None:
            self.read.update(boundary=found.boundary, unquoted=found.unquoted, left_out=found.left_out)
        if checked.row is None:
            self.pending += 1
            return
        row = checked.row
        self.kept += row["valid"]
        if row["violations"]:
            self.dropped[row["violations"][0]["rule"]] += 1
        for rule in dict.fromkeys(item["rule"] for item in row["violations"]):
            self.rules[rule] += 1
            shown = self.examples.setdefault(rule, [])
            if len(shown) < _EXAMPLES:
                first = next(item for item in row["violations"] if item["rule"] == rule)
                where = {name: row[name] for name in ("guid", "file", "row")}
                shown.append({**where, "entity": first["entity"], "detail": first["detail"]})

    def as_json(self, asker: Asker | None) -> dict[str, Any]:
        found = {
            "rows": self.rows,
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "rules": {
                rule: {"rows": count, "examples": self.examples[rule]} for rule, count in self.rules.most_common()
            },
            "reader": None if asker is None else asker.recipe.reader.model,
            "pending": self.pending,
            "calls": 0 if asker is None else asker.calls.get("reader", 0),
        }
        return {**found, **self.read, "unread": self.dropped["unread"]}


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
