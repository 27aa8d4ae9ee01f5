"""What can be scored -> entities: answers, records, lists, mappings, and gold in the shapes that people keep it in.

In: a prediction or a gold.  Out: its entities, or None where it cannot be read; the caller decides what that means.
Gold may be an Answer, its JSON without the trace, label -> mentions (also with None where a table filled the labels
of other rows in), the rows of a corpus' own column `gold` as objects or as JSON text, a table's columns
{"text": [...], "label": [...]}, arrays of numpy.  A prediction that is text has to be an Answer.  Never guesses: a
mention that is no text, or a label whose mentions are no list, is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from nercot.corpus.records import Entity, Record
from nercot.validation.answers import parse_answer

# One entity as the corpus' own column has it, or as a record does.
Item: TypeAlias = Entity | Mapping[str, Any]

# What can be scored; None is a prediction that could not be read.
Scorable: TypeAlias = str | Record | Sequence[Item] | Mapping[str, Any] | None


def entities_of(answer: Scorable, *, gold: bool = False) -> Sequence[Entity] | None:
    """The entities of whatever can be scored; None where it cannot be read.

    A record is its entities; as `gold` its own gold, or its entities where it has none.
    """
    if isinstance(answer, str):
        parsed = parse_answer(answer)
        if parsed.problem is None:
            return [Entity(text, label) for label, text in parsed.mentions]
        return _of_json(answer) if gold else None
    if isinstance(answer, Record):
        return answer.gold if gold and answer.gold is not None else answer.entities
    return _of_value(answer)


def _of_json(text: str) -> Sequence[Entity] | None:
    """Gold as JSON text that is no Answer: label -> mentions, or a list of entities."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _of_value(value) if isinstance(value, dict | list) else None


def _of_value(value: Any) -> Sequence[Entity] | None:
    value = _plain(value)
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return None
    found = [_of_item(item) for item in value]
    return [entity for entity in found if entity] if all(found) else None


def _plain(value: Any) -> Any:
    """A list in place of an array of numpy."""
    return value.tolist() if hasattr(value, "tolist") else value


def _of_mapping(value: Mapping[str, Any]) -> Sequence[Entity] | None:
    inner = _plain(value.get("entities"))
    if len(value) == 1 and isinstance(inner, Mapping | list):
        return _of_value(inner)
    columns = [_plain(value.get(key)) for key in ("text", "label")]
    if all(isinstance(column, list) for column in columns) and len(columns[0]) == len(columns[1]) and "start" in value:
        return _of_value([{"text": text, "label": label} for text, label in zip(*columns, strict=True)])
    listed: list[Entity] = []
    for label, filling in value.items():
        mentions = [] if filling is None else _plain(filling)
        if not isinstance(label, str) or not isinstance(mentions, list | tuple):
            return None
        if not all(isinstance(mention, str) for mention in mentions):
            return None
        listed += [Entity(mention, label) for mention in mentions]
    return listed


def _of_item(item: Any) -> Entity | None:
    """One entity of a list: ours, or an object with text and label."""
    if isinstance(item, Entity):
        return item
    text, label = (item.get("text"), item.get("label")) if isinstance(item, Mapping) else (None, None)
    if not isinstance(text, str) or not isinstance(label, str):
        return None
    start, end = item.get("start"), item.get("end")
    placed = type(start) is int and type(end) is int
    return Entity(text, label, start, end) if placed else Entity(text, label)
