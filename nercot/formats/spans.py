"""How JSON rows spell a span: under which keys its positions and its type stand.

In: one item of a row's list of spans.  Out: two positions as they stand there, and its types.  Whether they count
tokens or characters, and whether the end is inclusive, is for the dialect to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Words for the first and the last position of a span; where a span has both kinds, a dialect takes its own first.
_TOKENS = (("start_token", "end_token"), ("token_start", "token_end"))
_CHARACTERS = (("start_char", "end_char"), ("char_start", "char_end"), ("start_offset", "end_offset"))
_EITHER = (
    ("start", "end"),
    ("begin", "end"),
    ("start_idx", "end_idx"),
    ("start_index", "end_index"),
    ("start_pos", "end_pos"),
    ("start_position", "end_position"),
)
_BY_TOKENS = (*_TOKENS, *_EITHER, *_CHARACTERS)
_BY_CHARACTERS = (*_CHARACTERS, *_EITHER, *_TOKENS)
_PAIRED = ("span", "pos", "position", "positions", "offsets")
_TYPES = ("entity_type", "type", "label", "entity-type", "entity_label", "class", "tag", "category")


def positions(span: Any, characters: bool = False) -> tuple[Any, Any] | None:
    """Start and end of a span, whatever they are; None where it has none.

    `characters`: positions in characters are preferred to those in tokens.
    """
    if isinstance(span, list):
        return _numbers(span)
    if not isinstance(span, Mapping):
        return None
    for start, end in _BY_CHARACTERS if characters else _BY_TOKENS:
        if start in span and end in span:
            return span[start], span[end]
    pair: list[Any] = next((span[key] for key in _PAIRED if isinstance(span.get(key), list)), [])
    return (pair[0], pair[1]) if len(pair) == 2 else None


def _numbers(span: list[Any]) -> tuple[Any, Any] | None:
    """The positions of [start, end, type, ...] or [type, start, end]."""
    if len(span) < 3:
        return None
    return (span[1], span[2]) if isinstance(span[0], str) and not isinstance(span[2], str) else (span[0], span[1])


def types(span: Any) -> tuple[Any, ...]:
    """What stands as the type of a span, or the types; none where there is no such key."""
    if isinstance(span, list):
        found = _type(span)
    else:
        found = next((span[key] for key in _TYPES if key in span), None) if isinstance(span, Mapping) else None
    return tuple(found) if isinstance(found, list) and found else (found,)


def _type(span: list[Any]) -> Any:
    if len(span) < 3:
        return None
    return span[0] if isinstance(span[0], str) and not isinstance(span[2], str) else span[2]


def is_span(item: Any) -> bool:
    """Whether an item of a list can be a span: it has positions or a type."""
    return positions(item) is not None or types(item) != (None,)
