"""JSON rows of a text beside a masked copy of it, as data sets of personal data have them: ai4privacy and its kin.

Read: {unmasked_text, masked_text, privacy_mask: {"[CITY_1]": mention}, span_labels: [[start, end, CITY_1], ...]}, in
which lists and objects may be strings of Python; of the older ones, {Template, Filled Template} and two texts alone.
Spans with offsets count before the masks; the masked copy is laid on the text, its own words first, and a row in
which a mask can stand for more than one piece is left out.  The number behind a type (CITY_1) tells one mention from
the other and is no part of it.  Tags of word pieces beside them are not read: they are those of one tokeniser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nercot.formats.marks import key_of, number
from nercot.formats.offsets import Mark
from nercot.formats.rows import RowError, id_of, kind_of, text_of
from nercot.formats.signs import parsed
from nercot.formats.span_lists import json_passages, origin
from nercot.formats.spanned import Passage, Spanned

_TEXTS = ("unmaskedtext", "filledtemplate", "sourcetext", "originaltext", "text")
_COPIES = ("maskedtext", "template", "targettext", "masked", "maskedsentence", "redactedtext", "anonymizedtext")
_MASKS, _SPANS = ("privacymask", "piimask"), "spanlabels"
_MASK = re.compile(r"\[([A-Z][A-Z0-9_]*?)(?:_\d+)?\]|\{\{\s*(\w+?)(?:_\d+)?\s*\}\}")
_NUMBERED = re.compile(r"_\d+$")


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key_of(key): inner for key, inner in value.items()}


def _first(fields: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((fields[key] for key in keys if isinstance(fields.get(key), str)), None)


def detect(value: Any) -> bool:
    """Whether a JSON value is a text beside a masked copy, or beside an object of masks; spans as objects are not."""
    if not isinstance(value, Mapping):
        return False
    fields = _fields(value)
    text, copy = _first(fields, _TEXTS), _first(fields, _COPIES)
    masks = [parsed(fields[key]) for key in _MASKS if fields.get(key)]
    if text is None or any(isinstance(mask, list) for mask in masks):
        return False
    return bool(masks) or (copy is not None and ("unmaskedtext" in fields or _is_copy(copy, text)))


def _is_copy(copy: str, text: str) -> bool:
    return bool(_MASK.search(copy)) and not _MASK.search(text)


def _passage(value: Any, row: int) -> Passage:
    if not isinstance(value, Mapping):
        raise RowError(f"the row is {kind_of(value)}, not an object with a text")
    fields = _fields(value)
    text = text_of(_first(fields, _TEXTS), "the text")
    ident = next((found for key in ("id", "uid") if (found := id_of(fields.get(key))) is not None), None)
    return Passage(row, text, tuple(_marks(fields, text)), source_id=ident, **origin(value))


def _marks(fields: Mapping[str, Any], text: str) -> Iterator[Mark]:
    spans = parsed(fields.get(_SPANS))
    if isinstance(spans, list):
        yield from map(_span, (span for span in spans if not _is_outside(span)))
        return
    masks = next((mask for key in _MASKS if isinstance(mask := parsed(fields.get(key)), Mapping)), {})
    copy = _first(fields, _COPIES)
    if copy is not None:
        yield from _laid(copy, text, {_bare(name): str(mention) for name, mention in masks.items()})
    else:
        yield from (Mark(_type(_bare(name)), None, None, str(mention)) for name, mention in masks.items())


def _is_outside(span: Any) -> bool:
    return isinstance(span, list | tuple) and "O" in span


def _span(span: Any) -> Mark:
    """A mark of [start, end, type]."""
    listed = list(span) if isinstance(span, list | tuple) else []
    start, end = (number(part) for part in listed[:2]) if len(listed) == 3 else (None, None)
    if start is None or end is None or not isinstance(listed[2], str):
        raise RowError(f"span_labels holds {span!r}, which is no [start, end, type]")
    return Mark(_type(listed[2]), start, end)


def _bare(name: Any) -> str:
    """A mask without its brackets."""
    return str(name).strip("[]{} ")


def _type(name: str) -> str:
    return text_of(_NUMBERED.sub("", name), "a type")


def _laid(copy: str, text: str, masks: Mapping[str, str]) -> Iterator[Mark]:
    """The marks of a masked copy that is laid on its text."""
    found = [match for match in _MASK.finditer(copy) if not masks or _bare(match[0]) in masks]
    borders = [0, *(place for match in found for place in match.span()), len(copy)]
    words = [copy[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]
    known = [masks.get(_bare(match[0])) for match in found]
    for match, (start, end) in zip(found, _fitted(text, words, known), strict=True):
        yield Mark(_type(_bare(match[0])), start, end, text[start:end])


def _fitted(text: str, words: Sequence[str], known: Sequence[str | None]) -> list[tuple[int, int]]:
    """Where the masks stand between the words of a copy; a RowError where that is nowhere, or in two ways."""
    early, late = _from_left(text, words, known), _from_right(text, words, known)
    if early is None or late is None:
        raise RowError("the masked text is not the text with masks in place of mentions")
    if early != late:
        raise RowError("the masked text can be laid on the text in more than one way")
    return early


def _from_left(text: str, words: Sequence[str], known: Sequence[str | None]) -> list[tuple[int, int]] | None:
    """The first places at which masks fit; the last words stand at the end of the text."""
    if not text.startswith(words[0]):
        return None
    at, places = len(words[0]), []
    for place, (mention, after) in enumerate(zip(known, words[1:], strict=True), 1):
        if mention is not None:
            end = at + len(mention) if text.startswith(mention + after, at) else -1
        elif place == len(known):
            end = len(text) - len(after) if text.endswith(after) else -1
        else:
            end = text.find(after, at + 1)
        if end < at:
            return None
        places.append((at, end))
        at = end + len(after)
    return places if at == len(text) else None


def _from_right(text: str, words: Sequence[str], known: Sequence[str | None]) -> list[tuple[int, int]] | None:
    """The last places at which they fit: as from the left, in the mirror."""

    def mirror(word: str) -> str:
        return word[::-1]

    turned = [None if mention is None else mirror(mention) for mention in reversed(known)]
    found = _from_left(mirror(text), [*map(mirror, reversed(words))], turned)
    return None if found is None else [(len(text) - end, len(text) - start) for start, end in reversed(found)]


DIALECT = Spanned(json_passages(_passage))
