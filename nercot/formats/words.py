"""Tokens <-> a sentence: where tokens lie in it, and which tokens a sentence has.

A sentence is its tokens joined by one space, unless the format has the text itself.  Offsets are code
points, end exclusive.  Never changes a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nercot.corpus.records import Entity

Offsets = list[tuple[int, int]]

# Scripts that write words without spaces between them (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan).
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)

# White space that parts words; a no-break space can be part of a token.
_WORD = re.compile(r"[^ \t\n\r\f\v]+")


def joined(tokens: Sequence[str]) -> tuple[str, Offsets]:
    """The tokens joined by one space, and where each of them lies."""
    offsets: Offsets = []
    at = 0
    for token in tokens:
        offsets.append((at, at + len(token)))
        at += len(token) + 1
    return " ".join(tokens), offsets


def located(tokens: Sequence[str], text: str) -> Offsets | None:
    """Where the tokens lie in their text; None unless they are all of it but white space."""
    offsets: Offsets = []
    at = 0
    for token in tokens:
        found = text.find(token, at)
        if found < 0 or text[at:found].strip():
            return None
        at = found + len(token)
        offsets.append((found, at))
    return None if text[at:].strip() else offsets


def span_entity(sentence: str, start: int, end: int, label: str) -> Entity | None:
    """The entity of a span, without white space at its borders; None where nothing is left."""
    text = sentence[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return Entity(text, label, start, start + len(text)) if text else None


def words(sentence: str, cuts: Iterable[int] = ()) -> Offsets:
    """The words of a sentence between white space, parted also at `cuts`."""
    borders = sorted({cut for cut in cuts if 0 < cut < len(sentence)})
    offsets: Offsets = []
    at = 0
    for start, end in (match.span() for match in _WORD.finditer(sentence)):
        while at < len(borders) and borders[at] <= start:
            at += 1
        while at < len(borders) and borders[at] < end:
            offsets.append((start, borders[at]))
            start = borders[at]
            at += 1
        offsets.append((start, end))
    return offsets


def borders(entities: Iterable[Entity]) -> set[int]:
    """Every place where an entity begins or ends."""
    return {place for entity in entities for place in (entity.start, entity.end) if place is not None}


def token_span(offsets: Offsets, entity: Entity) -> tuple[int, int] | None:
    """The tokens (end exclusive) that an entity covers; None where it covers none."""
    if entity.start is None or entity.end is None:
        return None
    inside = [at for at, (start, end) in enumerate(offsets) if start < entity.end and end > entity.start]
    return (inside[0], inside[-1] + 1) if inside else None
