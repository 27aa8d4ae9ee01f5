"""Argilla's records: {fields, responses: {question: [{value: [{label, start, end}], status}]}, suggestions}.

Read: `records.to_json()` and its flat form (`QUESTION.responses`); the first submitted response counts, others are
counted; a record that was discarded is left out; one without a response is unlabelled.  Suggestions count only where
no record has responses.  Offsets are code points, ends exclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nercot.formats.json_files import json_rows
from nercot.formats.marks import looks_marked, marks_of
from nercot.formats.notices import say
from nercot.formats.rows import ReadOptions, RowError, id_of, kind_of, text_of
from nercot.formats.span_lists import json_passages
from nercot.formats.spanned import Passage, Spanned, Unread

_RESPONSES, _SUGGESTION = ".responses", ".suggestion"


def detect(value: Any) -> bool:
    """Whether a JSON value is a record of Argilla 2."""
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("fields"), Mapping):
        return any(isinstance(value.get(key), Mapping) for key in ("responses", "suggestions"))
    return any(str(key).endswith((_RESPONSES, _SUGGESTION)) for key in value)


def _responses(value: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """(spans, status) of every response of a record."""
    nested = value.get("responses")
    if isinstance(nested, Mapping):
        listed = [item for answers in nested.values() if isinstance(answers, list) for item in answers]
        return [(item.get("value"), str(item.get("status"))) for item in listed if isinstance(item, Mapping)]
    key = next((key for key in value if str(key).endswith(_RESPONSES) and value[key]), None)
    if key is None or not isinstance(value[key], list):
        return []
    status = value.get(f"{key}.status")
    states = status if isinstance(status, list) else []
    return [(spans, str(states[at]) if at < len(states) else "submitted") for at, spans in enumerate(value[key])]


def _suggestions(value: Mapping[str, Any]) -> list[tuple[Any, str]]:
    nested = value.get("suggestions")
    listed = list(nested.values()) if isinstance(nested, Mapping) else []
    listed = [item.get("value") if isinstance(item, Mapping) else item for item in listed]
    listed += [found for key, found in value.items() if str(key).endswith(_SUGGESTION)]
    return [(spans, "submitted") for spans in listed if _are_spans(spans)]


def _are_spans(spans: Any) -> bool:
    return isinstance(spans, list) and all(map(looks_marked, spans))


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    suggested = _is_suggested(path)
    if suggested:
        say(f"{path.name}: no record has a response; its suggestions are taken")
    yield from json_passages(partial(_record, suggested=suggested))(path, options)


def _is_suggested(path: Path) -> bool:
    """Whether a file has suggestions, and no response to any record."""
    found = False
    for row in json_rows(path):
        if isinstance(row.value, Mapping):
            if _responses(row.value):
                return False
            found = found or bool(_suggestions(row.value))
    return found


def _record(value: Any, row: int, suggested: bool) -> Passage:
    if not isinstance(value, Mapping):
        raise RowError(f"the row is {kind_of(value)}, not a record with fields")
    answers = _suggestions(value) if suggested else _responses(value)
    if answers and all(status == "discarded" for _, status in answers):
        raise RowError("the record was discarded: left out")
    ranked = sorted(answers, key=lambda answer: answer[1] != "submitted")
    kept = [spans for spans, status in ranked if status != "discarded" and _are_spans(spans)]
    fields = value["fields"] if isinstance(value.get("fields"), Mapping) else value
    text = text_of(fields.get("text", _first_text(fields)), "the text in fields")
    findings = ["other_annotation"] * (len(kept) - 1)
    marks = tuple(mark for span in (kept[0] if kept else ()) for mark in marks_of(span, text, findings))
    return Passage(row, text, marks if kept else None, source_id=id_of(value.get("id")), findings=tuple(findings))


def _first_text(fields: Mapping[str, Any]) -> Any:
    known = ("id", "status", "_server_id")
    texts = [text for key, text in fields.items() if isinstance(text, str) and key not in known]
    return max(texts, key=len, default=None)


DIALECT = Spanned(_passages)
