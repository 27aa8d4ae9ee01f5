"""JSON values that are a whole file: objects over several lines, and objects that hold the rows of a project.

In: the text of a file, or a value of it.  Out: the values it is made of, and the rows that an object holds in a list
of its own (`annotations`, `data`, `examples`, ...).  Never takes a row apart: what has a text of its own is one.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
# Under which an object holds rows, and what only a row itself has.
_HOLDERS = (
    *("rasa_nlu_data", "common_examples", "annotations", "examples", "documents", "data", "rows", "items"),
    *("records", "tasks", "instances", "samples", "sentences", "utterances"),
)
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
    for key in _HOLDERS:
        found = value.get(key)
        if isinstance(found, dict) and (inner := held_rows(found)) is not None:
            return inner
        if isinstance(found, list) and any(found) and all(isinstance(item, dict | list | None) for item in found):
            return [
                item["row"] if isinstance(item, dict) and isinstance(item.get("row"), dict) else item for item in found
            ]
    return None


def _is_row(value: dict[str, Any]) -> bool:
    """Whether an object has a text of its own, also one inside `data` or `fields`."""
    inner = [found for key in ("data", "fields", "text_snippet") if isinstance(found := value.get(key), dict)]
    own = any(isinstance(value.get(key), str | list) for key in _ROW_KEYS)
    return own or any(isinstance(text, str) for found in inner for text in found.values())
