"""Prodigy's tasks: {text, tokens, spans: [{start, end, label}], answer}.

Read: JSON lines as `prodigy db-out` gives them; a task that was rejected or passed over is left out, and counted with
its answer; an accepted task without `spans` has no entities; `relations` are no entities.  Offsets are code points,
ends exclusive.  Written: tasks with answer "accept", for `prodigy db-in` or as input of a manual recipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nercot.corpus.records import Record
from nercot.formats.gliner import identity
from nercot.formats.marks import marks_of
from nercot.formats.rows import RowError, id_of, kind_of, text_of
from nercot.formats.span_lists import json_passages, origin
from nercot.formats.spanned import Passage, Spanned

_ANSWERS = ("accept", "reject", "ignore")
_HASHES = ("_input_hash", "_task_hash", "_view_id", "_session_id")


def detect(value: Any) -> bool:
    """Whether a JSON value is a task of Prodigy on a text."""
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        return False
    return value.get("answer") in _ANSWERS or any(key in value for key in _HASHES)


def _task(value: Any, row: int) -> Passage:
    if not isinstance(value, Mapping):
        raise RowError(f"the row is {kind_of(value)}, not a task")
    answer = value.get("answer", "accept")
    if answer != "accept":
        raise RowError(f"the annotator's answer is {answer!r}: not gold, left out")
    text = text_of(value.get("text"), "text")
    spans = value.get("spans") or []
    if not isinstance(spans, list):
        raise RowError(f"spans is {kind_of(spans)}, not a list")
    findings: list[str] = []
    marks = tuple(mark for span in spans for mark in marks_of(span, text, findings))
    known = origin(value.get("meta"))
    return Passage(row, text, marks, source_id=_ident(value), findings=tuple(findings), **known)


def _ident(value: Mapping[str, Any]) -> str | None:
    meta = value.get("meta")
    inner = id_of(meta.get("id")) if isinstance(meta, Mapping) else None
    return inner if inner is not None else id_of(value.get("id"))


DIALECT = Spanned(json_passages(_task))


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One accepted task a record."""
    for record in records:
        listed = record.gold if record.entities is None else record.entities
        task: dict[str, Any] = {"text": record.sentence, "meta": identity(record)}
        if listed is not None:
            spans = [{"start": item.start, "end": item.end, "label": item.label, "text": item.text} for item in listed]
            task |= {"spans": spans, "answer": "accept"}
        yield task
