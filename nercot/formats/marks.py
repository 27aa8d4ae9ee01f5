"""How JSON rows spell what is marked in a text: under which keys place, type and mention of one span stand.

In: one item of a list (an object of any tool, [start, end, type], [mention, type]).  Out: its marks, one a type and
place, with positions as they stand there; what cannot be one is a finding.  Keys count without case, `_`, `-` and
blanks: `BeginOffset` is `begin_offset`.  Whether an end is inclusive, and what is counted, is for the data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from nercot.formats.offsets import Mark
from nercot.formats.rows import valid_text

# In the order in which they count where a span has several of them.
_PLACES = (
    ("startchar", "endchar"),
    ("charstart", "charend"),
    ("startoffset", "endoffset"),
    ("beginoffset", "endoffset"),
    ("start", "end"),
    ("begin", "end"),
    ("from", "to"),
    ("start", "stop"),
    ("startidx", "endidx"),
    ("startindex", "endindex"),
    ("startpos", "endpos"),
    ("startposition", "endposition"),
    ("beginidx", "endidx"),
    ("spanstart", "spanend"),
    ("offsetstart", "offsetend"),
    ("b", "e"),
)
_LENGTHS = (("offset", "length"), ("start", "length"), ("begin", "length"))
# Where a place may stand as an object, a pair, or a list of such, of its own.
_NESTED = (
    "charinterval",
    "span",
    "spans",
    "offsets",
    "offset",
    "points",
    "locations",
    "location",
    "pos",
    "position",
    "positions",
    "interval",
    "indices",
    "idx",
    "range",
    "value",
    "textextraction",
    "textsegment",
)
_TYPES = (
    "label",
    "labels",
    "entitygroup",
    "entitytype",
    "entitylabel",
    "entityclass",
    "extractionclass",
    "type",
    "types",
    "category",
    "class",
    "tag",
    "tags",
    "nertag",
    "obj",
    "labelname",
    "typename",
    "annotationtype",
    "categories",
    "displayname",
    "labeltype",
)
_TEXTS = (
    "text",
    "word",
    "mention",
    "surface",
    "surfaceform",
    "entitytext",
    "entityname",
    "entityvalue",
    "extractiontext",
    "phrase",
    "token",
    "chunk",
    "spantext",
    "quote",
    "string",
    "content",
    "value",
    "name",
    "exact",
    "coveredtext",
    "term",
)


# Which a table has beside its column of types.
_COLUMNS = frozenset(chain(_TEXTS, chain.from_iterable((*_PLACES, *_LENGTHS))))


def key_of(name: Any) -> str:
    """A key without case, `_`, `-` and blanks."""
    return str(name).lower().replace("_", "").replace("-", "").replace(" ", "")


def looks_marked(item: Any) -> bool:
    """Whether an item of a list is a span: it has a type, and a place or a mention."""
    if isinstance(item, list | tuple):
        return _is_listed(item)
    if not isinstance(item, Mapping):
        return False
    fields = _fields(item)
    label, text = _type_and_text(fields)
    return label is not None and (text is not None or bool(_places(fields)))


def turned(value: Any) -> list[dict[str, Any]] | None:
    """The spans of an object of columns ({"start": [..], "end": [..], "label": [..]}), as tables keep them."""
    if not isinstance(value, Mapping) or not value or not all(isinstance(column, list) for column in value.values()):
        return None
    if len({len(column) for column in value.values()}) > 1 or not {key_of(key) for key in value} & set(_TYPES):
        return None
    if len(value) < 2 or not any(key_of(key) in _COLUMNS for key in value):
        return None
    return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]


def marks_of(item: Any, text: str, findings: list[str]) -> Iterator[Mark]:
    """The marks of one item in its text, one a type and place."""
    if isinstance(item, list | tuple):
        yield from _listed(item, text, findings)
        return
    if not isinstance(item, Mapping):
        findings.append("not_span")
        return
    fields = _fields(item)
    label, mention = _type_and_text(fields)
    labels = names_of(label)
    places = _places(fields)
    if not labels:
        findings.append("not_label")
    elif not places and not isinstance(mention, str):
        findings.append("out_of_range")
    elif len(places) > 1 and not _are_apart(fields):
        findings.append("discontinuous")
    else:
        yield from _marked(labels, places, mention)


def _marked(labels: Sequence[str], places: Sequence[_Place], mention: Any) -> Iterator[Mark]:
    for label in labels:
        for place in places or (_Place(None, None, None),):
            own = place.text if place.text is not None else mention
            known = valid_text(own, "a mention") if isinstance(own, str) and own.strip() else None
            if known is not None or place.start is not None:
                yield Mark(label, place.start, place.end, known)


def names_of(label: Any) -> tuple[str, ...]:
    """A type, or a list of types, as texts, also those of objects ({name: type}); what is no text is left out."""
    found = [_name(item) for item in (label if isinstance(label, list | tuple) else [label])]
    return tuple(dict.fromkeys(valid_text(name, "a type") for name in found if isinstance(name, str) and name.strip()))


def _name(label: Any) -> Any:
    """A type, also where it is an object with a name."""
    if not isinstance(label, Mapping):
        return label
    return next((label[key] for key in ("name", "value", "label", "text") if isinstance(label.get(key), str)), None)


def is_number(label: Any) -> bool:
    """Whether a type is the number of one, whose name stands elsewhere."""
    found = label if isinstance(label, list | tuple) else [label]
    return bool(found) and all(type(name) is int for name in found)


def type_of(item: Any) -> Any:
    """What stands as the type of an item, whatever it is; None where it has none."""
    if isinstance(item, Mapping):
        return _type_and_text(_fields(item))[0]
    if isinstance(item, list | tuple) and len(item) >= 3:
        return next((part for part in item if isinstance(part, str)), item[2])
    return None


class _Place(NamedTuple):
    start: int | None
    end: int | None
    text: str | None = None


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key_of(key): value for key, value in item.items()}


def _type_and_text(fields: Mapping[str, Any]) -> tuple[Any, Any]:
    """What stands as type and as mention; `entity` is either, and the other key decides which."""
    label_key = next((key for key in _TYPES if fields.get(key) not in (None, [])), None)
    text_key = next((key for key in _TEXTS if isinstance(fields.get(key), str) and key != label_key), None)
    inner = fields.get("value")
    if isinstance(inner, Mapping):
        nested = _fields(inner)
        label, text = _type_and_text({key: value for key, value in nested.items() if key != "value"})
        known = fields[label_key] if label_key and label is None else label
        return known, text if text is not None else (fields[text_key] if text_key else None)
    label = fields[label_key] if label_key else None
    text = fields[text_key] if text_key else None
    entity = fields.get("entity")
    if label is None and entity is not None:
        return entity, text
    if label_key in ("type", "types") and isinstance(entity, str) and text is not None and _is_marker(label):
        return entity, text
    return label, entity if text is None else text


def _is_marker(label: Any) -> bool:
    """Whether a `type` says what kind of thing an item is, not what is marked."""
    return isinstance(label, str) and label.lower() in ("span", "entity", "labels", "annotation")


def number(value: Any) -> int | None:
    """A position: a whole number, also where it is written 3.0 or "3"."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) < 20 and value.strip().isdecimal():
        return int(value)
    return None


