"""Rows of instructions for training whose input is a text and whose output lists its entities.

Read: {instruction, input, output} (Alpaca), with the output as JSON of types and mentions; NuNER's {input, output:
["mention <> type"]}; IEPile's {instruction: JSON of {instruction, schema, input}, output: JSON}.  Conversations whose
request holds the text within other words are no such rows: where the text begins cannot be told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nercot.formats.marks import names_of
from nercot.formats.offsets import Mark
from nercot.formats.rows import RowError, id_of, kind_of, text_of, unique
from nercot.formats.span_lists import json_passages, written
from nercot.formats.spanned import Passage, Spanned

_TEXTS = ("input", "text", "sentence")
_PAIR = re.compile(r"(.+?)\s*<>\s*(.+)", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)


def detect(value: Any) -> bool:
    """Whether a JSON value is a text and an output that lists its entities."""
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("output"), Mapping):
        return False
    try:
        return _input(value) is not None and _output(value) is not None
    except RowError:
        return False


def _request(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """IEPile's request: an object with schema and input, written as a string."""
    found = value.get("instruction")
    if isinstance(found, str) and found.lstrip().startswith("{"):
        try:
            inner = json.loads(found)
        except (ValueError, RecursionError):
            return {}
        return inner if isinstance(inner, dict) and "input" in inner else {}
    return {}


def _input(value: Mapping[str, Any]) -> str | None:
    texts = (_request(value).get("input"), *(value.get(key) for key in _TEXTS))
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def _output(value: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """(type, mentions) as the output lists them; None where it is no such list."""
    found = value.get("output")
    if isinstance(found, str):
        found = _parsed(found)
    if isinstance(found, Mapping):
        found = found["entities"] if isinstance(found.get("entities"), Mapping) else found
        listed = list(found.items())
        return listed if all(inner is None or isinstance(inner, str | list) for _, inner in listed) else None
    if isinstance(found, list) and all(isinstance(item, str) for item in found):
        pairs = [_PAIR.fullmatch(item) for item in found]
        return [(pair[2], [pair[1]]) for pair in pairs if pair] if all(pairs) else None
    return None


def _parsed(text: str) -> Any:
    fenced = _FENCE.search(text)
    text = fenced[1] if fenced else text.strip()
    if text.startswith("["):
        return written(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _row(value: Any, row: int) -> Passage:
    if not isinstance(value, Mapping):
        raise RowError(f"the row is {kind_of(value)}, not an object with input and output")
    text = text_of(_input(value), "input")
    listed = _output(value)
    if listed is None:
        raise RowError("output does not list entities by their types")
    findings: list[str] = []
    marks = tuple(mark for label, mentions in listed for mark in _marks(label, mentions, findings))
    asked = names_of(_request(value).get("schema")) if _request(value) else ()
    empty = tuple(label for label, mentions in listed) if any(not mentions for _, mentions in listed) else ()
    schema = unique((*asked, *empty)) or None
    return Passage(row, text, marks, schema=schema, source_id=id_of(value.get("id")), findings=tuple(findings))


def _marks(label: str, mentions: Any, findings: list[str]) -> Iterator[Mark]:
    for mention in [mentions] if isinstance(mentions, str) else mentions or ():
        if isinstance(mention, str) and mention.strip():
            yield Mark(label, None, None, mention)
        else:
            findings.append("not_string")


DIALECT = Spanned(json_passages(_row))
