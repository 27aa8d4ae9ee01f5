"""Which occurrence of a repeated mention a trace speaks of, and where.

In: the sentence, the surfaces, the references of the trace.  Out: Places.  A reference means one occurrence where
it stands in a quotation of the words around that one ("off Darwin"), or is counted ("the second Darwin", "Darwin
number two"); what follows on the same line is about the same one, until another is meant.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from nercot.justification.mentions import Reference, Surface
from nercot.justification.trace import Span, Trace, lower, plain
from nercot.validation.grounding import occurrences

ANY = -1

_RANKS = {"first": 0, "earlier": 0, "former": 0, "1st": 0, "leading": 0, "initial": 0, "second": 1, "2nd": 1}
_RANKS |= {"third": 2, "3rd": 2, "fourth": 3, "4th": 3, "last": -1, "final": -1, "latter": -1, "later": -1}
_NUMBERS = {"one": 0, "two": 1, "three": 2, "four": 3}
_NUMBERS |= {"1": 0, "2": 1, "3": 2, "4": 3}
_RANK = "|".join(_RANKS)
_BEFORE = re.compile(rf"\b({_RANK})(?:,? (?:and|or) \w+)?(?: (?:occurrence|mention|instance|use|token) of)? [\"' ]*$")
_AFTER = re.compile(
    rf"[\"' ]*(?:(?:number|no\.?|nr\.?|#) ?({'|'.join(_NUMBERS)})\b|[(\[]#?([1-4])[)\]]|[(,] ?(?:the )?({_RANK})\b)"
)
_MARKER = re.compile(r"#([1-9])")
_BARE = re.compile(
    rf"\W*(?:(?:and|but|so|only|well|now|then|while|whereas)\W+)*(?:the |occurrence |number |no\. )?"
    rf"({_RANK}|one|two)(?:,? though)?(?: (?:one|occurrence|mention|time|instance|place|use|of (?:them|these|those|the two)))?"
    r"(?=\W*(?:$|[:,(–→=\"']|is|was|stands|refers|means|must|has|can|in|at|on|as|comes|belongs|names|sits|appears)\b|\W*[:,(–→=\"'])"
)
# The words beside a mention that are compared with the sentence, in characters.
_REACH = 60
# Two occurrences that are named within so many characters are spoken of together.
_NEAR = 120
_MOST = 20


class Places:
    """The occurrences that a trace means; `starts`: where each repeated surface stands in the sentence."""

    def __init__(
        self, sentence: str, trace: Trace, surfaces: Sequence[Surface], references: Sequence[Reference]
    ) -> None:
        self.starts: dict[int, list[int]] = {}
        self._anchors: dict[int, list[Span]] = {}
        for number, surface in enumerate(surfaces):
            if sentence.count(surface.text) > 1:
                starts = [start for start, _ in occurrences(sentence, surface.text)]
                if len(starts) > 1:
                    self.starts[number] = starts
        if self.starts:
            text = plain(sentence)
            self._sentence, self._trace = (text, lower(text)), trace
            for one in references:
                if one.mention in self.starts:
                    inner = trace.low.find(lower(plain(surfaces[one.mention].text)), one.start, one.end)
                    self._anchor(one, max(inner, one.start))

    def __bool__(self) -> bool:
        return bool(self.starts)

    def note(self, mention: int, at: int, text: str) -> int | None:
        """Takes note of "the second one ...", said of a repeated mention; the end of these words, or None."""
        starts = self.starts.get(mention)
        bare = _BARE.match(text) if starts else None
        if starts is None or bare is None:
            return None
        rank = _RANKS.get(bare[1], _NUMBERS.get(bare[1], 0))
        if rank >= len(starts):
            return None
        anchors = self._anchors.setdefault(mention, [])
        anchors.append((at, starts[rank]))
        anchors.sort()
        return bare.end()

    def meant(self, mention: int, at: int, line: int, begin: int, end: int) -> int:
        """The occurrence that is meant at `at`, in a sentence from `begin` to `end` on a line that begins at `line`."""
        anchors = self._anchors.get(mention)
        if not anchors:
            return ANY
        index = bisect_right(anchors, (at, 1 << 62))
        if index and anchors[index - 1][0] >= begin:
            return anchors[index - 1][1]
        if index < len(anchors) and anchors[index][0] < end:
            return anchors[index][1]
        if not index or anchors[index - 1][0] < line:
            return ANY
        last, place = anchors[index - 1]
        before = bisect_right(anchors, (max(line, last - _NEAR), -1))
        alone = all(other == place for _, other in anchors[before : index - 1][-_MOST:])
        return place if alone else ANY

    def _anchor(self, one: Reference, begin: int) -> None:
        starts = self.starts[one.mention]
        low = self._trace.low
        rank: int | None = None
        marker = _MARKER.fullmatch(low, one.start, one.end)
        before = _BEFORE.search(low, max(0, one.start - 40), one.start)
        after = _AFTER.match(low, one.end, one.end + 30)
        if before is not None:
            rank = _RANKS[before[1]]
        elif after is not None:
            rank = _NUMBERS.get(after[1] or after[2] or "", _RANKS.get(after[3] or "", 0))
        elif marker is not None:
            rank = int(marker[1]) - 1
        if rank is not None and rank < len(starts):
            self._anchors.setdefault(one.mention, []).append((one.start, starts[rank]))
            return
        place = self._repeated(begin, one.end, starts)
        if place is not None:
            self._anchors.setdefault(one.mention, []).append((one.start, place))

    def _repeated(self, begin: int, end: int, starts: Sequence[int]) -> int | None:
        """The one occurrence whose neighbouring words the trace repeats."""
        text, low = self._sentence[1], self._trace.low
        size = end - begin
        ranked = sorted((_shared(text, start, start + size, low, begin, end), start) for start in starts)
        (second, _), (best, place) = ranked[-2:]
        return place if best > second else None


def _shared(text: str, start: int, end: int, low: str, at: int, stop: int) -> int:
    """How many of the words around a place of the sentence stand around the reference too."""
    before, closed = _run(text[max(0, start - _REACH) : start][::-1], low[max(0, at - _REACH) : at][::-1])
    after, closes = _run(text[end : end + _REACH], low[stop : stop + _REACH])
    words = re.findall(r"\w+", before[::-1]) + re.findall(r"\w+", after)
    quoted = (closed and bool(before.strip())) or (closes and bool(after.strip()))
    return len(words) if quoted or any(len(word) > 3 for word in words) else 0


def _run(one: str, other: str) -> tuple[str, bool]:
    """The common beginning, up to the end of its last whole word; whether a quotation mark ends it in the trace."""
    size = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        size += 1
    closed = size < len(other) and other[size] in "\"'"
    if (size < len(one) and size < len(other) and one[size].isalnum()) or (
        size < len(other) and other[size].isalnum() and size < len(one)
    ):
        while size and one[size - 1].isalnum():
            size -= 1
    return one[:size], closed
