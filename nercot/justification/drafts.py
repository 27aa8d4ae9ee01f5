"""The answer as a trace drafts it: JSON within the thinking.

In: the trace, the names of the types, the references.  Out: for each draft its span and which mentions it lists under
which type.  A draft is a statement like any other: what is said after it counts more.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nercot.justification.lexicon import NAMES, Types
from nercot.justification.mentions import Reference

# A label with its list; the braces around it may be missing or unbalanced.
_LIST = re.compile(r'"([^"\n]{1,60})"\s*:\s*\[([^\[\]]{0,2000})\]')
_WORDS = re.compile(r"[^\W_]+")


class Draft(NamedTuple):
    """One list of a draft: the mentions under a label."""

    start: int
    end: int
    label: int
    mentions: tuple[int, ...]


def find_drafts(cot: str, types: Types, references: Sequence[Reference]) -> Iterator[Draft]:
    """The lists of all drafts, in order."""
    if "[" not in cot or '":' not in cot:
        return
    starts = [reference.start for reference in references]
    for match in _LIST.finditer(cot):
        words = _WORDS.findall(match[1].lower())
        size, labels = types.at(words, 0) if words else (0, {})
        named = [label for label, level in labels.items() if level == NAMES and size == len(words)]
        first, last = bisect_left(starts, match.start(2)), bisect_left(starts, match.end(2))
        if len(named) == 1:
            mentions = tuple(dict.fromkeys(one.mention for one in references[first:last]))
            yield Draft(match.start(), match.end(), named[0], mentions)
