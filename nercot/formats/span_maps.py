"""JSON rows of a text beside an object of types: {"text", "entities": {type: [mention, ...]}} and its kin.

Read: the shape of NER-CoT's own answers; CLUENER ({type: {mention: [[start, end], ...]}}), GLiNER 2 ({input, output:
{entities, entity_descriptions}}), {type: mention}, {type: [{start, end}]}, {mention: type}; the object may be written
as a string of JSON.  Types answered with an empty list stay in the schema of the data set.  Written: {text, entities}.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nercot.corpus.records import Record
from nercot.formats.json_files import json_rows
from nercot.formats.marks import key_of, looks_marked, marks_of, number, turned
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions, RowError, id_of, kind_of, labels_of, optional_text, text_of, valid_text
from nercot.formats.span_lists import TEXT_KEYS, json_passages
from nercot.formats.spanned import Passage, Spanned, Unread

_MAP_KEYS = ("entities", "label", "labels", "entity", "ner", "answer", "output", "annotations", "spans", "result")
_SAMPLE = 200


def detect(value: Any) -> bool:
    """Whether a JSON value is a text beside an object of types or mentions."""
    return isinstance(value, Mapping) and _text(value) is not None and _types(value) is not None


def _text(value: Mapping[str, Any]) -> str | None:
    named = {key_of(key): text for key, text in value.items() if isinstance(text, str)}
    return next((named[key] for key in TEXT_KEYS if key in named), None)


def _types(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object of types of a row; one of `entities` inside `output` counts as well."""
    named = {key_of(key): inner for key, inner in value.items()}
    for key in _MAP_KEYS:
        found = _object(named.get(key))
        if found is not None and isinstance(inner := found.get("entities"), Mapping):
            found = inner
        if found is not None and turned(found) is None and all(map(_is_filling, found.values())):
            return found
    return None


def _object(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _is_filling(value: Any) -> bool:
    """Whether a value can stand for what is marked under a key: mentions, places, a type, or nothing."""
    if value is None or isinstance(value, str):
        return True
    if isinstance(value, Mapping):
        return all(isinstance(places, list) for places in value.values())
    return isinstance(value, list) and all(isinstance(item, str | list) or _is_place(item) for item in value)


def _is_place(item: Any) -> bool:
    return isinstance(item, Mapping) and looks_marked({**item, "label": "x"})


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    turned = _is_by_mention(path)
    yield from json_passages(lambda value, row: _passage(value, row, turned))(path, options)


def _is_by_mention(path: Path) -> bool:
    """Whether the keys are mentions and the values types: then the keys stand in the texts, and the values do not."""
    keys = values = 0
    for row, _ in zip(json_rows(path), range(_SAMPLE), strict=False):
        found = _types(row.value) if isinstance(row.value, Mapping) else None
        text = _text(row.value) if found else None
        for key, value in (found or {}).items() if text else ():
            if isinstance(value, str):
                keys += key in (text or "")
                values += value in (text or "")
    return keys > values


def _passage(value: Any, row: int, turned: bool) -> Passage:
    if not isinstance(value, Mapping):
        raise RowError(f"the row is {kind_of(value)}, not an object with a text")
    found = _types(value)
    if found is None and any(key_of(key) in _MAP_KEYS and inner for key, inner in value.items()):
        raise RowError("what stands for the entities is not an object of types with lists of mentions")
    text = text_of(_text(value), "text")
    findings: list[str] = []
    types = {} if turned else dict(found or {})
    marks = [mark for label, inner in types.items() for mark in _marks(label, inner, text, findings)]
    if turned:
        marks = [Mark(label, None, None, mention) for mention, label in (found or {}).items() if isinstance(label, str)]
    schema = labels_of(value.get("schema"), "schema") if isinstance(value.get("schema"), list) else None
    asked = tuple(types) if any(not inner for inner in types.values()) else None
    return Passage(
        row,
        text,
        tuple(marks),
        schema=schema or asked,
        source_id=id_of(value.get("id")),
        dataset=optional_text(value.get("dataset"), "dataset"),
        findings=tuple(findings),
    )


def _marks(label: str, inner: Any, text: str, findings: list[str]) -> Iterator[Mark]:
    """The marks of one type."""
    if isinstance(inner, Mapping):
        for mention, places in inner.items():
            yield from _placed(label, places, valid_text(mention, "a mention"))
    elif isinstance(inner, str):
        yield Mark(label, None, None, inner)
    else:
        for item in inner or ():
            yield from _listed(label, item, text, findings)


def _listed(label: str, item: Any, text: str, findings: list[str]) -> Iterator[Mark]:
    if isinstance(item, str) and item.strip():
        yield Mark(label, None, None, item)
    elif isinstance(item, Mapping):
        yield from marks_of({**item, "label": label}, text, findings)
    elif isinstance(item, list):
        yield from marks_of([*item, label], text, findings)
    else:
        findings.append("empty_mention")


def _placed(label: str, places: Sequence[Any], mention: str) -> Iterator[Mark]:
    """A mention at each of its places; one place may be listed by itself."""
    pairs = [places] if places and not isinstance(places[0], list) else places
    for pair in pairs or ([],):
        numbers = [number(part) for part in pair]
        start, end = numbers if len(numbers) == 2 else (None, None)
        yield Mark(label, start, end, mention)


DIALECT = Spanned(_passages)


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """{text, entities} of each record, every type of its schema with its mentions in the order of the text."""
    for record in records:
        listed = (record.gold if record.entities is None else record.entities) or ()
        entities: dict[str, list[str]] = {label: [] for label in record.schema}
        for item in listed:
            entities.setdefault(item.label, []).append(item.text)
        known = {"id": record.source_id} if record.source_id else {}
        yield {**known, "text": record.sentence, "entities": entities}
