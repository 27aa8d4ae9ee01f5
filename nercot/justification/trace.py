"""A trace as a text that can be searched: folded character by character, cut into sentences and words.

In: the trace.  Out: Trace.  Every character keeps its place, so an offset into the folded text is one into the
trace.  Knows nothing of types or mentions beyond the spans that must not be cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

Span = tuple[int, int]

_FOLDED = (
    dict.fromkeys("“”„‟″«»`＂", '"')
    | dict.fromkeys("‘’‚‛′´", "'")
    | dict.fromkeys("—―−", "–")
    | dict.fromkeys("‐‑‒", "-")
    | dict.fromkeys("⇒➜➔➝⟶➡", "→")
    | dict.fromkeys("*\t\r\u00a0\u2009\u202f", " ")
    | {"：": ":", "，": ",", "（": "(", "）": ")", "？": "?", "！": "!", "；": ";"}
)

# What is not part of a word; an apostrophe is.
_SEPARATORS = frozenset('\n"!#$%&()*+,-./:;<=>?@[\\]^_{|}~–→…•·✔✓✗✘×¿¡、。')

_SPACES = dict.fromkeys(_SEPARATORS, " ")

# One set of characters begins every stop: that is what makes the search fast.
_STOP = re.compile(r"[\n.!?…;](?:(?<!\n)[.!?…;\"')\]]+)?(?:[ \n]*\n)?")
_QUOTE = re.compile(r'"[^"\n]{1,600}"')
_LONE_QUOTE = re.compile(r"(?<![\w'])'(?=\S)[^'\n]{1,80}(?<=\S)'(?!\w)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|dr|mr|mrs|ms|st|prof|jr|sr|inc|ltd|co|no|vol|approx|fig|al|resp|esp|ca|abbr|sq|[a-z])"
    r"|^\W*\d{1,2})$"
)


class Sentence(NamedTuple):
    """A sentence: its span, the numbers of its line and paragraph, and the range of its words."""

    start: int
    end: int
    line: int
    paragraph: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Trace:
    """`plain`: quotes, dashes and arrows unified; `low`: the same in lower case; words with their starts."""

    plain: str
    low: str
    words: list[str]
    starts: list[int]
    quotes: tuple[Span, ...]

    def sentences(self, whole: Sequence[Span]) -> list[Sentence]:
        """The sentences in order; no cut falls into a quotation or into one of the spans `whole` (sorted)."""
        made: list[Sentence] = []
        start = line = paragraph = 0
        for stop in _STOP.finditer(self.low):
            at, end = stop.span()
            lines = stop[0].count("\n")
            if lines:
                end = at + stop[0].index("\n")
            elif not self._ends(start, at, end, whole):
                continue
            self._add(made, start, end, line, paragraph)
            start = stop.end()
            line += lines > 0
            paragraph += lines > 1
        self._add(made, start, len(self.low), line, paragraph)
        return made

    def _add(self, made: list[Sentence], start: int, end: int, line: int, paragraph: int) -> None:
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        if first < last:
            made.append(Sentence(start, end, line, paragraph, first, last))

    def _ends(self, start: int, at: int, end: int, whole: Sequence[Span]) -> bool:
        if end < len(self.low) and not self.low[end].isspace():
            return False
        if _within(self.quotes, at) or _within(whole, at):
            return False
        if self.low[at] == "." and end - at == 1:
            return _ends_one(whole, at) or _ABBREVIATION.search(self.low[max(start, at - 12) : at]) is None
        return True


@lru_cache(maxsize=4)
def read_trace(cot: str) -> Trace:
    """The trace, ready to be searched; the rules about one trace share it."""
    plain = _replaced(cot, _FOLDED).replace("->", " →").replace("=>", " →")
    low = plain.lower()
    if len(low) != len(plain):
        low = "".join(char if len(char.lower()) > 1 else char.lower() for char in plain)
    words: list[str] = []
    starts: list[int] = []
    at = 0
    for piece in _replaced(low, _SPACES).split(" "):
        if not piece:
            at += 1
            continue
        word = piece.strip("'").removesuffix("'s") if "'" in piece else piece
        if word:
            words.append(word)
            starts.append(at + piece.index(word) if word is not piece else at)
        at += len(piece) + 1
    quotes = [match.span() for match in _QUOTE.finditer(plain)]
    if "'" in plain:
        lone = (match.span() for match in _LONE_QUOTE.finditer(plain))
        quotes = sorted([*quotes, *(span for span in lone if not _within(quotes, span[0]))])
    return Trace(plain, low, words, starts, tuple(quotes))


def _replaced(text: str, table: dict[str, str]) -> str:
    """The text with single characters replaced: faster than `translate` where few of them occur."""
    for char in table.keys() & set(text):
        text = text.replace(char, table[char])
    return text


def _within(spans: Sequence[Span], at: int) -> bool:
    """Whether a sorted list of spans has one around `at`, its last character excepted."""
    index = bisect_right(spans, (at, 1 << 62)) - 1
    return index >= 0 and spans[index][0] < at < spans[index][1] - 1


def _ends_one(spans: Sequence[Span], at: int) -> bool:
    """Whether one of a sorted list of spans ends at `at`."""
    index = bisect_left(spans, (at, 0)) - 1
    return index >= 0 and spans[index][1] == at


def quotation(quotes: Sequence[Span], start: int, end: int) -> Span | None:
    """The quotation that holds a span, or None."""
    index = bisect_right(quotes, (start, 1 << 62)) - 1
    if index >= 0 and quotes[index][0] <= start and end <= quotes[index][1]:
        return quotes[index]
    return None
