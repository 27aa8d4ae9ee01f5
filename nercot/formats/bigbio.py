"""Rows of the BigBIO schema `kb`: {passages: [{text: [..], offsets}], entities: [{type, text: [..], offsets}]}.

Read: each passage as a row of its own, with the entities that lie in it; offsets count from the beginning of the
document.  An entity of several parts is counted and left out.  Its `text` decides where offsets are odd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nercot.formats.json_files import json_rows, raw_bytes
from nercot.formats.marks import number
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions, RowError, id_of, text_of
from nercot.formats.spanned import Passage, Spanned, Unread


def detect(value: Any) -> bool:
    """Whether a JSON value is a document of BigBIO."""
    if not isinstance(value, Mapping) or not isinstance(value.get("entities"), list):
        return False
    passages = value.get("passages")
    return isinstance(passages, list) and all(isinstance(item, Mapping) and "offsets" in item for item in passages)


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    for row in json_rows(path):
        try:
            if isinstance(row.value, RowError):
                raise row.value
            if not detect(row.value):
                raise RowError("the row has no list of passages beside its entities")
            yield from parted(row.row, *_document(row.value), raw_bytes(row))
        except RowError as error:
            yield Unread(row.row, str(error), raw_bytes(row))


Part = tuple[str, int]


def _document(value: Mapping[str, Any]) -> tuple[str | None, list[Part], list[Mark], list[str]]:
    findings: list[str] = []
    parts = [(_joined(item.get("text")), _first(item.get("offsets"))) for item in value["passages"]]
    marks = [mark for item in value["entities"] for mark in _marks(item, findings)]
    return id_of(value.get("document_id")) or id_of(value.get("id")), parts, marks, findings


def _joined(text: Any) -> str:
    return text_of(" ".join(text) if isinstance(text, list) and all(isinstance(t, str) for t in text) else text, "text")


def _first(offsets: Any) -> int:
    pair = offsets[0] if isinstance(offsets, list) and offsets else None
    start = number(pair[0]) if isinstance(pair, list) and pair else None
    if start is None:
        raise RowError("a passage has no offsets")
    return start


def _marks(item: Any, findings: list[str]) -> Iterator[Mark]:
    pairs = item.get("offsets") if isinstance(item, Mapping) else None
    label = item.get("type") if isinstance(item, Mapping) else None
    if not isinstance(label, str) or not label.strip():
        findings.append("not_label")
    elif (
        not isinstance(pairs, list) or not pairs or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    ):
        findings.append("out_of_range")
    elif len(pairs) > 1:
        findings.append("discontinuous")
    else:
        text = item.get("text")
        mention = " ".join(map(str, text)) if isinstance(text, list) else text
        yield Mark(label, number(pairs[0][0]), number(pairs[0][1]), mention if isinstance(mention, str) else None)


def parted(
    row: int, ident: str | None, parts: Sequence[Part], marks: Sequence[Mark], findings: Sequence[str], raw: bytes
) -> Iterator[Passage]:
    """The passages of a document, (text, its first position) each, with the marks that lie in them.

    A mark belongs to the last passage that begins at or before it; document-wide findings go with the first.
    """
    begins = [start for _, start in parts]
    held: list[list[Mark]] = [[] for _ in parts]
    for mark in marks:
        at = max((place for place, start in enumerate(begins) if start <= (mark.start or 0)), default=0)
        if mark.start is not None and mark.end is not None:
            mark = Mark(mark.label, mark.start - begins[at], mark.end - begins[at], mark.text)
        held[at].append(mark)
    for place, (text, _) in enumerate(parts):
        name = ident if ident is None or len(parts) == 1 else f"{ident}-{place}"
        yield Passage(
            row, text, tuple(held[place]), raw, source_id=name, findings=tuple(findings) if place == 0 else ()
        )


DIALECT = Spanned(_passages)
