"""What a file's character offsets count: code points, UTF-16 units or bytes, ends exclusive or inclusive.

In: texts with the spans that a file lists for them.  Out: the one convention of the file, and spans in code points,
end exclusive.  A span's own mention text decides where there is one; without it a convention other than the usual
one is taken only if the spans say so: under the usual one they cut words, under the other they do not.  Line ends
count as they stand, or CR LF as one, or a line feed as two.  Never moves a span to a place where its text stands
by chance: what no convention explains is left as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from nercot.formats.words import UNSPACED

CHARACTERS, UTF16, BYTES = "code points", "UTF-16 units", "bytes"
CRLF_AS_ONE, LF_AS_TWO = "code points, CR LF as one", "code points, a line feed as two"
UNITS = (CHARACTERS, UTF16, BYTES, CRLF_AS_ONE, LF_AS_TWO)

# Of the spans that two conventions read differently so many have to be whole words in the other one, and so few
# in the usual one; one span alone can cut a word for its own reasons.
_MIN_WHOLE, _MAX_WHOLE, _MIN_SPANS = 0.9, 0.5, 2
_ENOUGH = 20_000
_EXAMPLES = 3
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Mark:
    """One mention as a file lists it: its type, where it stands in the file's own count, its text; what is known."""

    label: str
    start: int | None = None
    end: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Convention:
    """How a file counts: the unit, whether an end is the last unit's own, and the number of the first unit."""

    unit: str = CHARACTERS
    inclusive: bool = False
    first: int = 0

    def span(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """The span in code points, end exclusive; None where it is not in the text or parts a character."""
        start, end = start - self.first, end - self.first + self.inclusive
        if not 0 <= start < end:
            return None
        if self.unit == CHARACTERS or _is_plain(text, self.unit):
            return (start, end) if end <= len(text) else None
        places = _places(text, self.unit)
        found = places.get(start), places.get(end)
        return None if found[0] is None or found[1] is None else (found[0], found[1])

    def __str__(self) -> str:
        ends = "the end is the last one" if self.inclusive else "the end is one past the last"
        return f"{self.unit} from {self.first}, {ends}"


USUAL = Convention()
_ALL = tuple(Convention(unit, inclusive, first) for first in (0, 1) for unit in UNITS for inclusive in (False, True))


def _is_plain(text: str, unit: str) -> bool:
    """Whether the unit counts this text as code points do."""
    if unit == BYTES:
        return text.isascii()
    if unit == UTF16:
        return text.isascii() or not _ASTRAL.search(text)
    return ("\r\n" if unit == CRLF_AS_ONE else "\n") not in text


@lru_cache(maxsize=64)
def _places(text: str, unit: str) -> dict[int, int]:
    """The code point that begins at each place of the unit's own count."""
    sizes = (_size(text, at, unit) for at in range(len(text)))
    places: dict[int, int] = {}
    for at, place in enumerate(accumulate(sizes, initial=0)):
        places.setdefault(place, at)
    return places


def _size(text: str, at: int, unit: str) -> int:
    """How much the character at a place counts."""
    character = text[at]
    if unit == BYTES:
        return len(character.encode("utf-8", "surrogatepass"))
    if unit == UTF16:
        return 2 if character > "\uffff" else 1
    if unit == CRLF_AS_ONE:
        return 0 if character == "\r" and text[at + 1 : at + 2] == "\n" else 1
    return 2 if character == "\n" and text[at - 1 : at] != "\r" else 1


def resolve(text: str, mark: Mark, convention: Convention) -> tuple[int, int] | None:
    """Where a mark stands, in code points: as the file counts, or as its own text says; None where it is not there.

    A mark whose text stands at none of its readings has no place: it is to be looked for by its text.
    """
    if mark.start is None or mark.end is None:
        return None
    span = convention.span(text, mark.start, mark.end)
    if mark.text is None or _says(text, span, mark.text):
        return span
    for other in _ALL:
        if _says(text, other_span := other.span(text, mark.start, mark.end), mark.text):
            return other_span
    bare = span and text[slice(*span)].strip() == mark.text.strip()
    return span if bare else None


def _says(text: str, span: tuple[int, int] | None, mention: str) -> bool:
    """Whether a mention's text stands at a span; white space inside it may be of another kind."""
    if span is None:
        return False
    found = text[span[0] : span[1]]
    return found == mention or (_borders(found) == _borders(mention) and found.split() == mention.split() != [])


def _borders(text: str) -> tuple[bool, bool]:
    """Whether a text begins, and whether it ends, with white space."""
    return text[:1].isspace(), text[-1:].isspace()


def cuts_word(text: str, start: int, end: int) -> bool:
    """Whether a span begins or ends inside a word of a script that parts its words."""
    return _inside(text, start) or _inside(text, end)


def _inside(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    return before.isalnum() and after.isalnum() and not UNSPACED.search(before + after)


def _is_whole(text: str, span: tuple[int, int] | None) -> bool:
    """Whether a span is made of whole words, without white space at its borders."""
    if span is None:
        return False
    found = text[span[0] : span[1]]
    return found == found.strip() and not cuts_word(text, *span)


@dataclass(slots=True)
class Evidence:
    """What the spans of a file say of its convention; `add` every text with its marks, then ask `convention`."""

    said: Counter[Convention] = field(default_factory=Counter)
    whole: Counter[Convention] = field(default_factory=Counter)
    usual: Counter[Convention] = field(default_factory=Counter)
    differ: Counter[Convention] = field(default_factory=Counter)
    with_text: int = 0
    seen: int = 0

    def add(self, text: str, marks: Sequence[Mark]) -> None:
        """Counts one text."""
        for mark in marks:
            if mark.start is None or mark.end is None or self.seen >= _ENOUGH:
                continue
            self.seen += text.isascii()
            plain = USUAL.span(text, mark.start, mark.end)
            if mark.text is None:
                self._compare(text, mark.start, mark.end, plain)
            else:
                self.with_text += 1
                self._listen(text, mark.start, mark.end, plain, mark.text)

    def _listen(self, text: str, start: int, end: int, plain: tuple[int, int] | None, mention: str) -> None:
        agrees = _says(text, plain, mention)
        for other, span in _readings(text, start, end):
            if span != plain:
                self.said[other] += _says(text, span, mention) - agrees

    def _compare(self, text: str, start: int, end: int, plain: tuple[int, int] | None) -> None:
        whole = _is_whole(text, plain)
        for other, span in _readings(text, start, end):
            if span != plain:
                self.differ[other] += 1
                self.whole[other] += _is_whole(text, span)
                self.usual[other] += whole

    def convention(self) -> Convention:
        """The convention of the file; the usual one unless the spans say otherwise."""
        if self.with_text:
            best = max(_ALL, key=lambda other: self.said[other])
            return best if self.said[best] > 0 else USUAL
        likely = [other for other in _ALL if self._is_likely(other)]
        return max(likely, key=lambda other: self.whole[other] - self.usual[other], default=USUAL)

    def _is_likely(self, other: Convention) -> bool:
        differ = self.differ[other]
        return (
            differ >= _MIN_SPANS
            and self.whole[other] >= _MIN_WHOLE * differ
            and self.usual[other] <= _MAX_WHOLE * differ
        )


def _readings(text: str, start: int, end: int) -> Iterator[tuple[Convention, tuple[int, int] | None]]:
    """The span as every other convention reads it, each unit only where it counts this text in a way of its own."""
    units = {CHARACTERS, *(unit for unit in UNITS[1:] if not _is_plain(text, unit))}
    for other in _ALL[1:]:
        if other.unit in units:
            yield other, other.span(text, start, end)


@dataclass(slots=True)
class CutWords:
    """The first spans of a file that cut words, for a message about them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def see(self, row: int, text: str, span: tuple[int, int]) -> bool:
        """Notes a span if it cuts a word, and says whether it does."""
        if not cuts_word(text, *span):
            return False
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            start, end = span
            around = text[_word_start(text, start) : _word_end(text, end)]
            self.examples.append(f"row {row}: {text[start:end]!r} in {around!r}")
        return True


def _word_start(text: str, at: int) -> int:
    while at > 0 and text[at - 1].isalnum():
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at].isalnum():
        at += 1
    return at
