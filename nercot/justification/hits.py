"""Where a trace names types: by the names and descriptions of the lexicon, and by the signs of its own legend.

In: the trace, the names of the types, where it speaks of mentions.  Out: Hits, from left to right, none in a mention.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nercot.justification.lexicon import DESCRIBES, HEADS, NAMES, Types
from nercot.justification.mentions import Reference
from nercot.justification.trace import Trace, quotation

_LEGEND = re.compile(r"(?<![\w=])([A-Z]{1,4}\d?) ?(?:=|stands for|means) ?(?:an? |the )?[\"']?(?=[a-zA-Z])")
_EQUALS = ("=", "stands for", "means")
_CODE = re.compile(r"(?:[→:=(|]|–|- ) ?([A-Z]{1,4}\d?)(?=\s*(?:[,.;)|\n]|$))")
_ARTICLE = re.compile(r"^(?:the|an?) ")


class Hit(NamedTuple):
    """A name of types in the trace: label -> how plainly it is named (lexicon.py)."""

    start: int
    end: int
    labels: dict[int, int]


def find_hits(trace: Trace, types: Types, references: Sequence[Reference]) -> list[Hit]:
    """Where the trace names types, from left to right; not within a mention."""
    hits: list[Hit] = []
    words, starts, first = trace.words, trace.starts, types.first
    codes = _codes(trace, types) if any(sign in trace.low for sign in _EQUALS) else {}
    ends = [reference.start for reference in references]
    skip = 0
    for index in [index for index, word in enumerate(words) if word in first]:
        if index < skip:
            continue
        size, labels = types.at(words, index)
        if not labels:
            continue
        if NAMES in labels.values():  # "a poet" is the type poet, and no word for the type writer
            labels = {label: level for label, level in labels.items() if level == NAMES}
        skip = index + size
        start, end = starts[index], starts[skip - 1] + len(words[skip - 1])
        at = bisect_left(ends, end) - 1
        if at >= 0 and references[at].end > start:
            continue
        quote = quotation(trace.quotes, start, end) if trace.quotes else None
        if quote is not None and _ARTICLE.sub("", trace.low[quote[0] + 1 : quote[1] - 1]) != trace.low[start:end]:
            labels = dict.fromkeys(labels, DESCRIBES)  # it is the sentence's word there
        hits.append(Hit(start, end, labels))
    if codes:
        hits.extend(_coded(trace, codes, references))
        hits.sort()
    return hits


def _codes(trace: Trace, types: Types) -> dict[str, dict[int, int]]:
    """What a legend says: "B = band, S = singer"."""
    codes: dict[str, dict[int, int]] = {}
    for match in _LEGEND.finditer(trace.plain):
        index = bisect_left(trace.starts, match.end())
        _, labels = types.at(trace.words, index) if index < len(trace.words) else (0, {})
        named = {label: level for label, level in labels.items() if level >= HEADS}
        if named and not types.at([match[1].lower()], 0)[1]:
            codes[match[1]] = named
    return codes


def _coded(trace: Trace, codes: dict[str, dict[int, int]], references: Sequence[Reference]) -> Iterator[Hit]:
    """Where the signs of a legend stand for types."""
    ends = [reference.start for reference in references]
    for match in _CODE.finditer(trace.plain):
        at = bisect_left(ends, match.end(1)) - 1
        if match[1] in codes and not (at >= 0 and references[at].end > match.start(1)):
            yield Hit(match.start(1), match.end(1), codes[match[1]])