def _places(fields: Mapping[str, Any]) -> list[_Place]:
    """Where an item says that it stands; several places where it has parts."""
    own = _pair(fields)
    if own:
        return [own]
    for key in _NESTED:
        found = list(_nested(fields.get(key)))
        if found:
            return found
    return _begun(fields)


def _begun(fields: Mapping[str, Any]) -> list[_Place]:
    """The place of a mention of which only the beginning is listed."""
    start = next((place for first, _ in _PLACES if (place := number(fields.get(first))) is not None), None)
    text = next((fields[key] for key in _TEXTS if isinstance(fields.get(key), str)), None)
    return [] if start is None or text is None else [_Place(start, start + len(text), text)]


def _pair(fields: Mapping[str, Any]) -> _Place | None:
    for first, last in _PLACES:
        start, end = number(fields.get(first)), number(fields.get(last))
        if start is not None and end is not None:
            return _Place(start, end)
    for first, length in _LENGTHS:
        start, size = number(fields.get(first)), number(fields.get(length))
        if start is not None and size is not None:
            return _Place(start, start + size)
    return None


def _nested(value: Any) -> Iterator[_Place]:
    if isinstance(value, Mapping):
        fields = _fields(value)
        place = _pair(fields)
        if place:
            text = fields.get("text")
            yield place._replace(text=text if isinstance(text, str) else None)
        else:
            yield from chain.from_iterable(
                _nested(fields[key]) for key in _NESTED if isinstance(fields.get(key), Mapping)
            )
    elif isinstance(value, list | tuple):
        numbers = [number(part) for part in value]
        if len(numbers) == 2 and None not in numbers:
            yield _Place(numbers[0], numbers[1])
        else:
            yield from chain.from_iterable(map(_nested, value))


def _are_apart(fields: Mapping[str, Any]) -> bool:
    """Whether several places are so many mentions: each of `points` has its own text."""
    points = fields.get("points")
    return isinstance(points, list) and all(isinstance(point, Mapping) and "text" in point for point in points)


def _is_listed(item: Sequence[Any]) -> bool:
    """Whether a list is [start, end, type], in another order, or with the mention."""
    names = [part for part in item if isinstance(part, str)]
    places = [part for part in item if type(part) is int]
    placed = len(places) == 2 and bool(names)
    return len(item) < 6 and len(names) <= 2 and (placed or is_bare(item))


def is_bare(item: Any) -> bool:
    """Whether a list is [mention, type] or [type, mention], without a place."""
    return isinstance(item, list | tuple) and len(item) == 2 and all(isinstance(part, str) for part in item)


def _listed(item: Sequence[Any], text: str, findings: list[str]) -> Iterator[Mark]:
    places = [value for part in item if not isinstance(part, str) and (value := number(part)) is not None]
    names = [part for part in item if isinstance(part, str)]
    names += chain.from_iterable(names_of(part) for part in item if isinstance(part, list))
    mention = next((name for name in names if name in text), None) if len(names) > 1 else None
    labels = [valid_text(name, "a type") for name in names if name != mention and name.strip()]
    if is_bare(item):
        mention, labels = (names[1], names[:1]) if mention == names[1] else (names[0], names[1:])
        yield from (Mark(label, None, None, mention) for label in names_of(labels))
    elif not labels:
        findings.append("not_label")
    elif len(places) < 2:
        findings.append("out_of_range")
    else:
        yield from (Mark(label, places[0], places[1], mention) for label in labels)
