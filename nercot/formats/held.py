"""JSON values that are a whole file: objects over several lines, and objects that hold the rows of a project.

In: the text of a file, or a value of it.  Out: the values it is made of, and the rows that an object holds in a list
of its own (`annotations`, `data`, `examples`, ...) or in one for each split (`train`, `test`).  Never takes a row
apart: what has a text of its own is one.
"""

from __future__ import annotations

import json
import re
from typing import Any

from nercot.formats.files import is_split, split_named

_SPACE = re.compile(r"[ \t\r\n]*")
# Under which an object holds rows, and what only a row itself has.
_HOLDERS = (
    *("rasa_nlu_data", "common_examples", "annotations", "examples", "documents", "data", "rows", "items"),
    *("records", "tasks", "instances", "samples", "sentences", "utterances"),
)
_INNER = ("data", "fields", "text_snippet", "document", "example", "task")
_ROW_KEYS = (
    "text",
    "sentence",
    "tokens",
    "content",
    "tokenized_text",
    "conversations",
    "ner",
    "ners",
    "passages",
    "input",
    "textContent",
)


def json_values(text: str) -> list[Any] | None:
    """The JSON values that a text is made of, one after another; None where it is not."""
    decoder, at, found = json.JSONDecoder(), 0, []
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, _SPACE.match(text, at).end())  # type: ignore[union-attr]
            found.append(value)
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return None
    return found


def held_rows(value: Any) -> list[Any] | None:
    """The rows that an object holds in a list of its own, as files of whole projects have them; None without any."""
    if not isinstance(value, dict) or _is_row(value):
        return None
    if splits_in(value):
        return _of_splits(value)
    for key in _HOLDERS:
        found = value.get(key)
        if isinstance(found, dict) and (inner := held_rows(found)) is not None:
            return inner
        if isinstance(found, list) and any(found) and all(isinstance(item, dict | list | None) for item in found):
            return [
                item["row"] if isinstance(item, dict) and isinstance(item.get("row"), dict) else item for item in found
            ]
    return None


def splits_in(value: Any) -> list[str]:
    """The splits whose rows an object holds, each in a list of its own."""
    pairs = value.items() if isinstance(value, dict) and not _is_row(value) else ()
    return [key for key, found in pairs if is_split(key) and isinstance(found, list) and found]


def _of_splits(value: dict[str, Any]) -> list[Any] | None:
    """The rows of all splits, each with the name of its own; None where they are no objects and cannot bear it."""
    rows = [(key, row) for key in splits_in(value) for row in value[key]]
    if not rows or not all(isinstance(row, dict) for _, row in rows):
        return None
    return [{**row, "split": row.get("split") or split_named(key)} for key, row in rows]


def _is_row(value: dict[str, Any]) -> bool:
    """Whether an object has a text of its own, also one inside an object that it holds."""
    inner = [found for key in _INNER if isinstance(found := value.get(key), dict)]
    own = any(isinstance(value.get(key), str | list) for key in _ROW_KEYS)
    return own or any(isinstance(text, str) for found in inner for text in found.values())
